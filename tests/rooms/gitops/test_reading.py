"""What is read of a GitOps repository: exact bytes, of one commit, in few calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecr_action.errors import GitOpsRefused
from ecr_action.gitops.archive import oid_of
from lab.github import client, git, setup

from .place import DEV, FILES, NEEDLES, PROD, Place, place_in


def test_files_named_outright_are_one_call_and_come_with_mode_and_id(place: Place) -> None:
    """Both under the commit, so that they are of one snapshot."""
    snapshot = place.room().read([DEV, PROD], NEEDLES)
    assert place.calls() == ["repository"]
    assert (snapshot.repository, snapshot.branch, snapshot.head) == (place.name, "main", setup.head(place.bare))
    assert [(file.path, file.content, file.mode) for file in snapshot.files] == [
        (DEV, FILES[DEV].encode(), "100644"),
        (PROD, FILES[PROD].encode(), "100644"),
    ]
    assert snapshot.files[0].oid == oid_of(FILES[DEV].encode()) == git.Bare(place.bare).entry("HEAD", DEV).oid  # type: ignore[union-attr]


def test_a_file_named_outright_is_read_without_the_needle_too(place: Place) -> None:
    """Naming it is the request; the search by the image's name is for patterns."""
    assert [file.path for file in place.room().read(["other/deploy.yaml"], NEEDLES).files] == ["other/deploy.yaml"]


def test_without_patterns_all_manifests_are_searched_in_three_calls(place: Place) -> None:
    """Head, tree, archive; neither the README nor workflows, whatever they mention."""
    snapshot = place.room().read([], NEEDLES)
    assert place.calls() == ["repository", "trees", "tarball"]
    assert {file.path for file in snapshot.files} == {DEV, PROD}
    assert set(snapshot.paths) == set(FILES)


@pytest.mark.parametrize("pattern", ["overlays/dev/*.yaml", "overlays/dev", "**/dev/**", "overlays/d?v/deploy.yaml"])
def test_a_pattern_reads_what_it_means_and_nothing_else(place: Place, pattern: str) -> None:
    """Production is another folder."""
    assert [file.path for file in place.room().read([pattern], NEEDLES).files] == [DEV]


def test_a_file_above_half_a_megabyte_is_read_to_its_end(place: Place) -> None:
    """GitHub cuts a blob's text at 512,000 bytes; writing that back would lose the rest."""
    big = b"# " + b"x" * 600_000 + b"\nimage: registry/hello-node:old\n"
    place.commit({DEV: big})
    assert place.room().read([DEV], NEEDLES).files[0].content == big
    assert place.calls() == ["repository", "blobs"]


def test_a_file_that_is_no_text_is_read_byte_by_byte(place: Place) -> None:
    """GitHub replaces what is no UTF-8."""
    latin = "# caf\u00e9\nimage: registry/hello-node:old\n".encode("latin-1")
    place.commit({DEV: latin})
    assert place.room().read([DEV], NEEDLES).files[0].content == latin


def test_attributes_that_change_the_archive_do_not_change_what_is_read(place: Place) -> None:
    """The archive is no copy of the blobs: line ends are converted, files left out, keywords expanded."""
    text = "# $Format:%H$\nimage: registry/hello-node:old\n"
    attributes = "*.yaml text eol=crlf export-subst\noverlays/prod export-ignore\n"
    place.commit({".gitattributes": attributes, DEV: text})
    read = {file.path: file.content for file in place.room().read([], NEEDLES).files}
    assert read == {DEV: text.encode(), PROD: FILES[PROD].encode()}


def test_links_and_submodules_are_told_and_never_read_for_writing(place: Place) -> None:
    """A commit through a link would make it point to nowhere."""
    place.commit({"link.yaml": ("120000", "overlays/dev/hello-node.yaml")})
    add_submodule(place.bare, "charts/hello-node.yaml")
    snapshot = place.room().read([], NEEDLES)
    assert set(snapshot.skipped) == {"link.yaml", "charts/hello-node.yaml"}
    assert {file.path for file in snapshot.files} == {DEV, PROD}


def add_submodule(bare: Path, path: str) -> None:
    """A commit on main with a submodule at *path*."""
    repo = git.Bare(bare)
    head = setup.head(bare)
    tree = repo.write_tree(head, {path: ("160000", "1" * 40)})
    person = git.Person("Ada", "ada@example.com", "1700000000 +0000")
    repo.move("refs/heads/main", repo.write_commit(tree, [head], "Submodule\n", person, person), head)


