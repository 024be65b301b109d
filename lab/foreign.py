"""Programs of another architecture on this machine: Debian's qemu-user-static, by the kernel's binfmt_misc.

Linux, "Kernel Support for miscellaneous Binary Formats": a registration is the machine's; with the flag F the
interpreter is opened at once, so that containers need no file of it. What is registered here is taken back.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab import debian

ARCHITECTURE = "arm64"
SUITE = "bookworm"
_NAME = "ecrlab-aarch64"
# ELF(5): 64 bit, little endian, an executable or a shared object, machine 183.
_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


@contextlib.contextmanager
def programs(cache: Path) -> Iterator[bool]:
    """Let arm64 programs run meanwhile; False where they can't: no right to mount or to register, no package.

    A registration that is there is used as it is.
    """
    with contextlib.ExitStack() as undo:
        yield _runs(cache) or _register(cache, undo)


def _runs(cache: Path) -> bool:
    """Tell whether such a program runs now."""
    folder = cache / "foreign"
    try:
        debian.unpack(["busybox-static"], folder, suite=SUITE, cache=cache, architecture=ARCHITECTURE)
        return subprocess.run([folder / "bin/busybox", "true"], capture_output=True, check=False).returncode == 0
    except (debian.DebianError, OSError):
        return False


def _register(cache: Path, undo: contextlib.ExitStack) -> bool:
    try:
        debian.unpack(["qemu-user-static"], cache / "qemu", suite=SUITE, cache=cache)
        table = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="binfmt-")))
        subprocess.run(["mount", "-t", "binfmt_misc", "none", str(table)], check=True, capture_output=True)
        undo.callback(subprocess.run, ["umount", str(table)], check=False)
        if not (table / _NAME).exists():
            program = cache / "qemu" / "usr/bin/qemu-aarch64-static"
            (table / "register").write_text(f":{_NAME}:M::{_MAGIC}:{_MASK}:{program}:F")
        undo.callback((table / _NAME).write_text, "-1")
    except (debian.DebianError, OSError, subprocess.CalledProcessError):
        return False
    return _runs(cache)
