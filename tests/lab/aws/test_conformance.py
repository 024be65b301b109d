"""The OCI distribution specification's cases that apply to ECR, as a table; for what ECR refuses, its refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from .conftest import COUNTER
from .oci import INDEX, MANIFEST, Registry, digest_of

MISSING = digest_of(b"never pushed")
UNSUPPORTED = "UNSUPPORTED"


@dataclass(frozen=True)
class Case:
    """A request and its answer. *path* and *headers* may name {repository}, {manifest}, {layer}, {missing}.

    status: what is answered; code: of the first error; header: names and values of the answer, None is any value.
    """

    clause: str
    request: str
    status: int
    code: str = ""
    sent: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    header: dict[str, str | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The case in a line."""
        return f"{self.clause}: {self.request} {self.status}"


DIGEST = {"Docker-Content-Digest": "{manifest}"}
ANY: dict[str, str | None] = {"Location": None}
PULL, PUSH, DISCOVERY, MANAGEMENT = "pull", "push", "content discovery", "content management"
CASES = (
    Case("endpoints", "GET /v2/", 200),
    Case(PULL, "HEAD /v2/{repository}/blobs/{layer}", 200, header={"Content-Length": "5"}),
    Case(PULL, "GET /v2/{repository}/blobs/{layer}", 200, header={"Docker-Content-Digest": "{layer}"}),
    Case(PULL, "GET /v2/{repository}/blobs/{layer}", 206, sent={"Range": "bytes=1-3"}, header={"Content-Length": "3"}),
    Case(PULL, "HEAD /v2/{repository}/blobs/{missing}", 404),
    Case(PULL, "GET /v2/{repository}/blobs/{missing}", 404, "BLOB_UNKNOWN"),
    Case(PULL, "GET /v2/{repository}/blobs/sha256:short", 400, "DIGEST_INVALID"),
    Case(PULL, "HEAD /v2/{repository}/manifests/{manifest}", 200, header={**DIGEST, "Content-Type": MANIFEST}),
    Case(PULL, "HEAD /v2/{repository}/manifests/v1", 200, header={**DIGEST, "Content-Type": MANIFEST}),
    Case(PULL, "GET /v2/{repository}/manifests/{manifest}", 200, header={**DIGEST, "Content-Type": MANIFEST}),
    Case(PULL, "GET /v2/{repository}/manifests/v1", 200, header={**DIGEST, "Content-Type": MANIFEST}),
    Case(PULL, "HEAD /v2/{repository}/manifests/{missing}", 404),
    Case(PULL, "GET /v2/{repository}/manifests/{missing}", 404, "MANIFEST_UNKNOWN"),
    Case(PULL, "GET /v2/{repository}/manifests/no-tag", 404, "MANIFEST_UNKNOWN"),
    Case(PULL, "GET /v2/{repository}/none/manifests/v1", 404, "NAME_UNKNOWN"),
    Case(PUSH, "POST /v2/{repository}/blobs/uploads/", 202, header=ANY),
    Case(PUSH, "POST /v2/{repository}/blobs/uploads/?digest={layer}", 202, body=b"hello", header=ANY),
    Case(PUSH, "POST /v2/{repository}/blobs/uploads/?mount={layer}&from={repository}", 202, header=ANY),
    Case(PUSH, "POST /v2/{repository}/none/blobs/uploads/", 404, "NAME_UNKNOWN"),
    Case(PUSH, "PATCH /v2/{repository}/blobs/uploads/9a2c", 404, "BLOB_UPLOAD_UNKNOWN", body=b"x"),
    Case(PUSH, "PUT /v2/{repository}/blobs/uploads/9a2c?digest={layer}", 404, "BLOB_UPLOAD_UNKNOWN"),
    Case(PUSH, "PUT /v2/{repository}/manifests/again", 201, body=b"{content}", header={**ANY, **DIGEST}),
    Case(PUSH, "PUT /v2/{repository}/manifests/{manifest}", 201, body=b"{content}", header={**ANY, **DIGEST}),
    Case(PUSH, "PUT /v2/{repository}/manifests/{missing}", 400, "MANIFEST_INVALID", body=b"{content}"),
    Case(PUSH, "PUT /v2/{repository}/manifests/bad", 400, "MANIFEST_INVALID", body=b"no JSON"),
    Case(PUSH, "PUT /v2/{repository}/manifests/-bad", 400, "TAG_INVALID", body=b"{content}"),
    Case(PUSH, "PUT /v2/{repository}/none/manifests/v1", 404, "NAME_UNKNOWN", body=b"{content}"),
    Case(DISCOVERY, "GET /v2/{repository}/tags/list", 200, header={"Content-Type": "application/json"}),
    Case(DISCOVERY, "GET /v2/{repository}/tags/list?n=0", 200),
    Case(DISCOVERY, "GET /v2/{repository}/tags/list?n=1", 200, header={"Link": None}),
    Case(DISCOVERY, "GET /v2/{repository}/tags/list?n=1&last=v1", 200),
    Case(DISCOVERY, "GET /v2/{repository}/tags/list?n=many", 400, "PAGINATION_NUMBER_INVALID"),
    Case(DISCOVERY, "GET /v2/{repository}/none/tags/list", 404, "NAME_UNKNOWN"),
    Case(DISCOVERY, "GET /v2/{repository}/referrers/{missing}", 200, header={"Content-Type": INDEX}),
    Case(
        DISCOVERY,
        "GET /v2/{repository}/referrers/{manifest}?artifactType=text/x",
        200,
        header={"Content-Type": INDEX, "OCI-Filters-Applied": "artifactType"},
    ),
    Case(DISCOVERY, "GET /v2/{repository}/referrers/v1", 400, "DIGEST_INVALID"),
    # ECR deletes by its API alone.
    Case(MANAGEMENT, "DELETE /v2/{repository}/manifests/v1", 405, UNSUPPORTED),
    Case(MANAGEMENT, "DELETE /v2/{repository}/manifests/{manifest}", 405, UNSUPPORTED),
    Case(MANAGEMENT, "DELETE /v2/{repository}/blobs/{layer}", 405, UNSUPPORTED),
    Case("endpoints", "GET /v2/_catalog", 404, UNSUPPORTED),
)


