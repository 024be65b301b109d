"""Terraform against the lab: its providers from a mirror on this machine where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).resolve().parents[1] / "terraform"
# The variable that names a mirror outright.
MIRROR = "ECR_PUBLISH_TERRAFORM_MIRROR"
# The folders of add-on software (Filesystem Hierarchy Standard, "/opt" and "/usr/local").
ADD_ONS = (Path("/opt"), Path("/usr/local"), Path("/usr/local/share"), Path("/usr/share"))
_SECONDS = 300


class TerraformError(Exception):
    """Terraform is not there, or could not get its provider."""


def implied(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The mirrors that Terraform itself looks into on Linux ("CLI configuration", "Implied local mirror folders")."""
    home = Path(environment.get("HOME") or "/root")
    data = environment.get("XDG_DATA_HOME") or str(home / ".local/share")
    shared = (environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    return (home / ".terraform.d/plugins", *(Path(folder, "terraform/plugins") for folder in (data, *shared)))


def mirror(environment: Mapping[str, str], add_ons: Sequence[Path] = ADD_ONS) -> Path | None:
    """A folder that holds the ``aws`` provider as a mirror does, None where this machine has none.

    Parameters: *environment* may name one (MIRROR); *add_ons* are folders with a folder for each add-on.
    """
    named = environment.get(MIRROR)
    places = [Path(named)] if named else [*implied(environment), *(one for root in add_ons for one in _folders(root))]
    return next((place for place in places if _holds_provider(place)), None)


def _folders(root: Path) -> Iterator[Path]:
    try:
        yield from sorted(entry for entry in root.iterdir() if entry.is_dir())
    except OSError:
        return


def _holds_provider(place: Path) -> bool:
    # HOST/NAMESPACE/TYPE/VERSION/TARGET, or HOST/NAMESPACE/TYPE/terraform-provider-TYPE_VERSION_TARGET.zip.
    unpacked = any(one.is_dir() for one in place.glob("*/hashicorp/aws/[0-9]*/*"))
    return unpacked or any(place.glob("*/hashicorp/aws/terraform-provider-aws_*.zip"))


@dataclass(frozen=True)
class Terraform:
    """The module at work in *folder*, a copy of it; *environment* is what Terraform sees of the job."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def begin(cls, folder: Path, environment: Mapping[str, str]) -> Terraform:
        """Copy the module to *folder*/module and get its provider. Raises TerraformError."""
        program = shutil.which("terraform")
        if program is None:
            raise TerraformError("there is no 'terraform' on the PATH")
        module = folder / "module"
        leftovers = shutil.ignore_patterns(".terraform*", "*.tfstate*")
        shutil.copytree(MODULE, module, ignore=leftovers, dirs_exist_ok=True)
        own = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", "NO_PROXY": "127.0.0.1"}
        made = cls(module, {**os.environ, **environment, **own, **_configuration(folder, os.environ)})
        done = made.run("init", "-backend=false")
        if done.returncode:
            raise TerraformError(f"terraform init: {done.stdout}{done.stderr}")
        return made

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command, whatever it ends with; ``-var`` and the like stand in *arguments*."""
        command = ["terraform", f"-chdir={self.folder}", arguments[0], "-no-color", *arguments[1:]]
        return subprocess.run(
            command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )


def push_role(folder: Path, environment: Mapping[str, str], owner: str, owner_id: str) -> str:
    """Apply the module in *folder* for the organisation *owner*; the ARN of the role that its workflows assume.

    The OpenID Connect provider has to be there. Raises TerraformError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made, file = Terraform.begin(folder, environment), folder / "config.yaml"
    file.write_text(
        f"github:\n  enable_oidc: true\n  oidc_provider: reuse\n  org: {owner}\n  org_id: '{owner_id}'\n"
        "  permissions: [scan-gate, drift-fix, creation-templates]\n"
    )
    done = made.run("apply", "-auto-approve", f"-var=config_file={file}")
    if done.returncode:
        raise TerraformError(f"terraform apply: {done.stdout}{done.stderr}")
    return made.run("output", "-raw", "github_ecr_push_role_arn").stdout.strip()


def _configuration(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The CLI configuration: the user's own where it is there, else one that names the mirror."""
    given = environment.get("TF_CLI_CONFIG_FILE")
    if given and Path(given).is_file():
        return {}
    found = mirror(environment)
    file = folder / "terraform.rc"
    place = f'  filesystem_mirror {{\n    path = "{found}"\n  }}\n' if found else "  direct {}\n"
    file.write_text(f"provider_installation {{\n{place}}}\n")
    return {"TF_CLI_CONFIG_FILE": str(file)}
