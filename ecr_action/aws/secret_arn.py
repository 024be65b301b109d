"""ARNs of secrets in AWS, as ECS task definitions write them. Pure.

Sources: Amazon ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS environment variables"
(``arn:aws:secretsmanager:region:account:secret:name:json-key:version-stage:version-id``, each part after the name may
be empty); Systems Manager API reference, "GetParameter" (``Name``: a name or an ARN, ``:version`` or ``:label`` at
its end).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FORM = (
    "It has the form arn:aws:secretsmanager:us-east-1:123456789012:secret:NAME:JSON-KEY:: (all behind NAME may be left "
    "out) or arn:aws:ssm:us-east-1:123456789012:parameter/NAME."
)
_BEGIN = r"(arn:aws(?:-[a-z]+)*:{}:([a-z]{{2,4}}(?:-[a-z]+)+-[0-9]+):[0-9]{{12}}:{})"
_SECRET = re.compile(
    _BEGIN.format("secretsmanager", r"secret:[\w/+=.@-]+") + "(?::([^:]*))?(?::([^:]*))?(?::([^:]*))?", re.ASCII
)
_PARAMETER = re.compile(_BEGIN.format("ssm", r"parameter/[\w./-]+(?::[\w.-]+)?"), re.ASCII)


@dataclass(frozen=True)
class SecretArn:
    """A secret: its *service* (``secretsmanager``, ``ssm``), *region* and own *arn*; *key* of the JSON object it holds.

    *stage* and *version* are Secrets Manager's, empty for the current one.
    """

    service: str
    region: str
    arn: str
    key: str = ""
    stage: str = ""
    version: str = ""


def is_of_a_store(text: str) -> bool:
    """Whether *text* is meant as the ARN of a secret: of one of the two services that keep some."""
    return bool(re.match(r"arn:aws[a-z-]*:(?:secretsmanager|ssm):", text.strip(), re.ASCII))


def is_arn(text: str) -> bool:
    """Whether *text* is meant as an ARN: no token and no key begins so."""
    return text.strip().lower().startswith("arn:")


def parse(text: str) -> SecretArn | None:
    """The secret that *text* names; None where it is no ARN of a secret."""
    if found := _SECRET.fullmatch(text.strip()):
        arn, region, key, stage, version = (part or "" for part in found.groups())
        return SecretArn("secretsmanager", region, arn, key, stage, version)
    if found := _PARAMETER.fullmatch(text.strip()):
        return SecretArn("ssm", found[2], found[1])
    return None
