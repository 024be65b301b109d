"""The command ``iam``: the policy that a role needs, for the resources that are named. Pure."""

from __future__ import annotations

import re

from ecr_action.aws import iam
from ecr_action.aws.permissions import EVERYTHING, KEY, PARAMETER, REPOSITORY, SECRET, SECRET_KEY, as_json
from ecr_action.errors import InputProblems, Problem
from ecr_action.partitions import partition_of
from ecr_action.prompt import Command

# Flag -> the form of its values, in words.
_FORMS = {
    "account": (r"[0-9]{12}|\*", "an account's 12 digits"),
    "region": (r"[a-z]{2,4}(-[a-z]+)+-[0-9]|\*", "a region like us-east-1"),
    "prefix": (r"[a-z0-9][a-z0-9._/-]*", "the beginning of repository names, like team/"),
    "key": (r"arn:[^:]+:kms:.+", "the ARN of a KMS key"),
    "secret": (r"arn:[^:]+:(secretsmanager:[^:]+:[0-9]{12}:secret|ssm:[^:]+:[0-9]{12}:parameter).+", "a secret's ARN"),
    "profile": (r"arn:[^:]+:signer:.+", "the ARN of a signing profile"),
    "set": ("|".join(iam.SETS), f"one of {', '.join(iam.SETS)}"),
    "format": ("json", "json"),
}


def policy(command: Command) -> str:
    """The policy as JSON. Raises InputProblems with everything that is wrong with the flags."""
    problems = [
        Problem(name, f"is {value!r}; it takes {words}.")
        for name, (form, words) in _FORMS.items()
        for value in command.flags.get(name, ())
        if not re.fullmatch(form, value)
    ]
    if problems:
        raise InputProblems(problems)
    region, account = command.one("region", "*"), command.one("account", "*")
    secrets, keys = command.flags.get("secret", ()), command.flags.get("key", ())
    profiles = command.flags.get("profile", ())
    partition = partition_of(region)
    names = command.flags.get("prefix", ("",))
    resources = {
        EVERYTHING: ["*"],
        REPOSITORY: [f"arn:{partition}:ecr:{region}:{account}:repository/{name}*" for name in names],
        KEY: keys,
        iam.PROFILE: profiles,
        SECRET: [arn for arn in secrets if ":secretsmanager:" in arn],
        PARAMETER: [arn for arn in secrets if ":ssm:" in arn],
        SECRET_KEY: keys if secrets else (),
    }
    implied = [("kms", keys), ("secrets", secrets), ("signing", profiles)]
    sets = dict.fromkeys((*command.flags.get("set", ()), *(name for name, given in implied if given)))
    return as_json(iam.policy(sets, resources))
