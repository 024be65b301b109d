"""Writes what documents repeat of their sources.

README's inputs and outputs and the reusable workflow come from action.yml, docs/errors.md from the tree of failures,
Terraform's permissions and lifecycle policy from the declared ones. ``--check`` writes nothing, prints the difference,
and exits 1 where there is one.
"""

from __future__ import annotations

import difflib
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import performance  # noqa: E402
from ecr_action import errors  # noqa: E402
from ecr_action.aws import iam, lifecycle, permissions  # noqa: E402
from tools import multi_architecture, reusable  # noqa: E402

# The prompt tells a caller that nothing was written by 1, whatever the reason.
_AT_THE_PROMPT = "at the prompt `bump` and `lifecycle` end with 1"


def main(arguments: list[str]) -> int:
    """Write the documents, or compare them; exit status 1 where they are out of date."""
    stale = 0
    for path, wanted in documents().items():
        have = path.read_text(encoding="utf-8") if path.exists() else ""
        if have == wanted:
            continue
        if "--check" not in arguments:
            path.write_text(wanted, encoding="utf-8")
            continue
        stale = 1
        lines = have.splitlines(), wanted.splitlines()
        name = str(path.relative_to(ROOT))
        print("\n".join(difflib.unified_diff(*lines, name, "what `make docs` writes", lineterm="")))
    return stale


def documents() -> dict[Path, str]:
    """Each generated document with the text it should have."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    readme = between(readme, "inputs", "\n".join(inputs(action["inputs"])))
    readme = between(readme, "outputs", "\n".join(outputs(action["outputs"])))
    readme = between(readme, "permissions", "\n".join(policy()))
    terraform, workflows = ROOT / "terraform", ROOT / ".github" / "workflows"
    checkout = re.search(r"uses: (actions/checkout@.*)", (workflows / "ci.yml").read_text(encoding="utf-8"))
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    measured = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    assert checkout is not None
    assert version is not None
    return {
        workflows / "multi-arch.yml": multi_architecture.workflow(action, version[1], checkout[1]),
        workflows / "publish.yml": reusable.workflow(action, version[1], checkout[1]),
        ROOT / "README.md": readme,
        ROOT / "docs" / "errors.md": "\n".join(error_pages()) + "\n",
        ROOT / "docs" / "performance.md": performance.text(measured),
        ROOT / "docs" / "performance.svg": performance.plot(measured),
        terraform / "permissions.json": permissions.as_json(iam.declared()) + "\n",
        terraform / "lifecycle-policy.json": lifecycle.text(lifecycle.default_policy()) + "\n",
    }


def between(text: str, name: str, content: str) -> str:
    """*text* with *content* between the markers of *name*. Raises ValueError where they are not there."""
    pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(\n<!-- /{name} -->)", re.S)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"README.md needs the markers of {name} once")
    return pattern.sub(lambda match: match[1] + content + match[2], text)


def inputs(table: Mapping[str, Any]) -> Iterator[str]:
    """Rows of the inputs' reference."""
    yield "| input | default | |\n|---|---|---|"
    for name, spec in table.items():
        default = f"`{spec['default']}`" if spec.get("default") else ""
        yield f"| `{name}` | {default} | {cell(spec['description'])} |"


def outputs(table: Mapping[str, Any]) -> Iterator[str]:
    """Rows of the outputs' reference."""
    yield "| output | |\n|---|---|"
    for name, spec in table.items():
        yield f"| `{name}` | {cell(spec['description'])} |"


RESOURCES = {
    permissions.REPOSITORY: "arn:aws:ecr:us-east-1:123456789012:repository/*",
    permissions.EVERYTHING: "*",
    permissions.KEY: "arn:aws:kms:us-east-1:123456789012:key/<id>",
    permissions.SECRET: "arn:aws:secretsmanager:us-east-1:123456789012:secret:<name>-*",
    permissions.PARAMETER: "arn:aws:ssm:us-east-1:123456789012:parameter/<name>",
    permissions.SECRET_KEY: "arn:aws:kms:us-east-1:123456789012:key/<id of the secret's key>",
}
# What is needed by some inputs alone, which fail without it.
_ASKED_FOR = {permissions.KEY, permissions.SECRET, permissions.PARAMETER, permissions.SECRET_KEY}


def policy() -> Iterator[str]:
    """The IAM statements for everything, and what a run goes without where one of the optional actions is missing."""
    yield "```json"
    statements = []
    for kind, arn in RESOURCES.items():
        actions = [one.action for one in permissions.PERMISSIONS if one.resource == kind]
        statements.append({"Effect": "Allow", "Action": permissions.listed(actions), "Resource": arn})
    yield permissions.as_json({"Version": "2012-10-17", "Statement": statements})
    yield "```\n\nThe last four are for inputs alone that ask for them: `encryption: KMS` with a key of your own; a"
    yield "token or key given as the ARN of a secret in Secrets Manager, or of a parameter; the key that encrypts it."
    yield "A run goes on without some of the others, with one notice each:\n\n| without | |\n|---|---|"
    optional = [one for one in permissions.optional() if one.resource not in _ASKED_FOR]
    yield from (f"| `{one.action}` | {cell(one.lost)} |" for one in optional)


def cell(text: str) -> str:
    """*text* on one line of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def tree(root: type[errors.Failure] = errors.Failure) -> Iterator[type[errors.Failure]]:
    """Every failure that a user can meet, in the order of the source; groups without a code of their own not."""
    for kind in root.__subclasses__():
        if "code" in vars(kind):
            yield kind
        yield from tree(kind)


def error_pages() -> Iterator[str]:
    """The lines of docs/errors.md."""
    yield "# Errors\n\nWritten by `make docs` from `ecr_action/errors.py`.\n"
    yield "Each message in the log says what happened, why, and the line, statement or command that cures it."
    yield "A step ends with status 1 on these, with 2 where wrong inputs were found before anything was done."
    for kind in tree():
        text = inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
        status = f"{kind.exit_status}; {_AT_THE_PROMPT}" if kind is errors.InputProblems else kind.exit_status
        yield f"\n## {kind.code}\n\n**{kind.title}** (status {status})\n\n{text}"
    yield "\n## ecr-publish could not start\n\n**Before the program runs** (status 1)\n"
    yield "There is no Python 3.10 or newer, the runner is a Windows one, or the Python packages could not be"
    yield "installed: the package index is out of reach, or gives other files than `requirements.lock` names. The"
    yield "annotation has the installer's last lines and the step or variables to add."
    yield "\n## E-BUG\n\n**A fault of the action itself** (status 3)\n"
    yield "An exception that is none of the above. The log says how to report it; secrets are not part of the report."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
