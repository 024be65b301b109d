"""The inputs: a mapping of texts in, a frozen value and every problem out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ecr_action import (
    building,
    converters,
    credentials,
    delivery,
    job_outputs,
    naming,
    part_lists,
    partitions,
    service_list,
)
from ecr_action.aws.findings import Ignored
from ecr_action.aws.policy import Keep
from ecr_action.converters import GitOpsPath
from ecr_action.errors import Problem
from ecr_action.gitops.modes import Modes
from ecr_action.image import version
from ecr_action.image.arguments import BuildSecret
from ecr_action.job_outputs import Listing
from ecr_action.part_lists import Parts
from ecr_action.secret import Secret
from ecr_action.service_list import Declared


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Every input, parsed. *sources* tells where each value came from: ``with``, ``environment``, ``default``."""

    aws_region: str | None
    role_to_assume: str | None
    audience: str | None
    role_session_name: str
    role_duration_seconds: int
    registry_id: str | None
    allowed_account_ids: tuple[str, ...]
    repository: str | None
    create_repository: bool
    scan_on_push: bool
    encryption: str
    lifecycle_policy: str
    retention: Mapping[str, Keep]
    drift: str
    scan_fail_on: tuple[str, ...]
    scan_timeout: int
    scan_ignore: tuple[Ignored, ...]
    kms_key: str | None
    repository_tags: Mapping[str, str]
    tag_mutability: str
    environment: str | None
    version: str | None
    tag_prefix: str
    tags: tuple[str, ...]
    latest: bool | None
    labels: Mapping[str, str]
    short_sha_length: int
    context: str
    file: str | None
    target: str | None
    build_args: tuple[tuple[str, str | None], ...]
    platforms: tuple[str, ...]
    part: str
    parts: Parts
    push: bool | None
    engine: str
    add_hosts: tuple[str, ...]
    allow: tuple[str, ...]
    annotations: tuple[str, ...]
    attests: tuple[str, ...]
    build_contexts: tuple[str, ...]
    builder: str | None
    cache: str
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    call: str | None
    cgroup_parent: str | None
    load: bool
    network: str | None
    no_cache: bool
    no_cache_filters: tuple[str, ...]
    outputs: tuple[str, ...]
    provenance: str | None
    pull: bool
    sbom: str | None
    secrets: tuple[BuildSecret, ...]
    secret_envs: tuple[BuildSecret, ...]
    secret_files: tuple[BuildSecret, ...]
    shm_size: str | None
    ssh: tuple[str, ...]
    ulimit: tuple[str, ...]
    reuse: str
    reuse_ignore: tuple[str, ...]
    reuse_max_age: int | None
    gitops_repository: str | None
    gitops_branch: str | None
    gitops_token: Secret
    gitops_app_id: str | None
    gitops_app_private_key: Secret
    gitops_files: tuple[GitOpsPath, ...]
    gitops_commit_message: str | None
    gitops_registries: tuple[str, ...]
    gitops_pin: str
    gitops_bootstrap: str
    node_architectures: tuple[str, ...]
    gitops_mode: Modes
    gitops_auto_merge: bool
    mode: str
    image: str | None
    image_role_to_assume: str | None
    images: Listing
    services: tuple[Declared, ...]
    github_token: Secret
    dry_run: bool
    sources: Mapping[str, str]


@dataclass(frozen=True)
class Spec:
    """One input: the *default* as ``action.yml`` has it, and the converter of its text.

    *blank* is what an empty text means where that is not the default.
    """

    default: str
    convert: Callable[[str], Any]
    blank: str = ""


