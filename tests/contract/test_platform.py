"""What is said of Terraform's module is what the module has."""

from __future__ import annotations

import re

from ecr_action.aws import iam
from ecr_action.aws.permissions import PERMISSIONS

from .source import ROOT


def test_each_key_of_the_configuration_is_documented() -> None:
    """In docs/platform.md, by its path; the release role's keys below its section."""
    text = (ROOT / "terraform/config.tf").read_text(encoding="utf-8")
    keys = re.findall(r'^    "([a-z._]+)" += "', text.partition("schema = {")[2].partition("\n  }\n")[0], re.M)
    page = (ROOT / "docs/platform.md").read_text(encoding="utf-8")
    sections = {"ecr.registry"}
    missing = [
        key
        for key in keys
        if key not in sections and f"`{key}`" not in page and f"`{key.removeprefix('github.release.')}`" not in page
    ]
    assert keys
    assert missing == []


def test_each_declared_permission_is_in_one_set_or_every_publishs() -> None:
    """None is twice, none is lost; each kind of resource has a statement in Terraform."""
    declared = iam.declared()
    sets = list(declared["sets"].values())
    listed = [action for kinds in [declared["publish"], *sets] for actions in kinds.values() for action in actions]
    assert sorted(one for one in listed if not one.startswith("signer:")) == sorted(p.action for p in PERMISSIONS)
    text = (ROOT / "terraform/permissions.tf").read_text(encoding="utf-8")
    kinds = {kind for member in [declared["publish"], *sets] for kind in member}
    assert [kind for kind in sorted(kinds) if f'{{ kind = "{kind}",' not in text] == []


def test_nothing_is_declared_in_vain() -> None:
    """As the recommended rules of TFLint have it: what is declared is used, typed and described.

    No package of TFLint is there for Python, Node or Debian; its other recommended rules are `terraform validate`'s, or
    speak of syntax that the module has none of.
    """
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "terraform").glob("*.tf"))]
    everything = "\n".join(re.sub(r"^\s*#.*$", "", text, flags=re.M) for text in texts)
    declared = [f"var.{name}" for name in re.findall(r'^variable "(\w+)"', everything, re.M)]
    declared += [f"data.{kind}.{name}" for kind, name in re.findall(r'^data "(\w+)" "(\w+)"', everything, re.M)]
    for block in re.findall(r"^locals \{\n(.*?)^\}", everything, re.M | re.S):
        declared += [f"local.{name}" for name in re.findall(r"^  (\w+) += ", block, re.M)]
    assert [name for name in declared if not re.search(rf"\b{re.escape(name)}\b", everything)] == []
    assert len(declared) > 30
    described = re.findall(r'^(?:variable|output) "(\w+)" \{\n  description += "(?=\w)', everything, re.M)
    typed = re.findall(r'^variable "\w+" \{\n.*\n  type +=', everything, re.M)
    variables, outputs = (re.findall(rf'^{kind} "', everything, re.M) for kind in ("variable", "output"))
    assert (len(described), len(typed)) == (len(variables) + len(outputs), len(variables))
    assert re.search(r'required_version = ".+"', everything)
