"""The AWS CLI of the seed's pipeline: PyPI's, in an environment of its own beside the lab's packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.processes import BenchmarkError
from lab.paths import ROOT

VERSION = "1.46.3"


def program() -> str:
    """The path of ``aws``, installed where it is missing. Raises BenchmarkError where that fails."""
    folder = ROOT / "cache" / "bench" / f"awscli-{VERSION}"
    aws, done = folder / "bin" / "aws", folder / ".complete"
    if done.exists():
        return str(aws)
    uv = str(Path(sys.executable).with_name("uv"))
    try:
        subprocess.run([uv, "venv", "--quiet", "--clear", str(folder)], check=True)
        python = str(folder / "bin" / "python")
        # With bytecode, as every later start has it.
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, f"awscli=={VERSION}"]
        subprocess.run(install, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchmarkError(f"the AWS CLI can't be installed, which needs a package index once: {error}") from error
    done.touch()
    return str(aws)
