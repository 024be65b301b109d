"""``make demo``: the whole job on this machine, three times over, each result looked at from outside."""

from __future__ import annotations

import shutil
import sys
import time

from lab.aws.setup import OWNER_ID, admin_credentials
from lab.claim import ClaimError
from lab.debian import DebianError
from lab.engine import EngineError
from lab.lab import Lab, ended_by_signals
from lab.paths import Paths
from lab.processes import ProcessError
from lab.pulled import answer_of
from lab.runner.shim import StepResult
from lab.stage import REGION, Stage
from lab.terraform import TerraformError, push_role

_LINE = "─" * 100


class DemoError(Exception):
    """What was seen is not what a publish promises."""


def main() -> int:
    """Run the demo; 0 where everything was seen, 1 with what was missing."""
    began = time.monotonic()
    lab = Lab(Paths(name="demo"))
    try:
        with ended_by_signals(), lab as environment:
            _say(f"The lab is up after {time.monotonic() - began:.1f} s: " + "; ".join(lab.status()))
            stage = Stage(lab.paths, environment)
            _begin(stage)
            _three_publishes(stage)
    except (DemoError, ClaimError, DebianError, EngineError, ProcessError, PermissionError, TerraformError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    _say(f"Done in {time.monotonic() - began:.1f} s; the lab is down, its state stays in .lab/demo (make clean).")
    return 0


def _begin(stage: Stage) -> None:
    new = stage.set_up()
    _role(stage)
    if new:
        _say(f"A new app, {stage.name}, and its GitOps repository {stage.gitops}")
        return
    _say(f"Starting from what an earlier demo left: {stage.name} has {stage.revision} commits, the GitOps repository")
    print(f"is at {stage.gitops_head()[:7]}, the registry has the images of before.")


def _role(stage: Stage) -> None:
    """The workflow's role is the one that Terraform makes, where there is a Terraform."""
    if not shutil.which("terraform"):
        print("No terraform on the PATH: the role is the lab's own.")
        return
    began = time.monotonic()
    keys = {**admin_credentials(stage.endpoint), "AWS_ENDPOINT_URL": stage.endpoint, "AWS_REGION": REGION}
    stage.role = push_role(stage.paths.state / "terraform", keys, stage.name.partition("/")[0], OWNER_ID)
    seconds = time.monotonic() - began
    _say(f"Terraform made {stage.role} in {seconds:.1f} s; IAM lets it do what terraform/ says, no more")


def _three_publishes(stage: Stage) -> None:
    _say(f"1. Publish commit {stage.head[:7]}")
    first = _publish(stage, echo=True)
    _serves(stage, first)
    _say("2. Publish the same commit once more: nothing to build, push, create or commit")
    again = _publish(stage, echo=True)
    _expect(again.outputs["reused"] == "true", "the image was not reused")
    _expect(again.outputs["gitops-changed"] == "false", "a second GitOps commit was made")
    _expect(again.outputs["digest"] == first.outputs["digest"], "the digest changed")
    _expect(not [call for call in stage.last_calls if call in _WRITES], f"written: {stage.last_calls}")
    revision = stage.revision + 1
    page = f"<!doctype html>\n<title>hello-web</title>\n<p>Hello from revision {revision}.\n"
    commit = stage.commit(f"Revision {revision}", {"index.html": page})
    _say(f"3. Publish the new commit {commit[:7]}")
    new = _publish(stage, echo=False)
    _expect(new.outputs["reused"] == "false", "nothing was built")
    _expect(new.outputs["digest"] != first.outputs["digest"], "the digest is the old one")
    _expect(new.outputs["gitops-changed"] == "true", "no GitOps commit was made")
    _serves(stage, new, expected=f"Hello from revision {revision}.")


_WRITES = {"ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:PutImage", "github:POST createCommitOnBranch"}


def _publish(stage: Stage, *, echo: bool) -> StepResult:
    before = stage.gitops_head()
    stage.calls()
    began = time.monotonic()
    result = stage.publish(stage.push_payload(), echo=_indented if echo else None)
    seconds = time.monotonic() - began
    stage.last_calls = stage.calls()
    if result.exit_code:
        raise DemoError(f"the step failed:\n{result.log}")
    after = stage.gitops_head()
    _say(f"The job summary (the step took {seconds:.1f} s, {len(stage.last_calls)} calls):")
    print(result.summary)
    print("Calls: " + ", ".join(stage.last_calls))
    _say("What changed in the GitOps repository:" if after != before else "The GitOps repository did not change.")
    print(stage.gitops_diff(before, after))
    return result


def _serves(stage: Stage, result: StepResult, expected: str = "Hello from revision") -> None:
    image = result.outputs["image"]
    page = answer_of(image, stage)
    _say(f"Pulled {image}, started it, and asked it for its page:\n{page}")
    _expect(expected in page, f"the page lacks {expected!r}")


def _expect(seen: bool, otherwise: str) -> None:
    if not seen:
        raise DemoError(otherwise)


def _indented(line: str) -> None:
    print(f"  | {line}")


def _say(text: str) -> None:
    print(f"{_LINE}\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
