"""The tags that the user adds to the action's own: plain ones, metadata-action's rules, full references. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ecr_action.errors import Problem
from ecr_action.github.context import Branch, Context, GitTag, PullRequest, Source
from ecr_action.image import rules, tags
from ecr_action.image import version as versions
from ecr_action.image.reference import parse
from ecr_action.image.tags import Tags
from ecr_action.image.version import Version
from ecr_action.inputs import Inputs


def with_added(
    found: Tags,
    inputs: Inputs,
    context: Context,
    source: Source,
    *,
    commit: str,
    version: Version | None,
    repository: str,
) -> tuple[Tags, list[Problem]]:
    """*found* and the tags that the user added: those that name the commit are fixed, any other may move.

    Parameters: *commit* (40 hex), *version* and *repository* are what is published, and where.
    """
    values = _placeholders(inputs, context, source, commit, version)
    facts = _facts(inputs, context, source, commit)
    fixed, moving, once = list(found.fixed), list(found.moving), list(found.versions)
    problems: list[Problem] = []
    for template in inputs.tags:
        tag = _tag(template, values, facts, source, inputs, repository, problems)
        if tag is None or tag in (*found.order, *fixed, *moving, *once):
            continue
        of_branch = "event=branch" in template or "branch" in tags.placeholders(template)
        # A branch such as release/1.2.0 moves on; a tag that is a version by itself never does.
        once_only = versions.of_tag(tag) is not None if of_branch else named_once(tag)
        one_commit = any(name in ("sha", "sha7") for name in tags.placeholders(template)) or "type=sha" in template
        (fixed if one_commit else once if once_only else moving).append(tag)
    order = dict.fromkeys((*found.order, *(tag for tag in (*fixed, *once, *moving) if tag != "latest")))
    order = dict.fromkeys((*order, *(("latest",) if "latest" in moving else ())))
    made = replace(found, fixed=tuple(fixed), versions=tuple(once), moving=tuple(moving), order=tuple(order))
    return made, problems


def named_once(tag: str) -> bool:
    """Whether *tag* reads as a version, by itself or behind an environment's name: those are written once."""
    return versions.of_tag(tag) is not None or versions.of_tag(tag.partition("-")[2]) is not None


def _tag(
    template: str,
    values: Mapping[str, str | None],
    facts: rules.Facts,
    source: Source,
    inputs: Inputs,
    repository: str,
    problems: list[Problem],
) -> str | None:
    """The tag of one entry; None where it gives none, or where it is wrong: then *problems* has it."""
    rule = rules.is_rule(template)
    try:
        tag = rules.tag(rules.parse(template), facts) if rule else tags.expand(template, values)
    except ValueError as error:
        problems.append(Problem("tags", f"line {template!r} {error}."))
        return None
    except KeyError as error:
        problems.append(Problem("tags", f"has {template!r}, but this run has no {error.args[0]}.", _hint(source)))
        return None
    if not rule and "/" in (tag or ""):
        tag = _of_reference(tag or "", inputs, repository, problems)
    # The commit's own tag is there in any case.
    if tag is None or (rule and tag == facts.sha):
        return None
    if not tags.is_tag(tag) or (rule and tags.is_ours(tag)):
        problems.append(Problem("tags", f"has {template!r}, which gives {tag!r}: that is no tag."))
        return None
    return tag


def _of_reference(text: str, inputs: Inputs, repository: str, problems: list[Problem]) -> str | None:
    """The tag of a full reference of this repository; another's is another image."""
    found = parse(text)
    place = found.registry if found else None
    if found is None or place is None or found.tag is None:
        problems.append(Problem("tags", f"has {text!r}, which is no reference of an ECR image with a tag."))
        return None
    said = []
    if found.path != repository:
        said.append(f"the repository {found.path!r} (this run's is {repository!r})")
    if inputs.aws_region and place.region != inputs.aws_region:
        said.append(f"the region {place.region} (this run's is {inputs.aws_region})")
    account = inputs.registry_id or (inputs.role_to_assume or ":::::").split(":")[4]
    if account and place.account != account:
        said.append(f"the account {place.account} (this run's is {account})")
    if said:
        fix = f"Write the tag alone: '{found.tag}'. Another place takes a step of its own."
        problems.append(Problem("tags", f"has {text!r}, of {' and '.join(said)}.", fix))
        return None
    return found.tag


def _facts(inputs: Inputs, context: Context, source: Source, commit: str) -> rules.Facts:
    pull = source if isinstance(source, PullRequest) else None
    return rules.Facts(
        sha=commit,
        branch=source.name if isinstance(source, Branch) else "",
        tag=source.name if isinstance(source, GitTag) else "",
        pull=str(pull.number or "") if pull else "",
        base=(pull.base or "") if pull else "",
        default=isinstance(source, Branch) and bool(source.default),
        scheduled=context.event == "schedule",
        now=context.now,
        committed=datetime.fromisoformat(context.date.replace("Z", "+00:00")) if context.date else None,
        short=inputs.short_sha_length,
    )


def _placeholders(
    inputs: Inputs, context: Context, source: Source, commit: str, version: Version | None
) -> dict[str, str | None]:
    branch = source.name if isinstance(source, Branch) else source.branch if isinstance(source, PullRequest) else None
    return {
        "sha": commit,
        "sha7": commit[: inputs.short_sha_length],
        "branch": (tags.slug(branch) or None) if branch else None,
        "version": version.tag if version else None,
        "run-number": context.run_number or None,
        "date": context.date[:10].replace("-", "") if context.date else None,
    }


def _hint(source: Source) -> str:
    if isinstance(source, GitTag):
        return "It is the run of a tag."
    return "It is the run of a pull request." if isinstance(source, PullRequest) else "It is the run of a branch."
