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
