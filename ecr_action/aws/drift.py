"""How an existing repository's settings differ from the wanted ones, and what can be done about it. Pure.

Sources: ECR API reference, PutImageTagMutability, PutImageScanningConfiguration, RepositoryScanningConfiguration; ECR
user guide, "Encryption at rest" (it is set on creation and stays).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ecr_action.protocols import RepositorySpec, RepositoryState, Scanning

# The tags that have to move in any repository; ECR takes five filters (API reference, CreateRepository).
MOVING = ("latest", "deployed-*", "buildcache*", "key-*", "sha256-*")
FILTERS = 5
SCANNING, MUTABILITY, ENCRYPTION = "scanning", "mutability", "encryption"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One *setting* that is not as wanted: *what* stands and is wanted, and the *fix* to write.

    *lasting*: the repository's owner can't change it there, so that ``drift: fix`` can't either.
    """

    setting: str
    what: str
    fix: str
    lasting: bool = False


def differences(
    spec: RepositorySpec, state: RepositoryState, scanning: Callable[[], Scanning | None]
) -> Iterator[Difference]:
    """What of *state* is not as *spec* has it.

    *scanning* asks how the repository is scanned in effect, and is called only where its own setting differs; None
    where that can't be told. A value that is the inputs' default is no wish where it would take protection away: an
    immutable repository stays one, a key stays a key.
    """
    if state.scan_on_push != spec.scan_on_push and (found := scanning()) is not None:
        yield from _scanning(spec, found)
    if spec.mutability != "MUTABLE" and (why := _moves(spec, state)):
        full = len(exclusions(spec, state)) > FILTERS
        there = f"ECR takes {FILTERS} exclusions, and {', '.join(_foreign(spec, state))} are there already."
        yield Difference(
            setting=MUTABILITY,
            what=f"The repository {spec.name} is {state.mutability}, and tag-mutability is 'immutable': {why}.",
            fix=f"{f'{there} Take some out by hand' if full else 'To change it: drift: fix'}. To leave it: "
            "tag-mutability: mutable",
            lasting=full,
        )
    if (spec.encryption, spec.kms_key) != ("AES256", None) and (why := _encrypted(spec, state)):
        yield Difference(
            setting=ENCRYPTION,
            what=f"The repository {spec.name} is encrypted with {why}.",
            fix="ECR can't change the encryption of a repository that is there. Either name a new one "
            f"(repository: {spec.name}-kms) or take what it has: encryption: {state.encryption}",
            lasting=True,
        )


def _scanning(spec: RepositorySpec, found: Scanning) -> Iterator[Difference]:
    if found.on_push == spec.scan_on_push or (found.by_rule and not spec.scan_on_push):
        return
    wanted = "on" if spec.scan_on_push else "off"
    if found.by_rule:
        what = f"A rule of the registry's scanning configuration has {spec.name} scanned by hand only"
        fix = "It overrules the repository's own setting: change it (aws ecr put-registry-scanning-configuration), or "
        fix += "write scan-on-push: 'false'"
        yield Difference(setting=SCANNING, what=f"{what}, and scan-on-push is 'true'.", fix=fix, lasting=True)
        return
    yield Difference(
        setting=SCANNING,
        what=f"Scanning on push is {'off' if spec.scan_on_push else 'on'} in the repository {spec.name}, and "
        f"scan-on-push is '{str(spec.scan_on_push).lower()}'.",
        fix=f"To switch it {wanted}: drift: fix. To leave it: scan-on-push: '{str(not spec.scan_on_push).lower()}'",
    )


def _moves(spec: RepositorySpec, state: RepositoryState) -> str:
    """Which tags move that should not, or stay that should move; empty where all is as wanted."""
    if not state.mutability.startswith("IMMUTABLE"):
        return "its tags can be moved"
    stuck = [name for name in spec.immutable_except if not any(fnmatchcase(name, f) for f in state.immutable_except)]
    return f"{', '.join(stuck)} can't move" if stuck else ""


def exclusions(spec: RepositorySpec, state: RepositoryState) -> tuple[str, ...]:
    """What an immutable repository's tags are to be excluded by: what somebody has excluded already, and ours."""
    foreign = _foreign(spec, state)
    return (*foreign, *(name for name in spec.immutable_except if not any(fnmatchcase(name, f) for f in foreign)))


def _foreign(spec: RepositorySpec, state: RepositoryState) -> tuple[str, ...]:
    """Exclusions that stand and say more than ours; those of a mutable repository mean the opposite."""
    if not state.mutability.startswith("IMMUTABLE"):
        return ()
    ours = [name for name in spec.immutable_except if name not in state.immutable_except]
    return tuple(name for name in state.immutable_except if not any(fnmatchcase(name, f) for f in ours))


def _encrypted(spec: RepositorySpec, state: RepositoryState) -> str:
    if state.encryption != spec.encryption:
        return f"{state.encryption}, and encryption is '{spec.encryption}'"
    key = spec.kms_key or ""
    # An alias tells nothing about the key that it stands for.
    known = key and state.kms_key and "alias/" not in key
    if known and key.rpartition("/")[2] != state.kms_key.rpartition("/")[2]:
        return f"the key {state.kms_key}, and kms-key is '{key}'"
    return ""