@pytest.mark.parametrize("path", ["link.yaml", "README.md", ".github/workflows/ci.yaml"])
def test_what_is_never_written_can_not_be_named_either(place: Place, path: str) -> None:
    """A link, something that is no manifest, a workflow: each is named in the error."""
    place.commit({"link.yaml": ("120000", DEV)})
    with pytest.raises(GitOpsRefused, match=path):
        place.room().read([path], NEEDLES)


def test_a_named_file_that_is_not_there_is_an_error_that_names_file_and_branch(place: Place) -> None:
    """Nothing is searched instead."""
    with pytest.raises(GitOpsRefused) as refused:
        place.room().read(["apps/none.yaml"], NEEDLES)
    assert "apps/none.yaml" in refused.value.what
    assert "main" in refused.value.what


def test_a_pattern_that_matches_nothing_lists_what_could_be_meant(place: Place) -> None:
    """The manifests that are there."""
    with pytest.raises(GitOpsRefused) as refused:
        place.room().read(["apps/**"], NEEDLES)
    assert DEV in refused.value.why
    assert ".github" not in refused.value.why


def test_a_named_file_below_a_folder_reads_the_folder(place: Place) -> None:
    """A folder means everything below it."""
    assert {file.path for file in place.room().read(["overlays/prod/"], NEEDLES).files} == {PROD}


def test_another_branch_is_read_by_its_name(place: Place) -> None:
    """Not the default one."""
    setup.branch(place.bare, "live", setup.head(place.bare))
    setup.commit(place.bare, {DEV: "image: registry/hello-node:live\n"}, "Live", branch="live")
    snapshot = place.room(branch="live").read([DEV], NEEDLES)
    assert (snapshot.branch, snapshot.files[0].content) == ("live", b"image: registry/hello-node:live\n")


def test_a_missing_branch_names_the_default_one(place: Place) -> None:
    """As the line to write."""
    with pytest.raises(GitOpsRefused) as refused:
        place.room(branch="live").read([], NEEDLES)
    assert refused.value.fix == "gitops-branch: main"


@pytest.mark.parametrize("patterns", [[], [DEV], ["apps/*.yaml"]])
def test_an_empty_repository_has_no_head_and_no_files(github: client.GitHub, patterns: list[str]) -> None:
    """Whatever is asked for; it may have a first commit a moment later."""
    empty = place_in(github, empty=True)
    snapshot = empty.room().read(patterns, NEEDLES)
    assert (snapshot.repository, snapshot.head, snapshot.files, snapshot.paths) == (empty.name, "", (), ())


def test_many_files_are_three_calls_as_well(github: client.GitHub) -> None:
    """2,000 manifests, one of them ours."""
    many = place_in(github, {f"apps/app{number}/deploy.yaml": "image: other:1\n" for number in range(2000)} | FILES)
    github.clear_calls()
    assert {file.path for file in many.room().read([], NEEDLES).files} == {DEV, PROD}
    assert many.calls() == ["repository", "trees", "tarball"]


def test_an_archive_that_lacks_too_many_files_asks_for_their_names(github: client.GitHub) -> None:
    """Hundreds of single reads would use up the hour's calls."""
    files = {f"apps/app{number}.yaml": "image: other:1\n" for number in range(201)}
    place = place_in(github, files | {".gitattributes": "apps/* export-ignore\n"})
    with pytest.raises(GitOpsRefused) as refused:
        place.room().read([], NEEDLES)
    assert "gitops-files" in refused.value.fix


def test_other_patterns_of_the_same_room_read_other_files(place: Place) -> None:
    """What was read before is no answer to another question."""
    room = place.room()
    assert [file.path for file in room.read([DEV], NEEDLES).files] == [DEV]
    assert [file.path for file in room.read([PROD], NEEDLES).files] == [PROD]


def test_a_file_that_came_since_is_found_where_there_was_none(github: client.GitHub) -> None:
    """A repository that was scaffolded a moment later."""
    place = place_in(github, {"README.md": "x\n"})
    room = place.room()
    assert room.read([], NEEDLES).files == ()
    place.commit({DEV: FILES[DEV]})
    assert [file.path for file in room.read([], NEEDLES).files] == [DEV]
