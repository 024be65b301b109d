"""What this event and these inputs ask for, and why. Pure: the same values always give the same plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ecr_action.added import named_once, with_added
from ecr_action.errors import Problem
from ecr_action.github.context import Branch, Context, GitTag, Nothing, PullRequest, Queue, Source
from ecr_action.image import tags, version
from ecr_action.image.reference import repository_problem
from ecr_action.image.tags import Tags
from ecr_action.inputs import Inputs
from ecr_action.job_outputs import Listed

# Events that push by themselves; every other one only with `push: true`.
_PUSHES = {"push", "release", "workflow_dispatch", "repository_dispatch", "schedule"}
# Events whose run has more rights than the code it looks at: they roll out only what is asked for by name.
_INDIRECT = {"workflow_run", "pull_request_target", "issue_comment"}


NO_TAGS = Tags()


@dataclass(frozen=True)
class Decision:
    """A value and the reason for it, in words."""

    name: str
    value: str
    because: str

    def __str__(self) -> str:
        return f"{self.name}: {self.value} ({self.because})"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be asked for. *nothing* has the reason where nothing at all is done.

    *commit* is what is published, *head* what is checked out (*dirty*: with uncommitted changes): they differ where
    `version:` names an older tag. *named*: a tag or version says what is meant, not just a branch; *prerelease*: it is
    one, by its version or by what the GitHub release says; *branch* is the one that the run is of, empty for others;
    *deploy* names the image that is taken to the environment as it is, empty for a publish; *images* are those
    that other jobs published, None where it is no bump of such; *preview* is the environment that a merge of the pull
    request would roll out to, which is shown.
    """

    event: str
    commit: str
    nothing: str | None = None
    push: bool = False
    reuse: bool = True
    environment: str | None = None
    tags: Tags = NO_TAGS
    latest: bool = False
    gitops: bool = False
    version: version.Version | None = None
    deploy: str = ""
    images: tuple[Listed, ...] | None = None
    preview: str | None = None
    repository: str = ""
    branch: str = ""
    head: str = ""
    dirty: bool = False
    prerelease: bool = False
    named: bool = False
    reasons: tuple[Decision, ...] = ()

    @property
    def builds(self) -> bool:
        """Whether it is a run that makes an image, or may; else it is one of images that are there."""
        return not self.deploy and self.images is None

    @property
    def consent(self) -> bool:
        """Whether a person named the image, who may go back: on ``workflow_dispatch``, not by pushing a tag."""
        return self.named and self.event == "workflow_dispatch"

    @property
    def mark(self) -> str:
        """The tag on what runs in the environment; it ends in ``-previous`` and ``-rejected`` for what ran before."""
        return f"deployed-{self.environment}"

    @property
    def proposed(self) -> str:
        """The tag on what waits in a pull request to be deployed."""
        return f"{self.mark}-proposed"

    @property
    def rejected(self) -> str:
        """The tag on what a rollback left."""
        return f"{self.mark}-rejected"

    def explain(self) -> list[str]:
        """The plan as the log's first lines."""
        return [str(reason) for reason in self.reasons]


def make(
    inputs: Inputs, context: Context, *, commit_of_tag: Callable[[str], str | None]
) -> tuple[Plan, tuple[Problem, ...]]:
    """The plan, and what is wrong with inputs for this event.

    Parameters: *commit_of_tag* gives the commit (40 hex) of a git tag of the checkout, None where there is no such tag.
    """
    problems: list[Problem] = []
    source, said = _source(inputs, context, problems)
    plan = Plan(
        event=context.event,
        commit=context.commit,
        head=context.commit,
        repository=repository_name(inputs, context, problems),
    )
    if isinstance(source, Nothing):
        reason = Decision("nothing to do", "nothing is built, pushed or deployed", source.because)
        return replace(plan, nothing=source.because, reasons=(reason,)), tuple(problems)
    commit, where = _commit(inputs, context, source, commit_of_tag)
    push, because = _push(inputs, context, source)
    reasons = [Decision("commit", commit or "unknown", where), Decision("push", _word(push), because)]
    plan = replace(
        plan,
        commit=commit,
        push=push,
        reuse=_reuse(inputs, context),
        version=_version(source),
        dirty=bool(context.checkout and context.checkout.dirty),
        named=isinstance(source, GitTag),
        branch=source.name if isinstance(source, Branch) else "",
        prerelease=_prerelease(source),
    )
    if push:
        if not tags.SHA.fullmatch(commit):
            what = f"has no commit that can name an image ({commit or 'no git work tree, and GITHUB_SHA is not set'})."
            problems.append(Problem("context", what, "Check out first: - uses: actions/checkout@v5"))
        plan = _published(plan, inputs, context, source, reasons, problems)
    preview = _preview(inputs, context)
    if preview:
        plan, reasons = replace(plan, preview=preview.value), [*reasons, preview]
    return replace(plan, reasons=(*reasons, *_said(said))), tuple(problems)


