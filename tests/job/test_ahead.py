"""What a run asks before it needs the answer."""

from __future__ import annotations

import json
import threading
import urllib.request

from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import control
from tests.job.test_publish import ok


def test_the_gitops_repository_is_read_while_aws_is_asked(stage: Stage) -> None:
    """AWS gives no answer until GitHub has been asked for everything."""
    ok(stage.publish(stage.push_payload()))
    stage.calls()
    control(stage, "faults", {"operation": "sts:AssumeRoleWithWebIdentity", "hold": True})
    done: list[StepResult] = []
    run = threading.Thread(target=lambda: done.append(stage.publish(stage.push_payload())))
    run.start()
    read: set[str] = set()
    try:
        while run.is_alive() and not (held(stage) and any("tarball" in path for path in read)):
            read |= {call["path"] for call in stage.github.calls()}
            run.join(0.05)
        assert run.is_alive(), "the run went on without AWS's answer"
    finally:
        faults = urllib.request.Request(f"{stage.endpoint}/_lab/faults", method="DELETE")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(faults, timeout=30).close()
        run.join()
    assert ok(done[0]).outputs["gitops-changed"] == "false"


def held(stage: Stage) -> int:
    """How many calls of AWS wait."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{stage.endpoint}/_lab/held", timeout=30) as answer:
        told = json.load(answer)
    return int(told["held"] if isinstance(told, dict) else told)
