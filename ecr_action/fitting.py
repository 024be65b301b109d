"""Whether the images that are rolled out run on the machines that their workloads may land on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from ecr_action.gitops import architectures
from ecr_action.gitops.find import Found
from ecr_action.protocols import Images


def check(moved: Sequence[Found], nodes: Collection[str], platforms: Callable[[str], tuple[str, ...]]) -> Iterator[str]:
    """Notices for references whose image could not be checked.

    Parameters: *moved* are the references that get an image; *nodes* the architectures of the cluster's nodes, empty
    where nobody says; *platforms* the image's by its repository, asked for only where a workload wants some. Raises
    PlatformMissing.
    """
    for found in moved:
        needs = architectures.wanted(found.placed, nodes)
        have = platforms(found.target) if needs else ()
        where = f"{found.file}, line {found.line}"
        if needs and not have:
            yield f"{where}: whether the image runs on {' and '.join(sorted(needs))} could not be checked."
        elif architectures.lacking(needs, have):
            raise architectures.refused(where, needs, have)


def platforms_of(images: Images, repository: str, digest: str) -> tuple[str, ...]:
    """The platforms of the image in the registry; none where they are not known."""
    image = images.by_digest(repository, digest)
    return images.platforms(repository, image) if image else ()
