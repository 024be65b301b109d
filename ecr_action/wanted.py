"""The plan in the terms of each step: the repository, the build, the GitOps change that are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from ecr_action import deployment
from ecr_action.aws import drift, lifecycle
from ecr_action.aws.findings import Gate
from ecr_action.deployment import Named
from ecr_action.errors import Problem
from ecr_action.github.context import Context
from ecr_action.gitops import message, plain
from ecr_action.gitops.modes import COMMIT
from ecr_action.image import caching, key, labels
from ecr_action.image.arguments import BuildRequest
from ecr_action.image.key import Key
from ecr_action.inputs import Inputs
from ecr_action.part_lists import NO_PARTS, Parts
from ecr_action.plan import Plan
from ecr_action.protocols import RepositorySpec

# The default of gitops-bootstrap, which need not be there.
BOOTSTRAP = "deploy"

# A path of the checkout -> its text, None where there is no such file.
ReadFile = Callable[[str], "str | None"]


@dataclass(frozen=True, kw_only=True)
class GitOpsWanted:
    """Where the image is rolled out: *repository* ``owner/name``, *branch* (None: the default one), file *patterns*.

    *bootstrap*: the folder of the app's own commit that a repository without the image gets; empty for none.
    *architectures* are those of the nodes, where the manifests do not say it.
    """

    repository: str
    branch: str | None
    patterns: tuple[str, ...]
    named: tuple[str, ...]
    pin: str
    mode: str
    auto_merge: bool
    replicas: tuple[str, ...]
    message: str | None
    bootstrap: str = ""
    architectures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a merge would roll out, to be shown alone: the image *tag* of *registry* (a host) in *environment*."""

    gitops: GitOpsWanted
    registry: str
    tag: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """All that a run works towards.

    *source*: where a publish has this commit's image from instead of a build, as *image* says.
    """

    plan: Plan
    repository: RepositorySpec
    build: BuildRequest
    gitops: GitOpsWanted | None
    origin: message.Origin
    run_id: str
    gate: Gate | None = None
    key: Key
    image: str = ""
    source: Named | None = None
    reuse_days: int | None = None
    load: bool = False
    cache: str = caching.NONE
    part: str = ""
    parts: Parts = NO_PARTS
    gitops_missing: str = ""
    preview: Preview | None = None
    preview_missing: str = ""

    @property
    def gitops_read(self) -> GitOpsWanted | None:
        """What is read of GitOps: for the roll-out, or to show one."""
        return self.gitops or (self.preview.gitops if self.preview else None)

    @property
    def marks(self) -> tuple[str, ...]:
        """The tags that tell what runs in the environment, what was rolled back there, and what is proposed."""
        if self.gitops is None:
            return ()
        proposed = (self.plan.proposed,) if self.gitops.mode != COMMIT else ()
        return (self.plan.mark, self.plan.rejected, *proposed)


def wanted(
    plan: Plan, inputs: Inputs, context: Context, *, workspace: str, read_file: ReadFile, content: str | None = None
) -> tuple[Wanted, tuple[Problem, ...]]:
    """What each step works towards, and what is wrong with inputs that only the checkout or the event shows."""
    problems = message.problems(inputs.gitops_commit_message or "")
    repository = _repository(inputs, plan, read_file, problems)
    gitops, missing = _gitops(inputs, plan, context, problems)
    preview, unseen = _preview(inputs, plan, context)
    if (plan.push or not plan.builds) and not plan.nothing and not inputs.aws_region:
        fix = "Write a line like 'aws-region: us-east-1'."
        problems.append(Problem("aws-region", "is missing, and AWS_REGION is not set either.", fix))
    request = build(inputs, context, plan, workspace)
    made = key_of(request, inputs, plan, content)
    result = Wanted(
        plan=plan,
        repository=repository,
        build=replace(request, labels={**request.labels, key.LABEL: made.label}),
        gitops=gitops,
        origin=message.Origin(
            repository=context.repository,
            sha=plan.commit,
            version=plan.version.tag if plan.version else "",
            actor=context.actor,
            run_url=context.run_url,
        ),
        gate=_gate(inputs),
        image=inputs.image or "",
        source=deployment.source(inputs, plan, problems),
        run_id=context.run_id or "0",
        key=made,
        reuse_days=inputs.reuse_max_age,
        load=inputs.load,
        cache=inputs.cache,
        part=inputs.part,
        parts=inputs.parts,
        gitops_missing=missing,
        preview=preview,
        preview_missing=unseen,
    )
    return result, tuple(problems)


def key_of(request: BuildRequest, inputs: Inputs, plan: Plan, content: str | None) -> Key:
    """The key of *request*; *content* is what git has of what it is built from."""
    return key.key(request, _source(inputs, plan, content), ignore=inputs.reuse_ignore)