def _preview(inputs: Inputs, context: Context) -> Decision | None:
    """The environment of a push to the branch that the commits are to be merged into."""
    if context.onto is None or inputs.push is False:
        return None
    environment, _ = _environment(inputs, replace(context, event="push"), context.onto)
    because = f"a push to {context.onto.name} rolls out there, which is shown and not done"
    return Decision("preview", environment, because) if environment else None


def _said(text: str) -> tuple[Decision, ...]:
    return (Decision("event", "as a release", text),) if text else ()


def _word(value: bool) -> str:
    return "yes" if value else "no"


def repository_name(inputs: Inputs, context: Context, problems: list[Problem]) -> str:
    """The ECR repository: the one that is given, else named after the GitHub repository."""
    if inputs.repository:
        return inputs.repository
    name = context.repository.rpartition("/")[2].lower()
    if name and (wrong := repository_problem(name)):
        what = f"is not given, and the GitHub repository's name {name!r} is none that ECR takes: it {wrong}."
        problems.append(Problem("repository", what, "Write a line like 'repository: my-app'."))
    return name


def _source(inputs: Inputs, context: Context, problems: list[Problem]) -> tuple[Source, str]:
    """The source, with `version:` and `tag-prefix:` applied; the text says what was changed."""
    source = context.source
    prefix = inputs.tag_prefix
    if isinstance(source, GitTag) and prefix:
        if not source.name.startswith(prefix):
            return Nothing(f"the tag {source.name!r} does not begin with the tag-prefix {prefix!r}: another's"), ""
        if source.name == prefix:
            return Nothing(f"the tag {source.name!r} is the tag-prefix and nothing else"), ""
        source = replace(source, name=source.name[len(prefix) :])
    if inputs.version is None or isinstance(source, Nothing | PullRequest | Queue):
        return source, ""
    wanted = version.parse(inputs.version.removeprefix(prefix))
    if wanted is None or context.event in _INDIRECT:
        return source, ""
    if isinstance(source, GitTag) and version.parse(source.name) != wanted:
        what = f"is {inputs.version!r}, but the run is of the tag {source.name!r}."
        problems.append(Problem("version", what, "Leave one of them out."))
    flagged = source.prerelease if isinstance(source, GitTag) else None
    return GitTag(wanted.text, prerelease=flagged), f"version: {inputs.version} is given"


def _prerelease(source: Source) -> bool:
    found = _version(source)
    return isinstance(source, GitTag) and bool(source.prerelease or (found and found.prerelease))


def _version(source: Source) -> version.Version | None:
    return version.parse(source.name) if isinstance(source, GitTag) else None


def _commit(
    inputs: Inputs, context: Context, source: Source, commit_of_tag: Callable[[str], str | None]
) -> tuple[str, str]:
    """The commit, and where it comes from. `version:` that names an existing tag means that tag's commit."""
    if inputs.version and isinstance(source, GitTag) and context.event not in _INDIRECT:
        bare = source.name.removeprefix("v")
        for name in (f"{inputs.tag_prefix}v{bare}", f"{inputs.tag_prefix}{bare}"):
            if found := commit_of_tag(name):
                return found, f"the git tag {name}"
    if context.checkout:
        return context.commit, "HEAD of the checkout" + (", with uncommitted changes" if context.checkout.dirty else "")
    return context.commit, "GITHUB_SHA"


def _reuse(inputs: Inputs, context: Context) -> bool:
    return inputs.reuse != "never" and context.event != "schedule" and not (context.checkout and context.checkout.dirty)


def _push(inputs: Inputs, context: Context, source: Source) -> tuple[bool, str]:
    if isinstance(source, Queue):
        return False, "a merge group is built, never pushed"
    if isinstance(source, PullRequest) and source.number is None and inputs.push:
        return False, "the event does not say which pull request it is"
    if context.fork is True and inputs.push is not False:
        return False, "the head is a fork's, whose code is never pushed"
    if context.fork is None and inputs.push is not False:
        return False, "the event does not say whose the head is, so that it is never pushed"
    if inputs.call:
        return False, f"call: {inputs.call} asks about the Dockerfile, no image is made"
    if inputs.push is not None:
        return inputs.push, f"push: {str(inputs.push).lower()} is given"
    if context.event in _PUSHES:
        return True, f"the event is {context.event}"
    return False, f"the event is {context.event}, which pushes only with 'push: true'"


