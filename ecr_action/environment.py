"""The only reader of the process's environment, arguments and the event file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_action.errors import InputProblems, Problem

INPUTS = "ECR_PUBLISH_INPUTS"
# What a child process has no business to see: the step's secrets, and the right to ask for identity tokens.
_PRIVATE = {INPUTS, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_RUNTIME_TOKEN"}


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What the process was started with.

    *variables* is the environment, *arguments* what follows the program's name, *payload* the event file's content,
    *inputs* the step's inputs as given (names in the user's spelling).
    """

    variables: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    payload: Mapping[str, Any]
    inputs: Mapping[str, str]

    def get(self, name: str) -> str:
        """The variable *name*, empty where it is not set."""
        return self.variables.get(name, "")

    @property
    def in_job(self) -> bool:
        """Whether a workflow's step started us: its inputs are there."""
        return INPUTS in self.variables or self.get("ECR_PUBLISH_FORM") == "container"

    @property
    def workspace(self) -> Path:
        """The folder that relative paths of inputs begin at."""
        return Path(self.get("GITHUB_WORKSPACE") or ".").resolve()

    @property
    def temporary(self) -> Path:
        """Where temporary files go; the runner wipes it. The container form may be told a folder of the machine's."""
        folders = [self.get("RUNNER_TEMP"), self.get("TMPDIR")]
        return next((Path(folder) for folder in folders if folder and Path(folder).is_dir()), Path("/tmp"))

    @property
    def debug(self) -> bool:
        """Whether the user asked for debug lines (a re-run "with debug logging")."""
        return self.get("RUNNER_DEBUG") == "1"

    def child(self, *, caching: bool = False) -> dict[str, str]:
        """The environment for programs that we start; *caching*: with the token of GitHub's cache."""
        private = _PRIVATE - {"ACTIONS_RUNTIME_TOKEN"} if caching else _PRIVATE
        return {
            name: value
            for name, value in self.variables.items()
            if name not in private and not name.startswith("INPUT_")
        }

    def fallbacks(self) -> dict[str, str]:
        """Inputs that the job's environment gives where the user wrote none."""
        region = self.get("AWS_REGION") or self.get("AWS_DEFAULT_REGION")
        return {"aws-region": region} if region else {}


def read(variables: Mapping[str, str] | None = None, arguments: list[str] | None = None) -> Environment:
    """The environment of this process, or of the values given.

    Raises InputProblems where the inputs or the event file are not what a runner writes.
    """
    variables = dict(os.environ if variables is None else variables)
    return Environment(
        variables=variables,
        arguments=tuple(sys.argv[1:] if arguments is None else arguments),
        payload=_payload(variables.get("GITHUB_EVENT_PATH", "")),
        inputs=_inputs(variables),
    )


def _payload(path: str) -> Mapping[str, Any]:
    if not path or not os.path.isfile(path):
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            payload = json.load(file)
    except (ValueError, RecursionError) as error:
        raise InputProblems([Problem("GITHUB_EVENT_PATH", f"names a file that is no JSON: {error}.")]) from error
    return payload if isinstance(payload, dict) else {}


def _inputs(variables: Mapping[str, str]) -> Mapping[str, str]:
    if variables.get("ECR_PUBLISH_FORM") == "container":
        # `uses: docker://` sets INPUT_<NAME>, upper-cased, dashes kept; other systems' variables can't have dashes.
        given = {name[6:].lower().replace("_", "-"): value for name, value in variables.items() if name[:6] == "INPUT_"}
        return {name: value for name, value in given.items() if name not in ("args", "entrypoint")}
    text = variables.get(INPUTS, "")
    if not text:
        return {}
    try:
        given = json.loads(text)
    except ValueError as error:
        raise InputProblems([Problem(INPUTS, "is no JSON.", "It is written by action.yml: toJSON(inputs).")]) from error
    if not isinstance(given, dict):
        raise InputProblems([Problem(INPUTS, "is no JSON object.", "It is written by action.yml: toJSON(inputs).")])
    return {str(name): "" if value is None else str(value) for name, value in given.items()}