TABLE: Mapping[str, Spec] = {
    "aws-region": Spec("", converters.region),
    "role-to-assume": Spec("", converters.role_arn),
    "audience": Spec("", converters.optional),
    "role-session-name": Spec(
        "GitHubActions", converters.matching(converters.SESSION, "session name", "2 to 64 of A-Z a-z 0-9 _+=,.@-")
    ),
    "role-duration-seconds": Spec("3600", converters.integer(900, 43200, "seconds")),
    "registry-id": Spec("", converters.registry_id),
    "allowed-account-ids": Spec("", converters.accounts),
    "repository": Spec("", converters.repository_name),
    "create-repository": Spec("true", converters.boolean),
    "scan-on-push": Spec("true", converters.boolean),
    "encryption": Spec("AES256", converters.choice("AES256", "KMS", "KMS_DSSE")),
    "lifecycle-policy": Spec("", converters.stripped),
    "retention": Spec("", converters.retention),
    "drift": Spec("warn", converters.choice("warn", "fix", "ignore")),
    "scan-fail-on": Spec("", converters.scan_fail_on),
    "scan-timeout": Spec("300", converters.integer(0, 3600, "seconds")),
    "scan-ignore": Spec("", converters.scan_ignore),
    "kms-key": Spec("", partitions.kms_key),
    "repository-tags": Spec("", converters.resource_tags),
    "tag-mutability": Spec("mutable", converters.choice("mutable", "immutable")),
    "environment": Spec("", converters.environment_name),
    "version": Spec("", converters.optional),
    "tag-prefix": Spec("", converters.stripped),
    "tags": Spec("", naming.image_tags),
    "latest": Spec("auto", converters.automatic),
    "labels": Spec("", converters.key_values),
    "short-sha-length": Spec("7", converters.integer(7, 40, "characters")),
    "context": Spec(".", converters.folder),
    "file": Spec("", converters.optional),
    "target": Spec("", converters.optional),
    "build-args": Spec("", converters.build_args),
    "platforms": Spec("", converters.platforms),
    "part": Spec("", building.part),
    "parts": Spec("", part_lists.parts),
    "push": Spec("auto", converters.automatic),
    "engine": Spec("auto", converters.choice("auto", "buildx", "docker")),
    "add-hosts": Spec("", building.hosts),
    "allow": Spec("", building.entitlements),
    "annotations": Spec("", building.pairs),
    "attests": Spec("", building.attests),
    "build-contexts": Spec("", building.contexts),
    "builder": Spec("", converters.optional),
    "cache": Spec("none", converters.choice("none", "auto", "registry", "inline")),
    "cache-from": Spec("", building.caches),
    "cache-to": Spec("", building.caches),
    "call": Spec("build", building.call),
    "cgroup-parent": Spec("", converters.optional),
    "load": Spec("false", converters.boolean),
    "network": Spec("", converters.optional),
    "no-cache": Spec("false", converters.boolean),
    "no-cache-filters": Spec("", converters.entries_of),
    "outputs": Spec("", building.outputs),
    "provenance": Spec("", building.attestation),
    "pull": Spec("false", converters.boolean),
    "sbom": Spec("", building.attestation),
    "secrets": Spec("", building.secrets),
    "secret-envs": Spec("", building.secret_envs),
    "secret-files": Spec("", building.secret_files),
    "shm-size": Spec("", building.size),
    "ssh": Spec("", building.ssh),
    "ulimit": Spec("", building.ulimits),
    "reuse": Spec("commit", converters.choice("commit", "content", "never")),
    "reuse-ignore": Spec("", converters.argument_names),
    "reuse-max-age": Spec("", converters.days),
    "gitops-repository": Spec("", converters.github_repository),
    "gitops-branch": Spec("", delivery.branch),
    "gitops-token": Spec("", credentials.token("gitops-token", kept_by_aws=True)),
    "gitops-app-id": Spec("", credentials.app_id),
    "gitops-app-private-key": Spec("", credentials.private_key),
    "gitops-files": Spec("", converters.gitops_files),
    "gitops-commit-message": Spec("", converters.optional),
    "gitops-registries": Spec("", converters.hosts),
    "gitops-pin": Spec("tag", converters.choice("tag", "digest")),
    "gitops-bootstrap": Spec("deploy/", converters.bootstrap, blank="none"),
    "node-architectures": Spec("", converters.architectures),
    "gitops-mode": Spec("commit", delivery.gitops_mode),
    "gitops-auto-merge": Spec("false", converters.boolean),
    "mode": Spec("publish", converters.choice("publish", "deploy", "bump", "matrix")),
    "image": Spec("", converters.image),
    "image-role-to-assume": Spec("", converters.role_arn),
    "images": Spec("", job_outputs.listing),
    "services": Spec("", service_list.declared),
    "github-token": Spec("${{ github.token }}", credentials.token("github-token")),
    "dry-run": Spec("false", converters.boolean),
}


def parse(
    given: Mapping[str, str], *, environment: Mapping[str, str] | None = None
) -> tuple[Inputs, tuple[Problem, ...]]:
    """The inputs from what the user wrote, and all that is wrong with them; a wrong one has its default meanwhile.

    Parameters: *given* has names in any case, values as texts, an empty value meaning the default; *environment* has
    values for inputs that the job's environment gives where the user wrote none (``aws-region`` from AWS_REGION).
    """
    problems: list[Problem] = []
    texts = _by_name(given, problems)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, spec in TABLE.items():
        text, sources[name] = _pick(name, spec, texts, environment or {})
        try:
            values[name.replace("-", "_")] = spec.convert(text)
        except converters.Wrong as wrong:
            problems.append(Problem(name, wrong.what, wrong.fix))
            values[name.replace("-", "_")] = spec.convert("" if spec.default.startswith("${{") else spec.default)
    refused = {problem.name for problem in problems}
    unsure = {name for name, by in _JUDGED if by in refused} | refused
    problems += [problem for problem in _contradictions(values) if problem.name not in unsure]
    return Inputs(**values, sources=sources), tuple(problems)


