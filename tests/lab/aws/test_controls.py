"""The lab's own switches, as the table of docs/lab.md has them: each row does what it says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError

from lab.aws import setup

from .conftest import Lab
from .oci import Registry, digest_of

TEXT = (Path(__file__).resolve().parents[3] / "docs/lab.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(GET|POST|DELETE) /_lab/(\w+)` \| (?:`(\{.*?\})`)? ?\| ", TEXT, re.M)


def patient(lab: Lab) -> Any:
    """Return an administrator's ECR client that tries each call once."""
    keys = lab.control("GET", "admin")
    names = {"AccessKeyId": keys["AWS_ACCESS_KEY_ID"], "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"]}
    return lab.client("ecr", names)


def outcome(call: Callable[..., Any], **parameters: Any) -> str:
    """Return the code of a call's refusal, "" when it succeeds."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


# What is asked for, what was answered, the lab, its registry and a repository in it: each raises when the row is wrong.


def _health(told: Any, *_: Any) -> None:
    assert (told["status"], told["now"] > 1.7e9) == ("ok", True)


def _environment(told: Any, lab: Lab, *_: Any) -> None:
    assert told["AWS_ENDPOINT_URL"] == lab.endpoint


def _admin(told: Any, *_: Any) -> None:
    assert told["account"] == "123456789012"


def _oidc(told: Any, lab: Lab, *_: Any) -> None:
    content = jwt.decode(lab.issued(told), options={"verify_signature": False})
    assert (content["sub"], content["event_name"]) == ("repo:acme/shop:environment:prod", "push")


def _token(told: Any, *_: Any) -> None:
    content = jwt.decode(told["value"], options={"verify_signature": False})
    assert content == {"sub": "repo:acme/shop:pull_request", "exp": 1755351553}


def _clock(told: Any, lab: Lab, *_: Any) -> None:
    assert told["offset"] == 3600
    assert lab.control("GET", "health")["now"] >= told["now"]
    assert lab.control("POST", "clock", {"offset": 0})["offset"] == 0


def _faults(_: Any, lab: Lab, __: Registry, repository: str) -> None:
    ecr = patient(lab)
    codes = [outcome(ecr.list_images, repositoryName=repository) for _ in range(4)]
    assert codes == ["", "ServerException", "ServerException", ""]


def _no_faults(_: Any, lab: Lab, __: Registry, repository: str) -> None:
    lab.control("POST", "faults", {"operation": "ecr:ListImages", "error": {"code": "ServerException"}})
    lab.control("DELETE", "faults")
    assert outcome(patient(lab).list_images, repositoryName=repository) == ""


def _held(told: Any, lab: Lab, __: Registry, repository: str) -> None:
    assert told == {"held": 0}
    lab.control("POST", "faults", {"operation": "ecr:ListImages", "hold": True})
    with ThreadPoolExecutor() as pool:
        call = pool.submit(outcome, patient(lab).list_images, repositoryName=repository)
        while not lab.control("GET", "held")["held"]:
            assert not call.done()
            time.sleep(0.01)
        # Others go by meanwhile.
        assert outcome(patient(lab).list_images, repositoryName=repository) == ""
        assert not call.done()
        lab.control("DELETE", "faults")
        assert call.result() == ""


def _rates(_: Any, lab: Lab, registry: Registry, repository: str) -> None:
    manifest = registry.push_content(repository, "rates")
    lab.control("POST", "rates", {"PutImage": {"count": 1, "seconds": 3600}})
    answers = [registry.push(repository, f"v{number}", manifest).status for number in range(2)]
    lab.control("POST", "rates", {"PutImage": None})
    assert (answers, registry.push(repository, "v3", manifest).status) == ([201, 429], 201)


def _quotas(_: Any, lab: Lab, registry: Registry, repository: str) -> None:
    manifests = [registry.push_content(repository, f"quota {number}") for number in range(4)]
    answers = [registry.push(repository, digest_of(one), one).status for one in manifests]
    lab.control("POST", "quotas", {"images": None})
    assert answers == [201, 201, 201, 403]
    assert registry.push(repository, "last", manifests[-1]).status == 201


def _role(lab: Lab, name: str) -> str:
    iam = lab.admin("iam")
    setup.open_id_provider(iam)
    return setup.role(iam, name, setup.trust(["repo:o/*"]), [{"Action": "ecr:*", "Resource": "*"}])


def _organization(_: Any, lab: Lab, __: Registry, repository: str) -> None:
    ecr = lab.client("ecr", lab.assume(_role(lab, "governed"), lab.token(repository="o/r"))["Credentials"])
    calls = (ecr.describe_images, ecr.list_images)
    codes = [outcome(call, repositoryName=repository) for call in calls]
    lab.control("POST", "organization", {"account": "123456789012", "policy": None})
    assert codes == ["", "AccessDeniedException"]
    assert [outcome(call, repositoryName=repository) for call in calls] == ["", ""]


KEEP_ONE = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
POLICY = json.dumps({"rules": [{"rulePriority": 1, "selection": KEEP_ONE, "action": {"type": "expire"}}]})


def _lifecycle(_: Any, lab: Lab, registry: Registry, repository: str) -> None:
    digests = [registry.push_image(repository, f"v{number}", f"image {number}")[1] for number in range(2)]
    patient(lab).put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=POLICY)
    done = [row["imageDigest"] for row in lab.control("POST", "lifecycle") if row["repositoryName"] == repository]
    assert done == digests[:1]


def _previews(_: Any, lab: Lab, __: Registry, repository: str) -> None:
    ecr, text = patient(lab), POLICY
    ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=text)
    lab.control("POST", "previews", {"pending": 0})
    asked = [ecr.get_lifecycle_policy_preview(repositoryName=repository)["status"] for _ in range(3)]
    assert asked == ["IN_PROGRESS", "IN_PROGRESS", "COMPLETE"]


def _scan(_: Any, lab: Lab, registry: Registry, repository: str) -> None:
    _, digest = registry.push_image(repository, "scan", "x")
    image = {"repositoryName": repository, "imageId": {"imageDigest": digest}}
    finding = {"name": "CVE-2026-1000", "severity": "HIGH"}
    lab.control("POST", "scan", {"digest": digest, "status": "COMPLETE", "findings": [finding], "pending": 1})
    ecr = patient(lab)
    ecr.start_image_scan(**image)
    told = [ecr.describe_image_scan_findings(**image) for _ in range(2)]
    assert [one["imageScanStatus"]["status"] for one in told] == ["IN_PROGRESS", "COMPLETE"]
    assert told[1]["imageScanFindings"]["findings"] == [finding]


def _calls(told: Any, *_: Any) -> None:
    assert ("ecr", "CreateRepository") in [(row["service"], row["operation"]) for row in told]


def _no_calls(told: Any, lab: Lab, *_: Any) -> None:
    assert told
    assert lab.control("GET", "calls") == []


def _operations(told: Any, lab: Lab, *_: Any) -> None:
    ecr = lab.client("ecr", lab.assume(_role(lab, "counted"), lab.token(repository="o/r"))["Credentials"])
    ecr.describe_repositories()
    lab.control("DELETE", "calls")
    assert {*told, "ecr:DescribeRepositories"} <= set(lab.control("GET", "operations"))


CHECKS: dict[str, Callable[..., None]] = {
    "GET health": _health,
    "GET environment": _environment,
    "GET admin": _admin,
    "POST oidc": _oidc,
    "POST token": _token,
    "POST clock": _clock,
    "POST faults": _faults,
    "DELETE faults": _no_faults,
    "GET held": _held,
    "POST rates": _rates,
    "POST quotas": _quotas,
    "POST organization": _organization,
    "POST lifecycle": _lifecycle,
    "POST previews": _previews,
    "POST scan": _scan,
    "GET calls": _calls,
    "DELETE calls": _no_calls,
    "GET operations": _operations,
}


@pytest.mark.parametrize(("method", "name", "body"), ROWS, ids=[f"{method} {name}" for method, name, _ in ROWS])
def test_a_switch_does_what_the_document_says(
    lab: Lab, registry: Registry, repository: str, method: str, name: str, body: str
) -> None:
    """Asked with the document's own body; what follows from it is seen by the API or the wire."""
    told = lab.control(method, name, json.loads(body) if body else None)
    CHECKS[f"{method} {name}"](told, lab, registry, repository)
