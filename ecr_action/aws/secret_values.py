"""Secrets that AWS keeps: read by their ARN, hidden before anybody sees them."""

from __future__ import annotations

import json
from typing import Any

from ecr_action.aws import permissions, refusals
from ecr_action.aws.calls import Answer, Service
from ecr_action.aws.refusals import Refusal
from ecr_action.aws.secret_arn import SecretArn
from ecr_action.errors import AwsDenied, SecretUnusable
from ecr_action.protocols import Console
from ecr_action.secret import Secret

_MISSING = ("ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound")
_KMS = "KMS"


def read(service: Service, wanted: SecretArn, name: str, console: Console, *, whole: bool = False) -> Secret:
    """The value of the secret that the input *name* names, masked.

    *whole*: without a key in its ARN it is taken as it is, to the byte, a JSON object too. *service* is the secret's
    own (``secretsmanager`` or ``ssm``) in its Region. Raises SecretUnusable, AwsDenied, AwsRefused, AwsUnreachable.
    """
    text = _parameter(service, wanted, name) if wanted.service == "ssm" else _secret(service, wanted, name)
    # Whole, before anything looks into it: a part of it is no less secret.
    console.mask(Secret(text, name))
    if wanted.key or (text.lstrip().startswith("{") and not whole):
        text = _value_of(text, wanted, name)
    text = text if whole else text.strip()
    console.mask(Secret(text, name))
    if not text.strip():
        raise SecretUnusable(f"The secret of {name} is empty: {wanted.arn}", fix=f"Set its value again: {wanted.arn}")
    return Secret(text, name)


def _secret(service: Service, wanted: SecretArn, name: str) -> str:
    given = {"VersionStage": wanted.stage, "VersionId": wanted.version}
    answer = _asked(
        service, "GetSecretValue", wanted, name, SecretId=wanted.arn, **{key: one for key, one in given.items() if one}
    )
    if "SecretString" not in answer:
        raise SecretUnusable(
            f"The secret of {name} is no text but bytes: {wanted.arn}",
            fix=f"aws secretsmanager put-secret-value --secret-id {wanted.arn} --secret-string file://FILE",
        )
    return str(answer["SecretString"])


def _parameter(service: Service, wanted: SecretArn, name: str) -> str:
    answer = _asked(service, "GetParameter", wanted, name, Name=wanted.arn, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def _asked(service: Service, operation: str, wanted: SecretArn, name: str, **parameters: Any) -> Answer:
    answer = service.call(operation, expected=(*_MISSING, *refusals.DENIED), **parameters)
    if not isinstance(answer, Refusal):
        return answer
    if not answer.denied:
        raise SecretUnusable(
            f"There is no secret {wanted.arn}, which {name} names.",
            why=f"AWS answered {answer.code}: {answer.message}",
            fix=f"{name}: the ARN of a secret that is there, in the Region that stands in it",
        )
    raise _denied(answer, wanted)


def _denied(refusal: Refusal, wanted: SecretArn) -> AwsDenied:
    """Secrets Manager does not name the action where the key's policy is what refuses."""
    if _KMS not in refusal.message or "kms:" in refusal.message:
        return refusals.denied(refusal)
    key = f"arn:aws:kms:{wanted.region}:{wanted.arn.split(':')[4]}:key/ID"
    return AwsDenied(
        f"The secret {wanted.arn} can't be decrypted with the role.",
        why=f"AWS answered: {refusal.message}",
        fix=f"Add to the role's policy, and allow it in the key's:\n{permissions.statement(['kms:Decrypt'], key)}",
    )


def _value_of(text: str, wanted: SecretArn, name: str) -> str:
    """The value of one key of the JSON object *text*."""
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise SecretUnusable(
            f"The ARN of {name} names the key {wanted.key!r}, and the secret holds no JSON object: {wanted.arn}",
            fix=f"{name}: {wanted.arn}",
        )
    value = told.get(wanted.key)
    if not isinstance(value, str):
        has = ", ".join(sorted(map(str, told))) or "none"
        what = f"lacks the key {wanted.key!r}, or has no text there" if wanted.key else "holds several values"
        key = next((str(one) for one in sorted(told) if isinstance(told[one], str)), "KEY")
        raise SecretUnusable(
            f"The secret of {name} {what}: {wanted.arn}",
            why=f"It is a JSON object with these keys: {has}.",
            fix=f"{name}: {wanted.arn}:{key}::",
        )
    return value
