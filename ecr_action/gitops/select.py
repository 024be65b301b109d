"""Which of the references that were found belong to the environment of the run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ecr_action.errors import EnvironmentUnclear
from ecr_action.gitops.environments import Environments
from ecr_action.gitops.find import Found


def select(
    repository: str,
    found: Sequence[Found],
    environments: Environments,
    *,
    environment: str | None,
    named: Collection[str],
    mentioning: Collection[str],
) -> list[Found]:
    """The references of *found* that a run of *environment* (None: of none) edits.

    Parameters: *named* files are edited whatever their environment; *mentioning* are the files that hold the
    repository's name anywhere. Raises EnvironmentUnclear where it can't be told which ones are meant.
    """
    chosen = [item for item in found if item.file in named]
    others = [item for item in found if item.file not in named]
    if not others:
        return chosen
    doubtful = [item for item in others if item.unclear]
    if environment is None or any(environment in item.unclear for item in doubtful):
        for item in doubtful:
            what = f"{item.file} names several environments: {', '.join(item.unclear)}."
            raise _unclear(what, others, environment)
    own = [item for item in others if environment is not None and item.environment == environment]
    if own:
        return [*chosen, *own]
    neutral = [item for item in others if item.environment is None and not item.unclear]
    if neutral:
        _check_neutral(repository, neutral, others, environments, environment, mentioning)
        return [*chosen, *neutral]
    if chosen:
        return chosen
    names = sorted({item.environment for item in others if item.environment})
    meant = f"the environment {environment}" if environment else "no environment"
    what = f"{repository} is referenced in files of {', '.join(names)} only, and the run is of {meant}."
    raise _unclear(what, others, environment)


def _check_neutral(
    repository: str,
    neutral: Sequence[Found],
    others: Sequence[Found],
    environments: Environments,
    environment: str | None,
    mentioning: Collection[str],
) -> None:
    """A file of no environment may be edited if every other environment that is there has a reference of its own.

    One without inherits from the file, and would be moved along.
    """
    have = {item.environment for item in others}
    paths = _around(repository, {item.file for item in neutral}, environments.paths, mentioning)
    there = environments.known(paths)
    lacking = {name: path for name, path in there.items() if name != environment and name not in have}
    if lacking:
        name, path = next(iter(lacking.items()))
        files = ", ".join(dict.fromkeys(item.file for item in neutral))
        what = f"{files} belongs to no environment, and {name} ({path}) has no reference of its own to {repository}"
        what += " among the files looked at."
        why = f"It may take its image from there, and would be moved along with {environment or 'the edit'}."
        raise _unclear(what, others, environment, why, lacking)


def _around(
    repository: str, neutral: Collection[str], paths: Sequence[str], mentioning: Collection[str]
) -> Iterable[str]:
    """The paths whose environments may depend on *neutral* files.

    That is the whole tree, unless each of them lies in a folder with the repository's name: then that folder, and
    whatever mentions the name.
    """
    name = repository.rpartition("/")[2].lower()
    folders = set()
    for path in neutral:
        parts = path.lower().split("/")[:-1]
        if name not in parts:
            return paths
        folders.add("/".join(path.split("/")[: parts.index(name) + 1]) + "/")
    return [
        path
        for path in paths
        if path in mentioning or path.startswith(tuple(folders)) or name in path.lower().rpartition(".")[0].split("/")
    ]


def _unclear(
    what: str,
    found: Sequence[Found],
    environment: str | None,
    why: str = "",
    lacking: Iterable[str] = (),
) -> EnvironmentUnclear:
    lines: dict[str, None] = {}
    for item in found:
        name = item.environment or environment or "dev"
        lines.setdefault(f"  {name}: {item.file}")
    own = {environment} if environment and all(item.environment for item in found) else set()
    for name in (*(own - {item.environment for item in found}), *lacking):
        lines.setdefault(f"  {name}: <the file that says which image {name} runs>")
    fix = "Say which files are meant (keep the lines that are true):\ngitops-files: |\n" + "\n".join(lines)
    first = found[0]
    return EnvironmentUnclear(what, why=why, fix=fix, file=first.file, line=first.line)
