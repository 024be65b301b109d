"""What an operation of the lab refuses, before it has a shape on the wire."""

from __future__ import annotations


class AwsError(Exception):
    """An error answer of an AWS API: code and text as AWS sends them, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class WireError(Exception):
    """An error answer of the registry's own protocol (OCI distribution specification, "Error Codes")."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class CutConnection(Exception):
    """The connection is to be closed without an answer (an injected fault)."""


def repository_not_found(name: str, account: str) -> AwsError:
    """Return ECR's RepositoryNotFoundException."""
    return AwsError(
        "RepositoryNotFoundException",
        f"The repository with name '{name}' does not exist in the registry with id '{account}'",
    )


def invalid_parameter(name: str, constraint: str) -> AwsError:
    """Return ECR's InvalidParameterException for parameter *name*."""
    text = f"Invalid parameter at '{name}' failed to satisfy constraint: '{constraint}'"
    return AwsError("InvalidParameterException", text)
