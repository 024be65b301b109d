"""Calls of one AWS service: boto3's errors become ours here, and nowhere else."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from ecr_action.aws import refusals
from ecr_action.aws.refusals import Refusal
from ecr_action.errors import AwsRefused
from ecr_action.protocols import Console

Answer = dict[str, Any]


class Refused(Exception):
    """An error answer, on its way from the client to whoever knows what it means."""

    def __init__(self, refusal: Refusal, date: str = "") -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.date = date


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turn what a client raises for *operation* (``ecr:PutImage``) into :class:`Refused`, or into a Failure.

    Raises AwsUnreachable where no answer came, AwsRefused where boto3 refuses to send the call.
    """
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except exceptions.ClientError as error:
        told, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        status = int(meta.get("HTTPStatusCode", 400))
        refusal = Refusal(operation, str(told.get("Code", "")), str(told.get("Message", "")), status)
        raise Refused(refusal, str(meta.get("HTTPHeaders", {}).get("date", ""))) from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError, ResponseParserError) as error:
        raise refusals.unreachable(operation, str(error)) from error
    except exceptions.BotoCoreError as error:
        raise AwsRefused(f"{operation} can't be called: {error}") from error


class Service:
    """One service's client. *registry_id* (12 digits) goes with every call that takes a ``registryId``.

    *ca_bundle* is the file of the authorities that its connections trust, None: the SDK's own.
    """

    def __init__(self, client: Any, name: str, registry_id: str | None = None, ca_bundle: str | None = None) -> None:
        self._client = client
        self._name = name
        self._registry = {"registryId": registry_id} if registry_id else {}
        self.registry_id = registry_id
        self.ca_bundle = ca_bundle

    def call(self, operation: str, *, expected: Collection[str] = (), **parameters: Any) -> Answer | Refusal:
        """Call *operation*; error answers with a code of *expected* are returned, all others raised as Failures."""
        method = getattr(self._client, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())
        try:
            with translated(f"{self._name}:{operation}"):
                answer: Answer = method(**parameters)
                return answer
        except Refused as refused:
            if refused.refusal.code in expected:
                return refused.refusal
            raise refusals.failure(refused.refusal) from refused

    def ask(self, operation: str, **parameters: Any) -> Answer:
        """Call *operation*, every error answer of which is a Failure."""
        answer = self.call(operation, **parameters)
        assert not isinstance(answer, Refusal)
        return answer

    @property
    def registry(self) -> dict[str, str]:
        """The parameter that names the registry, where it is not the caller's own."""
        return dict(self._registry)


class Losses:
    """Says once for each denied action what the run goes without."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._said: set[str] = set()

    def say(self, refusal: Refusal) -> None:
        """One notice for each denied action, with the statement to add."""
        action = refusals.denial(refusal).action
        with self._lock:
            if action in self._said:
                return
            self._said.add(action)
        self._console.notice(refusals.notice(refusal), title="Missing permission")
