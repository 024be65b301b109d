"""An engine whose builds may name secrets that AWS keeps: they are read by the role when a build begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ecr_action.aws import secret_arn
from ecr_action.aws.secret_arn import SecretArn
from ecr_action.image.arguments import BuildRequest, BuildSecret
from ecr_action.protocols import Built, Engine, Login
from ecr_action.secret import Secret


class WithKeptSecrets:
    """*real*, given the values of secrets. *read* has the value behind an ARN, for the input that names it."""

    def __init__(self, real: Engine, read: Callable[[SecretArn, str], Secret]) -> None:
        self._real, self._read = real, read
        self.name = real.name

    def build(self, request: BuildRequest, push_to: str | None, login: Login | None) -> Built:
        """Build with the secrets' values. Raises errors.Failure, before anything is built where one can't be read."""
        secrets = tuple(self._valued(secret) for secret in request.secrets)
        return self._real.build(replace(request, secrets=secrets), push_to, login)

    def load(self, reference: str, name: str, login: Login) -> None:
        self._real.load(reference, name, login)

    def _valued(self, secret: BuildSecret) -> BuildSecret:
        named = secret_arn.parse(secret.value.reveal())
        return secret if named is None else replace(secret, value=self._read(named, secret.value.name))
