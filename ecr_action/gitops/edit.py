"""The edit as a whole: files and images in, new files out. Anything wrong, and nothing is edited at all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ecr_action.errors import GitOpsParse, InputProblems, Problem
from ecr_action.gitops import architectures, labels, outright, owners, placeholders, placing, renaming
from ecr_action.gitops.candidates import not_referenced
from ecr_action.gitops.changes import changes_for
from ecr_action.gitops.diff import unified
from ecr_action.gitops.documents import extent
from ecr_action.gitops.environments import Environments, normalise
from ecr_action.gitops.find import Found, Place, find, same_registry
from ecr_action.gitops.select import select
from ecr_action.gitops.splice import Addition, Change, splice
from ecr_action.gitops.superseded import Standing, Verdict
from ecr_action.gitops.target import Target
from ecr_action.gitops_protocols import File
from ecr_action.image import version
from ecr_action.image.reference import DIGEST
from ecr_action.image.tags import SHA, is_tag

# Whether a target may take the place of what stands.
Verdicts = Callable[[Target, Standing], Verdict]
__all__ = ["Edit", "Place", "Result", "Target", "bump", "needles", "unified_diff"]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A file that changes: its new *content*, what it was (*original*), *before* and *after* in short, the *places*."""

    path: str
    content: bytes
    original: bytes
    before: str
    after: str
    places: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an edit came to.

    *references*: every one that was found; *chosen*: those meant by the run; *kept*: those of them that the verdict
    held back, with it; *held*: frozen by a comment; *unchanged*: right already; *notices* and *warnings*: for the user.
    """

    edits: tuple[Edit, ...] = ()
    references: tuple[Found, ...] = ()
    chosen: tuple[Found, ...] = ()
    kept: tuple[tuple[Found, Verdict], ...] = ()
    held: tuple[Found, ...] = ()
    unchanged: tuple[Found, ...] = ()
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class _Work:
    """What one call collects on its way."""

    files: dict[str, File] = field(default_factory=dict)
    references: list[Found] = field(default_factory=list)
    chosen: list[Found] = field(default_factory=list)
    kept: list[tuple[Found, Verdict]] = field(default_factory=list)
    held: list[Found] = field(default_factory=list)
    unchanged: list[Found] = field(default_factory=list)
    notices: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    edits: dict[str, list[Change | Addition]] = field(default_factory=dict)
    moved: list[tuple[Found, Target]] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.notices.setdefault(text)


def needles(targets: Sequence[Target]) -> list[bytes]:
    """What a file must hold to be of interest: the images' names, what stands for an image before its first run, and
    the label that selectors may use."""
    names = {word.encode() for target in targets for word in target.words}
    return sorted(names | {word.encode() for word in placeholders.WORDS} | {labels.VERSION.encode()})


def bump(
    files: Sequence[File],
    targets: Sequence[Target],
    *,
    environment: str | None,
    named: Collection[str] = (),
    paths: Sequence[str] = (),
    environments: Collection[str] = (),
    replicas: Collection[str] = (),
    verdict: Verdicts | None = None,
) -> Result:
    """Roll *targets* out in *files*.

    Parameters: *environment* is the run's, None for none; *named* are paths (or ``path#field``) that are edited
    whatever their environment; *paths* all files of the tree, where more are known than *files* has; *environments*
    further environments' names; *replicas* further registries (hosts) whose references follow, under their own host;
    *verdict* decides for each reference whether it may move, None: naming the image was consent.

    Raises NoReference, EnvironmentUnclear or GitOpsParse, and then nothing is edited. Pure: nothing is written.
    """
    with _no_collection():
        return _bumped(
            files,
            targets,
            _Scope(
                environment=normalise(environment) if environment else None,
                patterns=tuple(named),
                named={path for path in named if "#" not in path},
                fields=outright.fields(named),
                paths=tuple(dict.fromkeys([*paths, *(file.path for file in files)])),
                environments=[*environments, *([environment] if environment else [])],
                replicas=replicas,
            ),
            verdict,
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nodes of trees form no cycles, and looking for some among millions takes longer than all the rest."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _bumped(
    files: Sequence[File],
    targets: Sequence[Target],
    scope: _Scope,
    verdict: Verdicts | None,
) -> Result:
    if wrong := [problem for target in targets for problem in _problems(target)]:
        raise InputProblems(wrong)
    work = _Work()
    work.files = _usable(files, scope, targets, work.say)
    for target in targets:
        for found in _chosen(work, target, scope, len(targets)):
            work.chosen.append(found)
            _decide(work, found, target, verdict)
    labels.follow(work.files, work.edits, work.moved, work.say)
    for text in owners.warnings(work.files.values(), work.moved):
        work.warnings.setdefault(text)
    return _finished(work)


def _problems(target: Target) -> Iterator[Problem]:
    """The last door before a file: nothing but a tag and a digest gets in."""
    if not is_tag(target.tag):
        yield Problem("tag", f"is {target.tag!r}, which is no tag.")
    if target.digest is not None and not DIGEST.fullmatch(target.digest):
        yield Problem("digest", f"is {target.digest!r}; a digest is sha256: and 64 hex digits.")


# Mode of a symbolic link and of a submodule in git's trees.
_LINKS = ("120000", "160000")


def _usable(
    files: Sequence[File], scope: _Scope, targets: Sequence[Target], say: Callable[[str], None]
) -> dict[str, File]:
    """The files that may be edited: no links, no workflows, no chart's templates.

    Raises GitOpsParse where a template is named outright.
    """
    names = [word.encode() for target in targets for word in target.words]
    paths = set(scope.paths)
    kept = {}
    for file in files:
        if file.mode in _LINKS or file.path.startswith(".github/"):
            continue
        if not _is_template(file, paths):
            kept[file.path] = file
        elif not any(name in file.content for name in names):
            continue
        elif file.path not in scope.named and file.path not in scope.fields:
            if b"image" in file.content:
                say(f"{file.path} is a template of a Helm chart; it is not edited, the chart's values are.")
        else:
            what = f"{file.path} is a template of a Helm chart, which is not edited."
            raise GitOpsParse(what, fix=f"Name the values file: {_chart(file.path)}values.yaml", file=file.path)
    return kept


def _chart(path: str) -> str:
    head, _, _ = f"/{path}".rpartition("/templates/")
    return f"{head}/".lstrip("/")


def _is_template(file: File, paths: Collection[str]) -> bool:
    """A file under ``templates/`` of a folder with a Chart.yaml, or with template text where that isn't known."""
    if "/templates/" not in f"/{file.path}":
        return False
    return f"{_chart(file.path)}Chart.yaml" in paths or b"{{" in file.content