def _published(
    plan: Plan,
    inputs: Inputs,
    context: Context,
    source: Source,
    reasons: list[Decision],
    problems: list[Problem],
) -> Plan:
    """The plan of a run that pushes: environment, tags, `latest`, GitOps."""
    environment, because = _environment(inputs, context, source)
    reasons.append(Decision("environment", environment or "none", because))
    gitops = environment is not None
    latest, why = _latest(inputs, source)
    reasons.append(Decision("latest", _word(latest), why))
    found = _tags(plan, inputs, source, environment)
    if isinstance(source, GitTag) and tags.is_ours(found.primary or ""):
        problems.append(
            Problem("tag", f"{found.primary} has a form that the action keeps for itself.", "Name it otherwise.")
        )
    found, wrong = with_added(
        found, inputs, context, source, commit=plan.commit, version=plan.version, repository=plan.repository
    )
    problems += wrong
    if "latest" in found.moving:
        latest = True
    elif latest:
        found = replace(found, moving=(*found.moving, "latest"), order=(*found.order, "latest"))
    reasons.append(Decision("tags", " ".join(found.order), _source_words(source)))
    return replace(plan, environment=environment, gitops=gitops, latest=latest, tags=found)


def _source_words(source: Source) -> str:
    if isinstance(source, GitTag):
        return f"tag {source.name}"
    if isinstance(source, PullRequest):
        return f"pull request {source.number}"
    if isinstance(source, Branch):
        return f"the default branch {source.name}" if source.default else f"branch {source.name}"
    return "event"


def _environment(inputs: Inputs, context: Context, source: Source) -> tuple[str | None, str]:
    if isinstance(source, PullRequest) and context.event != "pull_request_target":
        return None, "a pull request is not rolled out"
    if inputs.environment:
        return inputs.environment, "environment: is given"
    if context.event in _INDIRECT or context.event not in _PUSHES:
        return None, f"{context.event} rolls out only with 'environment:'"
    if isinstance(source, GitTag):
        found = version.parse(source.name)
        if found is None:
            return None, "the tag is no version, which rolls out only with 'environment:'"
        if source.prerelease or found.prerelease:
            return "staging", "a pre-release"
        return "prod", "a release"
    if isinstance(source, Branch) and source.default:
        return "dev", "the default branch"
    if isinstance(source, Branch) and source.default is None:
        return None, "the event does not say which branch is the default one; write 'environment:' to roll out"
    return None, "another branch rolls out only with 'environment:'"


def _latest(inputs: Inputs, source: Source) -> tuple[bool, str]:
    if inputs.latest is not None:
        return inputs.latest, f"latest: {str(inputs.latest).lower()} is given"
    if isinstance(source, Branch) and source.default:
        return True, "the default branch"
    return False, "only the default branch moves it"


def _tags(plan: Plan, inputs: Inputs, source: Source, environment: str | None) -> Tags:
    sha, short = plan.commit, plan.commit[: inputs.short_sha_length]
    if isinstance(source, PullRequest):
        head = (source.head or plan.commit)[: inputs.short_sha_length]
        fixed = f"pr-{source.number}-{head}"
        return Tags(
            content=fixed,
            fixed=(fixed,),
            moving=(f"pr-{source.number}",),
            primary=fixed,
            order=_unique(f"pr-{source.number}", fixed),
        )
    if isinstance(source, GitTag):
        return _tag_tags(source, sha, short, environment)
    assert isinstance(source, Branch)
    if source.default:
        stage = f"{environment or 'dev'}-{short}"
        return Tags(content=sha, fixed=(sha, short, stage), primary=short, order=(sha, short, stage))
    name = tags.slug(source.name)
    fixed = f"branch-{name}-{short}" if name else f"branch-{short}"
    more = (f"{environment}-{short}",) if environment else ()
    return Tags(content=sha, fixed=(sha, short, fixed, *more), primary=short, order=(sha, short, fixed, *more))


def _tag_tags(source: GitTag, sha: str, short: str, environment: str | None) -> Tags:
    found = version.parse(source.name)
    if found:
        stage = environment or ("staging" if source.prerelease or found.prerelease else "prod")
        versions = (found.tag, f"{stage}-{found.tag}")
        return Tags(
            content=sha, fixed=(sha, short), versions=versions, primary=found.tag, order=(*versions, sha, short)
        )
    name = tags.sanitised(source.name) or short
    more = (f"{environment}-{short}",) if environment else ()
    made = Tags(content=sha, fixed=(sha, short, *more), primary=name, order=_unique(name, sha, short, *more))
    if name == short:
        return made
    return replace(made, versions=(name,)) if named_once(name) else replace(made, moving=(name,))


def _unique(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
