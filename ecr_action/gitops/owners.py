"""Who else writes the fields that were moved, and what Kubernetes will refuse of the edit: told, never decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ecr_action.errors import GitOpsParse
from ecr_action.gitops.changes import collections
from ecr_action.gitops.documents import documents
from ecr_action.gitops.find import Found, same_registry
from ecr_action.gitops.forms import Seen
from ecr_action.gitops.splice import is_plain
from ecr_action.gitops.target import Target
from ecr_action.gitops.walk import entries, scalar, value_of, within
from ecr_action.gitops_protocols import File
from ecr_action.image import reference

# Argo CD Image Updater, "Configuration": the annotation of an Application that lists the images it moves.
UPDATER = "argocd-image-updater.argoproj.io/image-list"
# Argo CD, "Sync Options" and "Resource Hooks"; Flux, "Kustomization", force; Helm, "Chart Hooks".
_REPLACED = ("Replace=true", "Force=true")
_RECREATED = ("argocd.argoproj.io/hook", "helm.sh/hook", "kustomize.toolkit.fluxcd.io/force")


def warnings(files: Iterable[File], moved: Sequence[tuple[Found, Target]]) -> Iterator[str]:
    """What to tell about the references that were *moved* in *files*."""
    for found, target in moved:
        yield from _of_field(found, target)
    targets = {target.name: target for _, target in moved}
    for file in files:
        if UPDATER.encode() in file.content:
            for target in targets.values():
                yield from _of_updater(file, target)


def _of_field(found: Found, target: Target) -> Iterator[str]:
    where = f"{found.file}, line {found.line}"
    if found.flux:
        yield f"{where}: Flux's image automation writes this field too (the $imagepolicy comment); only one should."
    if found.file.rpartition("/")[2].startswith(".argocd-source"):
        yield (
            f"{where}: Argo CD takes this file's image over the manifest's, and Argo CD Image Updater writes it; "
            "only one should."
        )
    if found.seen is not None and not found.seen.forced and not is_plain(target.tag):
        yield f"{where}: Helm reads {target.tag} as a number here; add 'forceString: true' to the parameter."
    if target.pin == "digest" and found.seen is not None and _is_tag_alone(found.seen):
        yield (
            f"{where}: the image is pinned by its tag alone, as there is no field for a digest; where the chart has "
            'one, add it beside the tag: digest: ""'
        )
    if _is_immutable(found):
        yield (
            f"{where}: the pod template of a Job can't be changed while the Job is there. Let it be replaced: the "
            "annotation argocd.argoproj.io/sync-options: Force=true,Replace=true for Argo CD, "
            "kustomize.toolkit.fluxcd.io/force: enabled for Flux."
        )


def _is_tag_alone(seen: Seen) -> bool:
    """Whether a tag stands in a field of its own, and no digest can; kustomize's entries get theirs."""
    return seen.entry is None and seen.digest is None and seen.tag is not None and "@" not in seen.tag.value


def _is_immutable(found: Found) -> bool:
    """Whether the image is that of a Job by a fixed name which nothing makes anew (Kubernetes, "Jobs")."""
    if found.seen is None or found.seen.whole is None or "Job" not in found.seen.source.text:
        return False
    keys = [key for _, key in found.seen.steps]
    job = next((node for node, _ in reversed(found.seen.steps) if scalar(within(node, "kind")) == "Job"), None)
    if job is None or not {"containers", "initContainers"} & set(keys):
        return False
    if scalar(within(job, "metadata", "generateName")):
        return False
    annotations = within(job, "metadata", "annotations")
    marks = entries(annotations) if annotations else {}
    options = scalar(marks.get("argocd.argoproj.io/sync-options")) or ""
    return not (all(word in options for word in _REPLACED) or any(scalar(marks.get(mark)) for mark in _RECREATED))


def _of_updater(file: File, target: Target) -> Iterator[str]:
    try:
        nodes = [node for document in documents(file, [UPDATER]) for node in collections(document.root)]
    except GitOpsParse:
        return
    for node in nodes:
        listed = scalar(value_of(node, UPDATER)) or ""
        if any(_is_of(entry, target) for entry in listed.replace("\n", ",").split(",")):
            yield f"{file.path}: Argo CD Image Updater moves {target.name} too ({UPDATER}); only one should."


def _is_of(entry: str, target: Target) -> bool:
    """Whether an *entry* of the list, ``alias=image:constraint``, is the image of *target*."""
    name = entry.strip().rpartition("=")[2]
    head, slash, last = name.rpartition("/")
    parsed = reference.parse(f"{head}{slash}{last.partition(':')[0]}")
    return parsed is not None and parsed.path == target.repository and same_registry(parsed.host, target.registry)
