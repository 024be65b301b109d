"""REST of the lab: shapes by GitHub's OpenAPI document, and the behaviour that the document describes in words."""

from __future__ import annotations

import base64
import io
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lab.github import client, git, setup
from tests.lab.github import documents

REPO = "/repos/{owner}/{repo}"
ANSWERS = [
    ("GET", "", REPO, 200),
    ("GET", "/branches/main", f"{REPO}/branches/{{branch}}", 200),
    ("GET", "/branches/gone", f"{REPO}/branches/{{branch}}", 404),
    ("GET", "/commits/main", f"{REPO}/commits/{{ref}}", 200),
    ("GET", "/commits/gone", f"{REPO}/commits/{{ref}}", 422),
    ("GET", "/compare/main...main", f"{REPO}/compare/{{basehead}}", 200),
    ("GET", "/compare/old...main", f"{REPO}/compare/{{basehead}}", 200),
    ("GET", "/compare/main...gone", f"{REPO}/compare/{{basehead}}", 404),
    ("GET", "/contents/app/deploy.yaml", f"{REPO}/contents/{{path}}", 200),
    ("GET", "/contents/app", f"{REPO}/contents/{{path}}", 200),
    ("GET", "/contents/gone", f"{REPO}/contents/{{path}}", 404),
    ("GET", "/git/trees/main?recursive=1", f"{REPO}/git/trees/{{tree_sha}}", 200),
    ("GET", "/git/trees/gone", f"{REPO}/git/trees/{{tree_sha}}", 404),
    ("GET", "/git/ref/heads/main", f"{REPO}/git/ref/{{ref}}", 200),
    ("GET", "/git/ref/heads/gone", f"{REPO}/git/ref/{{ref}}", 404),
    ("GET", "/rules/branches/ruled", f"{REPO}/rules/branches/{{branch}}", 200),
    ("GET", "/rules/branches/queued", f"{REPO}/rules/branches/{{branch}}", 200),
    ("GET", "/pulls?state=all", f"{REPO}/pulls", 200),
    ("GET", "/pulls/9", f"{REPO}/pulls/{{pull_number}}", 404),
]


@pytest.mark.parametrize(("method", "asked", "path", "status"), ANSWERS)
def test_answer_has_the_documented_shape(place: Any, method: str, asked: str, path: str, status: int) -> None:
    """Status and body of every read are those of GitHub's own description."""
    setup.branch(place.bare, "old", place.head())
    place.commit({"a": "1", "app/deploy.yaml": "image: y\n"})
    setup.branch(place.bare, "side", place.head())
    setup.commit(place.bare, {"b": "1"}, "side", branch="side")
    place.github.repository(place.full_name, protected={"ruled": "ruleset", "queued": "merge-queue"})
    place.send("POST", "/pulls", {"title": "t", "head": "side", "base": "old"})
    reply = place.github.request(method, place.api + asked, place.token)
    assert reply.status == status
    assert documents.problems(method, path, status, reply.json) == []


def test_validator_sees_a_wrong_shape(place: Any) -> None:
    """The comparison with the document is no formality: a field of another type is found."""
    body = place.get("").json | {"id": "one", "owner": None}
    found = documents.problems("GET", REPO, 200, body)
    assert any(problem.startswith("id:") for problem in found)
    assert any(problem.startswith("owner:") for problem in found)


def test_compare_knows_the_four_relations_of_two_commits(place: Any) -> None:
    """Status, counts and merge base of ahead, behind, identical and diverged."""
    base = place.head()
    setup.branch(place.bare, "side", base)
    side = setup.commit(place.bare, {"s": "1"}, "side", branch="side")
    first = setup.commit(place.bare, {"m": "1"}, "one")
    second = setup.commit(place.bare, {"m": "2"}, "two")
    found = {}
    for name, pair in {"ahead": (base, second), "behind": (second, base), "identical": (base, base),
                       "diverged": (second, side)}.items():  # fmt: skip
        answer = place.get(f"/compare/{pair[0]}...{pair[1]}").json
        found[name] = (answer["status"], answer["ahead_by"], answer["behind_by"], answer["merge_base_commit"]["sha"])
    assert found == {
        "ahead": ("ahead", 2, 0, base), "behind": ("behind", 0, 2, base),
        "identical": ("identical", 0, 0, base), "diverged": ("diverged", 1, 2, base),
    }  # fmt: skip
    commits = place.get(f"/compare/{base[:8]}...main").json["commits"]
    assert [commit["sha"] for commit in commits] == [first, second]


