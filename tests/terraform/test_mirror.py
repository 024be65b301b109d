"""Where Terraform's provider comes from on a machine that downloads none."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import terraform
from lab.terraform import MIRROR, mirror


def filled(place: Path, shape: str) -> Path:
    """A mirror below *place*."""
    file = place / "registry.example.com/hashicorp/aws" / shape
    file.parent.mkdir(parents=True)
    file.write_text("")
    return place


@pytest.mark.parametrize("shape", ["5.100.0/linux_amd64/program", "terraform-provider-aws_5.100.0_linux_amd64.zip"])
def test_a_mirror_of_either_shape_is_found_among_add_ons(tmp_path: Path, shape: str) -> None:
    """Whatever its folder is called."""
    found = filled(tmp_path / "opt/anything", shape)
    assert mirror({"HOME": str(tmp_path)}, [tmp_path / "opt", tmp_path / "missing"]) == found


def test_the_folders_that_terraform_implies_come_first(tmp_path: Path) -> None:
    """And the one that a variable names before all."""
    filled(tmp_path / "opt/other", "5.100.0/linux_amd64/program")
    own = filled(tmp_path / ".local/share/terraform/plugins", "5.100.0/linux_amd64/program")
    assert mirror({"HOME": str(tmp_path), "XDG_DATA_DIRS": "/none"}, [tmp_path / "opt"]) == own
    named = filled(tmp_path / "named", "5.100.0/linux_amd64/program")
    assert mirror({"HOME": str(tmp_path), MIRROR: str(named)}, [tmp_path / "opt"]) == named


def test_a_folder_of_another_provider_is_none(tmp_path: Path) -> None:
    """Nor is an empty one."""
    (tmp_path / "opt/x/registry.example.com/hashicorp/tls/1.0.0/linux_amd64").mkdir(parents=True)
    assert mirror({"HOME": str(tmp_path), "XDG_DATA_DIRS": "/none"}, [tmp_path / "opt"]) is None


def test_a_configuration_that_is_named_and_not_there_breaks_nothing(tmp_path: Path) -> None:
    """It is replaced; one that is there is the user's own choice."""
    made = terraform._configuration(tmp_path, {"TF_CLI_CONFIG_FILE": "/not/there", "HOME": str(tmp_path)})
    assert "provider_installation" in Path(made["TF_CLI_CONFIG_FILE"]).read_text()
    own = tmp_path / "own.rc"
    own.write_text("")
    assert terraform._configuration(tmp_path, {"TF_CLI_CONFIG_FILE": str(own)}) == {}
