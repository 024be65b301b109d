"""Whether what stands may be replaced by ours: never by something older, however late its run came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ecr_action.image.version import Version
from ecr_action.protocols import Comparison


@dataclass(frozen=True, kw_only=True)
class Ours:
    """What we roll out: its *commit* (40 hex), its *version* where it has one, whether it is a *release* at all.

    *prerelease*: GitHub's release is marked as one, whatever its version says.

    *deploy*: it is an image that was named to be deployed, which no stream of a file stops.
    *digest* is given where a reference that has the same image already should stay.
    """

    commit: str
    version: Version | None = None
    release: bool = False
    prerelease: bool = False
    digest: str | None = None
    deploy: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands in a file (or under a tag): *file_environment* is None for a file of no environment.

    *commit* is a full one, where the tag is one or it was found out; *file* is set for files of no environment.
    """

    tag: str | None = None
    digest: str | None = None
    version: Version | None = None
    commit: str | None = None
    file_environment: str | None = None
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether to *go* on; the *notice* says why not, or what could not be checked (empty: nothing to say).

    *newer*: ours is known to be newer than what stands, by its version or by its commit.
    """

    go: bool
    newer: bool = False
    notice: str = ""
    level: Literal["info", "notice", "warning"] = "info"


def verdict(ours: Ours, standing: Standing, comparison: Comparison | None, *, allow: bool) -> Verdict:
    """Whether *ours* may replace *standing*.

    Parameters: *comparison* is GitHub's compare of the standing commit (base) and ours (head), None where there is no
    commit to compare; *allow* is True where a person named the image: that is consent to go back.

    Versions are compared by SemVer; a release replaces what is no version; else the commits decide.
    """
    if ours.digest is not None and ours.digest == standing.digest and not ours.release and not allow:
        return Verdict(go=False, notice="The same image stands there already.", level="info")
    if stream := _stream(ours, standing):
        return Verdict(go=True) if allow else stream
    if ours.version is not None and ours.release:
        return _by_version(ours.version, standing, comparison, allow)
    return _by_commit(standing, comparison, allow)


def _stream(ours: Ours, standing: Standing) -> Verdict | None:
    """A file of no environment in which a release stands is moved by releases alone."""
    stands = standing.version
    if ours.deploy or standing.file_environment is not None or stands is None or stands.prerelease:
        return None
    if ours.release and not ours.prerelease and ours.version is not None and not ours.version.prerelease:
        return None
    path = standing.file or "<path>"
    notice = (
        f"NOT DEPLOYED: {stands.tag} is out in {path}, a file of no environment, which only releases move since then.\n"
        f"To let it follow the branch:  gitops-files: 'dev: {path}'\n"
        f"To keep it for releases:  gitops-files: 'prod: {path}'"
    )
    return Verdict(go=False, notice=notice, level="notice")


def _by_version(version: Version, standing: Standing, comparison: Comparison | None, allow: bool) -> Verdict:
    if standing.version is None:
        return Verdict(go=True, newer=_is_ahead(comparison))
    if version >= standing.version:
        return Verdict(go=True, newer=version > standing.version)
    text = f"{standing.version.tag} stands, which is newer than {version.tag}"
    if allow:
        return Verdict(go=True, notice=f"{text}: going back, as asked for.", level="notice")
    fix = "To go back on purpose start the workflow by hand (workflow_dispatch) with this version."
    return Verdict(go=False, notice=f"{text}. {fix}", level="warning")


def _by_commit(standing: Standing, comparison: Comparison | None, allow: bool) -> Verdict:
    stands = standing.tag or standing.digest or "nothing"
    if comparison is None:
        if standing.tag is None and standing.digest is None:
            return Verdict(go=True)
        notice = f"It could not be checked whether {stands} is newer: its commit is not known."
        return Verdict(go=True, notice=notice, level="notice")
    if comparison.status in ("ahead", "identical"):
        return Verdict(go=True, newer=_is_ahead(comparison))
    if comparison.status == "behind":
        text = f"{stands} stands, which is of a newer commit"
        if allow:
            return Verdict(go=True, notice=f"{text}: going back, as asked for.", level="notice")
        return Verdict(go=False, notice=f"{text}: superseded.", level="notice")
    if comparison.status == "diverged":
        notice = f"{stands} is of a commit that is no ancestor of ours (a force push, or another branch)."
        return Verdict(go=True, notice=notice, level="notice")
    why = f" ({comparison.why})" if comparison.why else ""
    notice = f"It could not be checked whether {stands} is newer: GitHub does not know its commit{why}."
    return Verdict(go=True, notice=notice, level="notice")


def _is_ahead(comparison: Comparison | None) -> bool:
    return comparison is not None and comparison.status == "ahead"
