"""An image that will not run where its workload may land is not built where `platforms` shows it."""

from __future__ import annotations

from collections.abc import Callable

from lab.stage import Stage
from tests.job.seen import gitops_file, tags_of

Make = Callable[..., Stage]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/APP"
POD = f"kind: Pod\nmetadata: {{name: APP}}\nspec:\n  containers:\n    - name: APP\n      image: {IMAGE}:old\n"
ARM = POD + "  nodeSelector: {kubernetes.io/arch: arm64}\n"


def test_an_architecture_that_is_missing(make_stage: Make) -> None:
    """By the workload's own selector, which wins, and by the input; the lines to write are in the error.

    Of an older image, which does not get there, nothing is asked.
    """
    stage = make_stage({"dev/pod.yaml": ARM, "prod/pod.yaml": POD})
    stage.commit("No commands", {"Dockerfile": "FROM scratch\nCOPY index.html /\n"})
    before = stage.gitops_head()
    refused = stage.publish(stage.push_payload(), platforms="linux/amd64")
    assert refused.exit_code == 1
    for words in ("E-GITOPS-PLATFORM", "dev/pod.yaml, line 6", "platforms: linux/arm64", "runs-on: ubuntu-24.04-arm"):
        assert words in refused.log
    by_input = stage.publish(
        stage.push_payload(), platforms="linux/amd64", environment="prod", node_architectures="arm64, x86_64"
    )
    assert by_input.exit_code == 1
    assert "platforms: linux/amd64,linux/arm64" in by_input.log
    assert (stage.gitops_head(), tags_of(stage)) == (before, {})

    older = stage.head
    stage.commit("Both", {"index.html": "both\n"})
    done = stage.publish(stage.push_payload(), platforms="linux/amd64,linux/arm64", node_architectures="s390x")
    assert done.exit_code == 0, done.log
    assert done.outputs["image"] in gitops_file(stage, "dev/pod.yaml")
    assert done.outputs["tag"] in tags_of(stage)

    stage.checkout(older)
    late = stage.publish(stage.push_payload(), platforms="linux/amd64")
    assert (late.exit_code, late.outputs.get("superseded")) == (0, "true"), late.log
    assert done.outputs["image"] in gitops_file(stage, "dev/pod.yaml")
