"""Inputs that hold credentials of GitHub, as values or as ARNs of AWS secrets: a token, an App's id and key. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from ecr_action.aws import secret_arn
from ecr_action.converters import Wrong
from ecr_action.secret import Secret

# An App's id, or its client id, which GitHub takes as the issuer too ("Generating a JSON Web Token for a GitHub App").
_APP = re.compile(r"[1-9][0-9]{0,19}|Iv[0-9A-Za-z.]{4,60}")
_PEM = re.compile(r"-----BEGIN (?:RSA )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END (?:RSA )?PRIVATE KEY-----")
SET_KEY = "gh secret set GITOPS_APP_PRIVATE_KEY < your-app.private-key.pem"


def token(name: str, *, kept_by_aws: bool = False) -> Callable[[str], Secret]:
    """Converter of a token; *kept_by_aws*: it may be a secret's ARN. Raises Wrong."""

    def convert(value: str) -> Secret:
        text = value.strip()
        if kept_by_aws and secret_arn.is_arn(text):
            return _by_arn(text, name)
        if not text.isprintable() or not text.isascii() or " " in text:
            raise Wrong("holds a line break or a character that no token has.", "Set the secret again, without it.")
        return Secret(text, name)

    return convert


def private_key(value: str) -> Secret:
    """Converter of ``gitops-app-private-key``. Raises Wrong."""
    text = value.strip()
    if not text or secret_arn.is_arn(text):
        return _by_arn(text, "gitops-app-private-key") if text else Secret("", "gitops-app-private-key")
    key = pem(text)
    if key is None:
        # Not repeated, whatever it is.
        raise Wrong("is no private key in PEM format.", f"Set the secret again, from the file: {SET_KEY}")
    return Secret(key, "gitops-app-private-key")


def pem(text: str) -> str | None:
    """The private key in *text* with its line breaks, which some vaults keep as ``\\n``; None where there is none."""
    lines = [line.strip() for line in text.replace("\\n", "\n").strip().splitlines()]
    key = "\n".join(line for line in lines if line)
    return f"{key}\n" if _PEM.fullmatch(key) else None


def app_id(value: str) -> str | None:
    """Converter of ``gitops-app-id``. Raises Wrong."""
    text = value.strip()
    if text and not _APP.fullmatch(text):
        raise Wrong(
            f"is {text!r}, which is no App's id.",
            "It is the number 'App ID' or the text 'Client ID' on the App's page (Settings > Developer settings).",
        )
    return text or None


def _by_arn(text: str, name: str) -> Secret:
    if secret_arn.parse(text) is None:
        raise Wrong("is an ARN, and none of a secret.", secret_arn.FORM)
    return Secret(text, name)