def test_compare_has_files_on_its_first_page_only(place: Any) -> None:
    """The second page stays small: that is how one asks for the status alone."""
    base = place.head()
    for number in range(3):
        setup.commit(place.bare, {f"f{number}": "x\ny\n"}, f"c{number}")
    first = place.get(f"/compare/{base}...main?per_page=2").json
    second = place.get(f"/compare/{base}...main?per_page=2&page=2").json
    assert [(f["filename"], f["status"], f["additions"]) for f in first["files"]] == [
        ("f0", "added", 2), ("f1", "added", 2), ("f2", "added", 2)]  # fmt: skip
    assert "files" not in second
    assert [len(first["commits"]), len(second["commits"])] == [2, 1]
    assert first["total_commits"] == second["total_commits"] == 3


def test_compare_without_a_common_ancestor_is_404(place: Any) -> None:
    """Two histories that never met cannot be compared."""
    setup.commit(place.bare, {"x": "1"}, "orphan", branch="orphan")
    reply = place.get("/compare/main...orphan")
    assert (reply.status, reply.json["message"]) == (404, "No common ancestor between main and orphan.")


def test_tarball_is_git_archive_behind_a_redirect(place: Any) -> None:
    """Attributes change what is in it: the archive is not the blobs."""
    attributes = "crlf.txt text eol=crlf\nhidden export-ignore\n"
    setup.commit(place.bare, {".gitattributes": attributes, "crlf.txt": "a\nb\n", "hidden": "x"}, "attributes")
    redirect = place.get("/tarball/main")
    assert (redirect.status, redirect.body) == (302, b"")
    reply = place.github.request("GET", redirect.headers["location"])
    folder = f"{place.full_name.replace('/', '-')}-{place.head()[:7]}"
    with tarfile.open(fileobj=io.BytesIO(reply.body), mode="r:gz") as archive:
        names = {name.removeprefix(folder) for name in archive.getnames()}
        crlf = archive.extractfile(f"{folder}/crlf.txt")
        assert crlf is not None
        assert crlf.read() == b"a\r\nb\r\n"
    assert names == {"", "/.gitattributes", "/README.md", "/app", "/app/deploy.yaml", "/crlf.txt"}
    assert place.github.request("GET", redirect.headers["location"][:-1]).status == 404


def test_blob_is_exact_in_both_forms(place: Any) -> None:
    """Bytes that are no text come back unchanged, as base64 and raw."""
    data = bytes(range(256)) * 3
    setup.commit(place.bare, {"binary": data}, "binary")
    sha = next(row["sha"] for row in place.get("/git/trees/main").json["tree"] if row["path"] == "binary")
    reply = place.get(f"/git/blobs/{sha}")
    assert documents.problems("GET", f"{REPO}/git/blobs/{{file_sha}}", 200, reply.json) == []
    assert base64.b64decode(reply.json["content"]) == data
    assert place.get(f"/git/blobs/{sha}", accept="application/vnd.github.raw+json").body == data
    assert place.get(f"/git/blobs/{'0' * 40}").status == 404


def test_tree_lists_modes_links_and_submodules(place: Any) -> None:
    """A submodule is a `commit` without url and size; folders are listed in a recursive tree."""
    inner = place.head()
    setup.commit(place.bare, {"link": ("120000", "README.md"), "run": ("100755", "#!")}, "modes")
    repo = git.Bare(place.bare)
    tree = repo.write_tree(inner, {"sub": ("160000", inner)})
    person = git.Person("a", "a@example.com", "1700000000 +0000")
    repo.move("refs/heads/main", repo.write_commit(tree, [place.head()], "s", person, person), place.head())
    rows = {row["path"]: row for row in place.get("/git/trees/main?recursive=1").json["tree"]}
    assert {path: (row["mode"], row["type"]) for path, row in rows.items()} == {
        "README.md": ("100644", "blob"), "app": ("040000", "tree"), "app/deploy.yaml": ("100644", "blob"),
        "sub": ("160000", "commit"),
    }  # fmt: skip
    assert set(rows["sub"]) == {"path", "mode", "type", "sha"}


def test_contents_follow_a_symbolic_link_without_a_word(place: Any) -> None:
    """The trap of the contents API: what comes back is the target's content."""
    setup.commit(place.bare, {"app/link": ("120000", "../README.md")}, "link")
    reply = place.get("/contents/app/link").json
    assert (reply["type"], base64.b64decode(reply["content"])) == ("file", b"hello\n")