def policy_problems(inputs: Inputs, read_file: ReadFile) -> list[Problem]:
    """What is wrong with the lifecycle policy, whatever becomes of the run."""
    problems: list[Problem] = []
    _lifecycle(inputs, read_file, problems)
    return problems


def _source(inputs: Inputs, plan: Plan, content: str | None) -> str:
    """What the image is built from: the commit, or what git has in the context. Apart, so that none is the other's."""
    return content if inputs.reuse == "content" and content else f"commit {plan.commit}"


def _lifecycle(inputs: Inputs, read_file: ReadFile, problems: list[Problem]) -> str | None:
    """The policy's text, None for none."""
    choice = inputs.lifecycle_policy or "default"
    text: str | None = None
    if choice == "default":
        text = lifecycle.text(lifecycle.default_policy(inputs.retention))
    elif choice != "none":
        text = _policy(choice, read_file, problems)
    if inputs.retention and choice != "default":
        what = f"changes the default policy, and lifecycle-policy is {choice.splitlines()[0]!r}."
        problems.append(Problem("retention", what, "Leave one of them out."))
    return text


def _repository(inputs: Inputs, plan: Plan, read_file: ReadFile, problems: list[Problem]) -> RepositorySpec:
    immutable = inputs.tag_mutability == "immutable"
    return RepositorySpec(
        name=plan.repository,
        create=inputs.create_repository,
        scan_on_push=inputs.scan_on_push,
        encryption=inputs.encryption,
        kms_key=inputs.kms_key,
        tags=inputs.repository_tags,
        mutability="IMMUTABLE_WITH_EXCLUSION" if immutable else "MUTABLE",
        immutable_except=drift.MOVING if immutable else (),
        lifecycle_policy=_lifecycle(inputs, read_file, problems),
        lifecycle_is_default=(inputs.lifecycle_policy or "default") == "default",
        lifecycle_asked_for=bool(inputs.lifecycle_policy),
        drift=inputs.drift,
    )


def _policy(given: str, read_file: ReadFile, problems: list[Problem]) -> str | None:
    """The JSON text of the policy that *given* is, or whose file it names."""
    inline = given.startswith("{") or "\n" in given
    text = given if inline else read_file(given)
    if text is None:
        near = get_close_matches(given, ("default", "none"), 1)
        hint = f"Did you mean {near[0]!r}?" if near else "It takes default, none, a path of the checkout, or a policy."
        what = f"names {given!r}, and there is no such file in the checkout."
        problems.append(Problem("lifecycle-policy", what, hint))
        return None
    if not text.lstrip().startswith("{"):
        text = plain.as_json(text) or text
    _, wrong = lifecycle.parse(text)
    where = "" if inline else f"{given}: "
    problems += [Problem("lifecycle-policy", f"{where}{problem}.", problem.fix) for problem in wrong]
    return text


def _gate(inputs: Inputs) -> Gate | None:
    if not inputs.scan_fail_on:
        return None
    severity = next((word.upper() for word in inputs.scan_fail_on if word not in ("none", "unscanned")), "")
    return Gate(
        fail_on=severity,
        fail_on_unscanned="unscanned" in inputs.scan_fail_on,
        timeout=inputs.scan_timeout,
        ignored=inputs.scan_ignore,
    )


def _gitops(inputs: Inputs, plan: Plan, context: Context, problems: list[Problem]) -> tuple[GitOpsWanted | None, str]:
    """The GitOps part, or None and why there is none."""
    if not plan.gitops or plan.environment is None or plan.nothing:
        return None, ""
    repository = inputs.gitops_repository
    app = (bool(inputs.gitops_app_id), bool(inputs.gitops_app_private_key))
    if not repository and (inputs.gitops_token or any(app)):
        repository = f"{context.repository}-gitops"
    if not repository and not plan.builds:
        what = f"is not given, and gitops-token is empty, with which it would be {context.repository}-gitops."
        fix = "Write a line like 'gitops-repository: owner/name'; look whether the token's secret is set."
        problems.append(Problem("gitops-repository", what, fix))
    if not repository:
        return None, "no gitops-repository is given, and gitops-token is empty"
    given = bool(inputs.gitops_token) or all(app)
    if app[0] != app[1] or (not given and repository.lower() != context.repository.lower()):
        problems.append(_no_credentials(inputs, repository))
    chosen = tuple(
        path for path in inputs.gitops_files if path.environment is None or path.environment == plan.environment
    )
    if inputs.gitops_files and not chosen:
        has = ", ".join(sorted({str(path.environment) for path in inputs.gitops_files}))
        if plan.version is None and plan.builds and not plan.named:
            # The line that a push is offered where a release stands in the file: it moves with releases from then on.
            return None, f"gitops-files has paths for {has} alone, and this run is for {plan.environment}"
        fix = f"Add a line like '{plan.environment}: path/to/file.yaml'."
        problems.append(
            Problem("gitops-files", f"has paths for {has} alone, and this run is for {plan.environment}.", fix)
        )
    expanded = {path: path.pattern.replace("{environment}", plan.environment) for path in chosen}
    return GitOpsWanted(
        repository=repository,
        branch=inputs.gitops_branch,
        patterns=tuple(expanded.values()),
        named=tuple(text for path, text in expanded.items() if path.environment or "{environment}" in path.pattern),
        pin=inputs.gitops_pin,
        mode=inputs.gitops_mode.of(plan.environment),
        auto_merge=inputs.gitops_auto_merge,
        replicas=inputs.gitops_registries,
        message=inputs.gitops_commit_message,
        architectures=inputs.node_architectures,
        bootstrap=_bootstrap(inputs, plan, context, repository),
    ), ""