@dataclass(frozen=True)
class _Scope:
    """What the caller says about files: the run's *environment*, files and fields *named*, all *paths* of the tree.

    *patterns* are the names as they are written: globs and folders among them say whose a file of no environment is.
    """

    environment: str | None
    patterns: Sequence[str]
    named: Collection[str]
    fields: dict[str, list[str]]
    paths: Sequence[str]
    environments: Collection[str]
    replicas: Collection[str]


def _chosen(work: _Work, target: Target, scope: _Scope, targets: int) -> list[Found]:
    """The references to *target* that this run means."""
    rule = Environments(target.repository, scope.paths, scope.environments)
    mentioning = [file for file in work.files.values() if _mentions(file, target)]
    seen = [placing.by_path(item, rule) for file in mentioning for item in find(file, target.paths)]
    seen = renaming.marked(seen, target, scope.replicas)
    work.references += seen
    own = [item for item in seen if item.kind != "listed" and (item.former or _is_ours(item, target, scope.replicas))]
    own = placing.named_for(placing.by_namespace(own, rule), scope.patterns, scope.environment)
    stays = renaming.left(own, scope.environment, scope.named)
    own = [item for item in own if item not in stays]
    fields = outright.found(work.files, scope.fields, target, only=targets == 1)
    fields = placing.named_for(fields, scope.patterns, scope.environment)
    own = [item for item in own if item.file not in scope.fields]
    _tell_of_others(work, seen, target, scope.replicas)
    for text in renaming.told(stays, scope.environment):
        work.say(text)
    if not own and not fields:
        own = [placing.by_path(item, rule) for item in placeholders.placeholders(list(work.files.values()), target)]
        own = placing.named_for(own, scope.patterns, scope.environment)
        work.references += own
        if not own:
            nowhere = not_referenced(target, list(work.files.values()), seen)
            nowhere.fix = "\n".join([*renaming.told(stays, scope.environment), nowhere.fix])
            raise nowhere
    chosen = select(
        target.repository,
        own,
        rule,
        environment=scope.environment,
        named=scope.named,
        mentioning={file.path for file in mentioning},
    )
    placeholders.check_single(chosen, target)
    return [replace(item, target=target.repository) for item in (*fields, *chosen)]


def _mentions(file: File, target: Target) -> bool:
    """Whether the name is anywhere in *file*; in UTF-16 too, which is refused later, by its name."""
    if any(name.encode() in file.content for name in target.words):
        return True
    wide = file.content[:2] in (b"\xff\xfe", b"\xfe\xff")
    kinds = ("utf-16-le", "utf-16-be")
    return wide and any(name.encode(kind) in file.content for kind in kinds for name in target.words)