@dataclass(frozen=True)
class Pushed:
    """A repository that holds one image under two tags."""

    repository: str
    content: bytes
    registry: Registry

    def fill(self, text: str) -> str:
        """Return *text* with the names of what was pushed."""
        return text.format(
            repository=self.repository,
            manifest=digest_of(self.content),
            layer=digest_of(b"hello"),
            missing=MISSING,
        )


@pytest.fixture
def pushed(ecr: Any, registry: Registry) -> Pushed:
    """One image under the tags v1 and v2."""
    name = f"conformance-{next(COUNTER)}"
    ecr.create_repository(repositoryName=name)
    content, _ = registry.push_image(name, "v1", "hello")
    registry.push(name, "v2", content)
    return Pushed(name, content, registry)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_specifications_cases(pushed: Pushed, case: Case) -> None:
    """Status, error code and headers."""
    method, _, target = pushed.fill(case.request).partition(" ")
    body = pushed.content if case.body == b"{content}" else case.body
    headers = {"Content-Type": MANIFEST, **case.sent} if "/manifests/" in target else dict(case.sent)
    reply = pushed.registry.ask(method, target, body, headers)
    code = reply.error[0] if case.code else ""
    told = {name: reply.headers[name] for name in case.header}
    wanted = {k: pushed.fill(v) if v else told[k] or "is there" for k, v in case.header.items()}
    assert (reply.status, code, told) == (case.status, case.code, wanted)


def test_tags_and_referrers_are_lists_when_empty(pushed: Pushed) -> None:
    """A page of none, tags after the last one, a digest that nothing refers to."""
    name = pushed.repository
    for query, tags in (("", ["v1", "v2"]), ("?n=0", []), ("?n=1", ["v1"]), ("?last=v1", ["v2"]), ("?last=v2", [])):
        assert json.loads(pushed.registry.ask("GET", f"/v2/{name}/tags/list{query}").body)["tags"] == tags
    index = json.loads(pushed.registry.ask("GET", f"/v2/{name}/referrers/{MISSING}").body)
    assert index == {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}


def test_chunks_come_in_order(pushed: Pushed) -> None:
    """A chunk that leaves a gap is 416, the upload tells how far it is, and is cancelled by DELETE."""
    ask, start = pushed.registry.ask, f"/v2/{pushed.repository}/blobs/uploads/"
    location = ask("POST", start).headers["Location"]
    first = ask("PATCH", location, b"0123", {"Content-Range": "0-3"})
    assert (first.status, first.headers["Range"]) == (201, "0-3")
    gap = ask("PATCH", first.headers["Location"], b"89", {"Content-Range": "8-9"})
    assert gap.status == 416
    state = ask("GET", first.headers["Location"])
    assert (state.status, state.headers["Range"]) == (204, "0-3")
    second = ask("PATCH", state.headers["Location"], b"45", {"Content-Range": "4-5"})
    done = ask("PUT", f"{second.headers['Location']}&digest={digest_of(b'012345')}")
    assert (done.status, ask("GET", done.headers["Location"]).body) == (201, b"012345")
    begun = ask("POST", start).headers["Location"]
    assert (ask("DELETE", begun).status, ask("GET", begun).status) == (204, 404)


def test_an_artifact_with_an_empty_configuration(pushed: Pushed) -> None:
    """``application/vnd.oci.empty.v1+json``: pushed, pulled, told with its artifact type."""
    pushed.registry.push_blob(pushed.repository, b"{}")
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2}
    subject = {"mediaType": MANIFEST, "digest": digest_of(pushed.content), "size": len(pushed.content)}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "text/x", "config": empty}
    content = json.dumps({**manifest, "layers": [empty], "subject": subject, "annotations": {"a": "b"}}).encode()
    reply = pushed.registry.push(pushed.repository, digest_of(content), content)
    assert (reply.status, reply.headers["OCI-Subject"]) == (201, subject["digest"])
    found = pushed.registry.ask("GET", f"/v2/{pushed.repository}/referrers/{subject['digest']}?artifactType=text/x")
    described = {"mediaType": MANIFEST, "digest": digest_of(content), "size": len(content)}
    rows = json.loads(found.body)["manifests"]
    assert rows == [{**described, "artifactType": "text/x", "annotations": {"a": "b"}}]
    assert pushed.registry.ask("GET", f"/v2/{pushed.repository}/manifests/{digest_of(content)}").body == content