def _preview(inputs: Inputs, plan: Plan, context: Context) -> tuple[Preview | None, str]:
    """What is shown of the roll-out after a merge, or None and why nothing is."""
    problems: list[Problem] = []
    asked = replace(plan, gitops=True, environment=plan.preview)
    gitops, missing = _gitops(inputs, asked, context, problems) if plan.preview else (None, "")
    if gitops is None or plan.preview is None:
        return None, missing if inputs.gitops_files else ""
    if problems:
        return None, f"what a merge would change in {gitops.repository} is not shown, this run has no token for it"
    # The role is one of the registry's account as a rule: a run that does not push has no other word on it.
    account = inputs.registry_id or (inputs.role_to_assume or ":::::").split(":")[4]
    if not account or not inputs.aws_region:
        given = (("registry-id", account), ("aws-region", inputs.aws_region))
        lacks = " and ".join(f"'{name}:'" for name, value in given if not value)
        return None, f"what a merge would change in {gitops.repository} is not shown, which needs {lacks}"
    domain = "amazonaws.com.cn" if inputs.aws_region.startswith("cn-") else "amazonaws.com"
    return Preview(
        gitops=gitops,
        registry=f"{account}.dkr.ecr.{inputs.aws_region}.{domain}",
        tag=plan.commit[: inputs.short_sha_length] or "unknown",
        environment=plan.preview,
    ), ""


def _no_credentials(inputs: Inputs, repository: str) -> Problem:
    name, secret = "gitops-token", "GITOPS_PAT"
    if inputs.gitops_app_id:
        name, secret = "gitops-app-private-key", "GITOPS_APP_PRIVATE_KEY"
    elif inputs.gitops_app_private_key:
        return Problem("gitops-app-id", "is empty beside gitops-app-private-key.", "Write the App's id.")
    what = f"is empty: it is not set, or hidden from this run; {repository} can't be read or written without it."
    return Problem(name, what, f"Write a line like '{name}: ${{{{ secrets.{secret} }}}}'.")


def _bootstrap(inputs: Inputs, plan: Plan, context: Context, repository: str) -> str:
    """The folder to copy from. None where the files are said to be there, or the repository is the app's own; the
    checkout of a deploy has another commit than the image."""
    own = repository.lower() == context.repository.lower()
    return "" if plan.deploy or inputs.gitops_files or own else inputs.gitops_bootstrap


# Inputs that are handed to the builder as they are.
_AS_WRITTEN = (
    "add_hosts allow annotations attests build_contexts builder cache_from cache_to call cgroup_parent network "
    "no_cache no_cache_filters outputs provenance pull sbom shm_size ssh ulimit"
).split()


def build(inputs: Inputs, context: Context, plan: Plan, workspace: str) -> BuildRequest:
    """The build that these inputs describe, with the standard labels of this commit."""
    facts = labels.Facts(
        title=context.repository.rpartition("/")[2],
        description=context.description,
        url=f"{context.server_url}/{context.repository}" if context.repository else "",
        version=plan.tags.primary or (plan.version.tag if plan.version else plan.commit[: inputs.short_sha_length]),
        created=context.date or "",
        revision=plan.commit,
        dirty=bool(context.checkout and context.checkout.dirty),
        licenses="" if context.license == "NOASSERTION" else context.license,
    )
    return BuildRequest(
        workspace=workspace,
        context=inputs.context,
        file=inputs.file,
        target=inputs.target,
        build_args=inputs.build_args,
        labels=labels.standard(facts, inputs.labels),
        platforms=inputs.platforms,
        secrets=(*inputs.secrets, *inputs.secret_envs, *inputs.secret_files),
        builder_id=context.run_url,
        load_as=f"{plan.repository}:{plan.commit[: inputs.short_sha_length]}"
        if inputs.load and not plan.push
        else None,
        **{name: getattr(inputs, name) for name in _AS_WRITTEN},
    )