def test_a_file_is_put_into_an_empty_repository(place: Any) -> None:
    """Its first commit, on the default branch; the git database refuses an empty repository."""
    place.github.repository("acme/begun")
    place.github.token("begins", "ada", {"acme/begun": "write"})
    body = {"message": "first", "content": base64.b64encode(b"hello\n").decode()}
    assert place.github.request("POST", "/repos/acme/begun/git/trees", "begins", {"tree": []}).status == 409
    made = place.github.request("PUT", "/repos/acme/begun/contents/README.md", "begins", body)
    assert (made.status, made.json["content"]["path"]) == (201, "README.md")
    bare = setup.repository(place.github.state, "acme/begun")
    assert [(row.oid, row.subject) for row in setup.log(bare)] == [(made.json["commit"]["sha"], "first")]
    assert setup.read(bare, "README.md") == b"hello\n"


def test_a_file_is_put_with_its_own_id_only(place: Any) -> None:
    """Else somebody's change would be lost."""
    body = {"message": "again", "content": base64.b64encode(b"new\n").decode()}
    reply = place.send("PUT", "/contents/README.md", body)
    assert (reply.status, reply.json["message"]) == (422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    # Not compared: a 409 fits both forms that the document has for it, of which it may fit one only.
    plain = client.GitHub(place.github.url, place.github.state)
    path, other = f"/repos/{place.full_name}/contents", body | {"sha": "0" * 40}
    assert plain.request("PUT", f"{path}/README.md", place.token, other).status == 409
    there = place.get("/contents/README.md").json["sha"]
    assert place.send("PUT", "/contents/README.md", body | {"sha": there}).status == 200
    assert setup.read(place.bare, "README.md") == b"new\n"
    place.github.repository(place.full_name, protected={"main": "ruleset"})
    assert plain.request("PUT", f"{path}/other", place.token, body).status == 409


def test_references_are_made_moved_and_deleted(place: Any) -> None:
    """The four answers of the refs API, each with the documented shape or GitHub's text."""
    base = place.head()
    new = setup.commit(place.bare, {"a": "1"}, "a")
    made = place.send("POST", "/git/refs", {"ref": "refs/heads/x/y", "sha": base})
    assert (made.status, documents.problems("POST", f"{REPO}/git/refs", 201, made.json)) == (201, [])
    again = place.send("POST", "/git/refs", {"ref": "refs/heads/x/y", "sha": base})
    assert (again.status, again.json["message"]) == (422, "Reference already exists")
    moved = place.send("PATCH", "/git/refs/heads/x/y", {"sha": new})
    assert (moved.status, documents.problems("PATCH", f"{REPO}/git/refs/{{ref}}", 200, moved.json)) == (200, [])
    back = place.send("PATCH", "/git/refs/heads/x/y", {"sha": base})
    assert (back.status, back.json["message"]) == (422, "Update is not a fast forward")
    assert place.send("PATCH", "/git/refs/heads/x/y", {"sha": base, "force": True}).status == 200
    assert place.send("DELETE", "/git/refs/heads/x/y", None).status == 204
    assert place.get("/git/ref/heads/x/y").status == 404


def test_protected_reference_is_not_moved(place: Any) -> None:
    """A ruleset speaks through the refs API too."""
    new = setup.commit(place.bare, {"a": "1"}, "a", branch="side")
    place.github.repository(place.full_name, protected={"main": "ruleset"})
    reply = place.send("PATCH", "/git/refs/heads/main", {"sha": new, "force": True})
    text = "Repository rule violations found\n\nChanges must be made through a pull request."
    assert (reply.status, reply.json["message"]) == (422, text)


def test_commit_by_way_of_blob_tree_and_reference(place: Any) -> None:
    """The git database can do what the mutation cannot: give a mode."""
    head = place.head()
    rows = [{"path": "run", "mode": "100755", "type": "blob", "content": "#!"}]
    tree = place.send("POST", "/git/trees", {"base_tree": place.get("/commits/main").json["commit"]["tree"]["sha"],
                                             "tree": rows})  # fmt: skip
    commit = place.send("POST", "/git/commits", {"message": "m", "tree": tree.json["sha"], "parents": [head]})
    for path, reply in (("trees", tree), ("commits", commit)):
        assert (reply.status, documents.problems("POST", f"{REPO}/git/{path}", 201, reply.json)) == (201, [])
    assert place.send("PATCH", "/git/refs/heads/main", {"sha": commit.json["sha"]}).status == 200
    assert (setup.mode(place.bare, "run"), setup.mode(place.bare, "README.md")) == ("100755", "100644")


def test_empty_repository_says_so(empty: Any) -> None:
    """Without a commit: 409 from the git database, 404 from the rest, and the API still knows the default branch."""
    for path in ("/git/trees/main", "/git/ref/heads/main", "/commits/main"):
        reply = empty.get(path)
        assert (reply.status, reply.json["message"]) == (409, "Git Repository is empty.")
    assert [empty.get(path).status for path in ("/tarball/main", "/branches/main", "/contents/")] == [404] * 3
    assert empty.send("POST", "/git/refs", {"ref": "refs/heads/main", "sha": "0" * 40}).status == 409
    assert empty.get("").json["default_branch"] == "main"


def test_bad_token_is_401_on_both_apis(place: Any) -> None:
    """A token that nobody registered is refused before anything else."""
    for reply in (place.github.request("GET", place.api, "wrong"),
                  place.github.request("POST", "/graphql", "wrong", {"query": "{ viewer { login } }"})):  # fmt: skip
        assert (reply.status, reply.json["message"]) == (401, "Bad credentials")
    assert place.github.request("POST", "/graphql", None, {"query": "{ viewer { login } }"}).status == 401


@pytest.mark.parametrize("scheme", ["token", "bearer", "Bearer"])
def test_every_scheme_of_the_authorization_header_is_known(place: Any, scheme: str) -> None:
    """Old and new clients write the header differently."""
    reply = place.github.request("GET", place.api, headers={"Authorization": f"{scheme} {place.token}"})
    assert reply.status == 200


def test_headers_tell_permissions_and_limits(place: Any) -> None:
    """Classic tokens learn their scopes, the others the permission; each has its own hourly limit."""
    place.github.token("job", "github-actions[bot]", {place.full_name: "read"}, "actions")
    classic, job = place.get("/branches/main"), place.github.request("GET", f"{place.api}/branches/main", "job")
    assert classic.headers["x-oauth-scopes"] == "repo"
    assert "x-accepted-github-permissions" not in classic.headers
    assert job.headers["x-accepted-github-permissions"] == "contents=read"
    assert (classic.headers["x-ratelimit-limit"], job.headers["x-ratelimit-limit"]) == ("5000", "1000")
    assert job.headers["x-ratelimit-used"] == "1"


def test_public_repository_is_read_without_a_token(place: Any) -> None:
    """Anybody reads what is public, nobody writes it without a token."""
    place.github.repository(place.full_name, private=False)
    reply = place.github.request("GET", place.api)
    assert (reply.status, reply.json["permissions"]["push"]) == (200, False)
    assert place.github.request("POST", f"{place.api}/git/blobs", None, {"content": "x"}).status == 403


def test_same_api_answers_below_the_path_of_an_enterprise_server(place: Any) -> None:
    """`/api/v3` and `/api/graphql` are the same two APIs."""
    reply = place.github.request("GET", f"/api/v3{place.api}", place.token)
    assert reply.json["full_name"] == place.full_name
    body = {"query": "{ viewer { login } }"}
    graphql = place.github.request("POST", "/api/graphql", place.token, body)
    assert graphql.json == {"data": {"viewer": {"login": "ada"}}}


def test_latency_and_errors_are_set_per_call(place: Any) -> None:
    """A fault meets the next calls that match it and no other."""
    place.github.fault(method="GET", path="/branches/", status=503, times=2, headers={"retry-after": "1"})
    seen = [place.get("/branches/main") for _ in range(3)]
    assert [reply.status for reply in seen] == [503, 503, 200]
    assert seen[0].headers["retry-after"] == "1"


def test_calls_are_recorded_with_who_and_what(place: Any) -> None:
    """Tests count calls: REST by path, GraphQL by its first field, the lab's own control not at all."""
    place.github.clear_calls()
    place.get("/branches/main")
    place.commit({"a": "1"})
    rows = [(row["method"], row["operation"], row["repository"], row["login"], row["status"])
            for row in place.github.calls()]  # fmt: skip
    assert rows == [("GET", None, place.full_name, "ada", 200),
                    ("POST", "createCommitOnBranch", place.full_name, "ada", 200)]  # fmt: skip


def test_no_token_is_written_to_the_state(place: Any) -> None:
    """The server keeps a hash of each token."""
    files = [path for path in Path(place.github.state).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if place.token.encode() in path.read_bytes()]


def test_ids_are_numbers_of_their_own(place: Any) -> None:
    """Repository and owner have ids, for the second form of an OIDC subject."""
    about = place.get("").json
    assert re.fullmatch(r"9\d{8}", str(about["id"]))
    assert about["owner"]["id"] != about["id"]