# An input, and the one by which it is judged.
_JUDGED = (
    ("kms-key", "encryption"),
    ("images", "mode"),
    ("image", "mode"),
    ("services", "mode"),
    ("scan-ignore", "scan-fail-on"),
    ("gitops-auto-merge", "gitops-mode"),
)
# What people write for it elsewhere.
_MEANT = {
    "dockerfile": "file",
    "role": "role-to-assume",
    "aws-role": "role-to-assume",
    "role-arn": "role-to-assume",
    "region": "aws-region",
    "ecr-repository": "repository",
    "image-name": "repository",
    "flavor": "latest",
    "gitops-path": "gitops-files",
    "gitops-repo": "gitops-repository",
    "tag": "tags",
}
# Inputs that other actions have and this one has not; a near name would mean another thing.
_NOT_YET = set("build-secrets".split())


def _meant(name: str) -> str:
    """What to do about an input that there is not."""
    if name in _NOT_YET:
        return "It is not supported yet (README, 'Not there yet')."
    near = [_MEANT[name]] if name in _MEANT else get_close_matches(name, TABLE, 1, 0.75)
    return f"Did you mean {near[0]!r}?" if near else "The README lists every input."


def _pick(name: str, spec: Spec, texts: Mapping[str, str], environment: Mapping[str, str]) -> tuple[str, str]:
    if texts.get(name, "").strip():
        return texts[name], "default" if texts[name] == spec.default else "with"
    if environment.get(name):
        return environment[name], "environment"
    if name in texts and spec.blank:
        return spec.blank, "with"
    # A default that is an expression is the runner's to evaluate; nobody did at a prompt.
    return ("" if spec.default.startswith("${{") else spec.default), "default"


def _by_name(given: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for written, text in given.items():
        name = written.strip().lower()
        if name not in TABLE:
            problems.append(Problem(written, "is no input of this action.", _meant(name.replace("_", "-"))))
        elif texts.get(name, "").strip() and text.strip() and texts[name] != text and text != TABLE[name].default:
            if texts[name] != TABLE[name].default:
                problems.append(Problem(name, "is given twice, with different values."))
            texts[name] = text
        elif not texts.get(name, "").strip() or texts[name] == TABLE[name].default:
            texts[name] = text
    return texts


def _contradictions(values: Mapping[str, Any]) -> list[Problem]:
    problems = []
    if values.get("kms_key") and values.get("encryption") == "AES256":
        problems.append(
            Problem("kms-key", "is given, but the encryption is AES256.", "Add the line 'encryption: KMS'.")
        )
    if values.get("image") and values.get("mode") == "bump":
        problems.append(Problem("image", "is given beside 'mode: bump', which rolls out 'images'."))
    named = ("aws_region", "role_to_assume", "kms_key", "image", "image_role_to_assume")
    problems += partitions.problems(*(values.get(name) for name in named))
    problems += delivery.contradictions(values)
    if values.get("image_role_to_assume") and not values.get("image"):
        problems.append(Problem("image-role-to-assume", "is given without 'image:', whose registry it is for."))
    if values["images"].given and values.get("mode") != "bump":
        problems.append(Problem("images", "is given, but it is no bump.", "Add the line 'mode: bump'."))
    if values["services"] and values.get("mode") != "matrix":
        problems.append(Problem("services", "is given, but it is no matrix.", "Add the line 'mode: matrix'."))
    if not values["services"] and values.get("mode") == "matrix":
        fix = "Write a line like 'services: services/*'."
        problems.append(Problem("services", "is empty: 'mode: matrix' takes the services of the checkout.", fix))
    if values.get("call") and values.get("push"):
        problems.append(
            Problem("call", f"is {values['call']}, which makes no image to push.", "Take out 'push: true'.")
        )
    caches = [name for name in ("cache-from", "cache-to") if values.get(name.replace("-", "_"))]
    if values.get("cache") != "none" and caches:
        what = f"is given beside {' and '.join(caches)}, which name the caches themselves."
        problems.append(Problem("cache", what, "Leave one of them out."))
    problems += part_lists.problems(values)
    if values.get("no_cache") and values.get("no_cache_filters"):
        problems.append(Problem("no-cache-filters", "is given beside no-cache, which builds every stage anew."))
    if values.get("gitops_token") and values.get("gitops_app_id"):
        what = "is given beside gitops-token, so that it can't be told which of them is meant."
        problems.append(Problem("gitops-app-id", what, "Leave one of them out."))
    kinds = ("secrets", "secret_envs", "secret_files")
    ids = [secret.id for name in kinds for secret in values.get(name, ())]
    problems += [
        Problem("secrets", f"and its likes name {one!r} twice.") for one in sorted(set(ids)) if ids.count(one) > 1
    ]
    if values.get("gitops_files") and values.get("gitops_bootstrap") not in ("", "deploy"):
        what = "is given beside gitops-files, which says that the files are there already."
        problems.append(Problem("gitops-bootstrap", what, "Leave one of them out."))
    prefix, wanted = values.get("tag_prefix") or "", values.get("version")
    if wanted and version.parse(wanted[len(prefix) :] if prefix and wanted.startswith(prefix) else wanted) is None:
        problems.append(
            Problem("version", f"is {wanted!r}, which is no version.", "It has the form v1.2.3 or v1.2.3-rc.1.")
        )
    return problems