def _is_ours(found: Found, target: Target, replicas: Collection[str]) -> bool:
    hosts = (target.registry, *replicas)
    return any(same_registry(found.name.host, host) for host in hosts)


def _tell_of_others(work: _Work, seen: Sequence[Found], target: Target, replicas: Collection[str]) -> None:
    for item in seen:
        where = f"{item.file}, line {item.line}"
        if item.kind == "listed" and _is_ours(item, target, replicas):
            work.say(f"{where}: {item.name} stands inside a longer text or in data; it is not edited.")
        elif item.kind != "listed" and not (item.former or _is_ours(item, target, replicas)) and item.name.registry:
            fix = f"To move it too: gitops-registries: {item.name.host}"
            work.say(f"{where}: {item.name} is another registry's; it is not edited. {fix}")


def _decide(work: _Work, found: Found, target: Target, verdict: Verdicts | None) -> None:
    """Edit *found*, or say why it stays."""
    if found.held:
        work.held.append(found)
        work.say(f"{found.file}, line {found.line}: {found.name} is held by '# ecr-publish: hold'; it stays.")
        return
    made = changes_for(found, target)
    if not made or (verdict is not None and _is_same_build(found, target)):
        work.unchanged.append(found)
        return
    if verdict is not None and found.kind not in placeholders.KINDS:
        answer = verdict(target, _standing(found))
        if not answer.go and answer.level == "info" and not found.former:
            work.unchanged.append(found)
            return
        if not answer.go and answer.level != "info":
            work.kept.append((found, answer))
            return
        if answer.go and answer.notice:
            work.say(answer.notice)
    work.edits.setdefault(found.file, []).extend(made)
    work.moved.append((found, target))


def _is_same_build(found: Found, target: Target) -> bool:
    """A branch's run leaves a reference alone that has its image already: another tag would only restart it."""
    same = found.digest is not None and found.digest == target.digest
    return same and not found.former and version.of_tag(target.tag) is None


def _standing(found: Found) -> Standing:
    tag = found.tag or ""
    place = found.environment or (found.unclear[0] if found.unclear else None)
    return Standing(
        tag=found.tag,
        digest=found.digest,
        version=version.of_tag(tag),
        commit=tag if SHA.fullmatch(tag) else None,
        file_environment=place,
        file=found.file if place is None else "",
    )


def _finished(work: _Work) -> Result:
    edits = []
    for path, made in work.edits.items():
        file = work.files[path]
        content = splice(file, made)
        if content != file.content:
            edits.append(_edit(file, content, made))
    bare: dict[int, Found] = {}
    kept = _told([found for found, _ in work.kept], bare)
    return Result(
        edits=tuple(edits),
        references=_told(work.references, bare),
        chosen=_told(work.chosen, bare),
        kept=tuple(zip(kept, (answer for _, answer in work.kept), strict=True)),
        held=_told(work.held, bare),
        unchanged=_told(work.unchanged, bare),
        notices=tuple(work.notices),
        warnings=tuple(work.warnings),
    )


def _told(found: Sequence[Found], bare: dict[int, Found]) -> tuple[Found, ...]:
    """*found* without the trees that they came from; *bare* has those that were made already, by their ids."""
    for item in found:
        if id(item) not in bare:
            text, steps = item.document.source.text if item.document else "", item.seen.steps if item.seen else ()
            placed = architectures.placement(text, steps)
            bare[id(item)] = replace(item, seen=None, document=None, placed=placed)
    return tuple(bare[id(item)] for item in found)


def _edit(file: File, content: bytes, made: Sequence[Change | Addition]) -> Edit:
    places = []
    for item in made:
        node = item.node if isinstance(item, Change) else item.mapping
        old = item.node.value if isinstance(item, Change) else ""
        line = item.source.line_of(item.source.span(item.node)[0] if isinstance(item, Change) else extent(node)[0])
        places.append(Place(path=item.path, line=line, old=old, new=item.value))
    before = ", ".join(dict.fromkeys(place.old for place in places if place.old))
    after = ", ".join(dict.fromkeys(place.new for place in places))
    return Edit(
        path=file.path, content=content, original=file.content, before=before, after=after, places=tuple(places)
    )


def unified_diff(result: Result) -> str:
    """All edits as one unified diff with git's ``a/`` and ``b/`` paths; empty where nothing changes."""
    return "".join(unified(edit.path, edit.original, edit.content) for edit in result.edits)
