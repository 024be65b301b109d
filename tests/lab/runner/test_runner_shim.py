"""The shim starts composite steps as GitHub's runner does."""

from __future__ import annotations

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from lab.github.events import example
from lab.runner import shim
from lab.runner.commands import Annotation
from lab.runner.shim import ActionError

INPUTS = {"run": 'printf %s "$INPUTS" > inputs.json', "env": {"INPUTS": "${{ toJSON(inputs) }}"}}
SHOW = "env | sort"


def variables(result: Any) -> dict[str, str]:
    """Return the environment that a step with SHOW wrote."""
    lines = result.raw.decode().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_inputs_come_as_strings_in_the_users_spelling(run: Any, tmp_path: Path) -> None:
    """What the user wrote comes first, undeclared names too; defaults follow, all of them strings."""
    result = run(INPUTS, with_={"NAME": "Ada", "typo": "1"}, token="gh-token")
    seen = json.loads((tmp_path / "workspace" / "inputs.json").read_text())
    assert seen == {"NAME": "Ada", "typo": "1", "flag": "false", "token": "gh-token", "bare": ""}
    assert list(seen)[:2] == ["NAME", "typo"]
    assert "Unexpected input(s) 'typo', valid inputs are ['name', 'flag', 'token', 'bare']" in result.log


def test_no_input_variable_and_no_cache_token_reaches_a_composite_step(run: Any) -> None:
    """Only node and container actions have INPUT_*; the runtime token is theirs alone too."""
    environment = {"INPUT_NAME": "x", "ACTIONS_RUNTIME_TOKEN": "x", "ACTIONS_ID_TOKEN_REQUEST_URL": "http://x"}
    seen = variables(run(SHOW, with_={"name": "x"}, environment=environment))
    assert not [name for name in seen if name.startswith("INPUT_") or name == "ACTIONS_RUNTIME_TOKEN"]
    assert seen["ACTIONS_ID_TOKEN_REQUEST_URL"] == "http://x"


def test_step_sees_the_jobs_variables_and_not_the_machines(run: Any) -> None:
    """The environment is the runner's, with what the job sets over it."""
    os.environ["LAB_TEST_CANARY"] = "1"
    try:
        seen = variables(run(SHOW, environment={"GITHUB_API_URL": "http://127.0.0.1:1", "EXTRA": "x"}))
    finally:
        del os.environ["LAB_TEST_CANARY"]
    assert "LAB_TEST_CANARY" not in seen
    expected = {
        "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch",
        "GITHUB_SHA": "a" * 40, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_REPOSITORY_OWNER": "acme",
        "GITHUB_EVENT_NAME": "push", "GITHUB_API_URL": "http://127.0.0.1:1", "GITHUB_ACTION_REF": "",
        "RUNNER_OS": "Linux", "EXTRA": "x",
    }  # fmt: skip
    assert {name: seen.get(name) for name in expected} == expected


NONE = "0" * 40
EVENTS = [
    ("push", None, {"ref": "refs/tags/v1", "after": "b" * 40}, ("refs/tags/v1", "v1", "tag", "b" * 40, "", "")),
    ("push", None, {"deleted": True, "ref": "refs/heads/x"}, ("refs/heads/master", "master", "branch", NONE, "", "")),
    ("pull_request", "opened", {"number": 5}, ("refs/pull/5/merge", "5/merge", "branch", NONE, "changes", "master")),
    ("release", "published", {"release.tag_name": "v2"}, ("refs/tags/v2", "v2", "tag", NONE, "", "")),
    ("workflow_dispatch", None, {"ref": "refs/heads/x"}, ("refs/heads/x", "x", "branch", NONE, "", "")),
    ("issue_comment", "created", {}, ("refs/heads/master", "master", "branch", NONE, "", "")),
    ("merge_group", "checks_requested", {"merge_group.head_ref": "refs/heads/gh-readonly-queue/main/pr-1-x",
                                         "merge_group.head_sha": "c" * 40},
     ("refs/heads/gh-readonly-queue/main/pr-1-x", "gh-readonly-queue/main/pr-1-x", "branch", "c" * 40,
      "gh-readonly-queue/main/pr-1-x", "main")),
]  # fmt: skip


@pytest.mark.parametrize(("event", "kind", "changes", "expected"), EVENTS)
def test_reference_and_commit_follow_from_the_event(
    run: Any, event: str, kind: str | None, changes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    """GITHUB_REF, its name and type, GITHUB_SHA, head and base, as GitHub documents them by event."""
    seen = variables(run(SHOW, event=event, payload=example(event, kind, **changes)))
    names = ("GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_REF_TYPE", "GITHUB_SHA", "GITHUB_HEAD_REF", "GITHUB_BASE_REF")
    assert tuple(seen[name] for name in names) == expected


def test_event_file_holds_the_payload(run: Any) -> None:
    """GITHUB_EVENT_PATH is the event as GitHub sent it."""
    payload = example("push", ref="refs/heads/é")
    assert json.loads(run('cat "$GITHUB_EVENT_PATH"', payload=payload).raw) == payload


def test_secrets_and_token_are_hidden_from_the_first_line(run: Any) -> None:
    """The runner prints a step's `env:`; what is secret is `***` there, in JSON, and inside base64 at any offset."""
    secret = 'pa"ss word\nline-two'
    encoded = [base64.b64encode(f"{before}line-two".encode()).decode() for before in ("", "u", "u:")]
    result = run(
        {"run": f"echo line-two gh-token; echo {' '.join(encoded)}", "env": {"INPUTS": "${{ toJSON(inputs) }}"}},
        with_={"name": secret}, secrets=[secret], token="gh-token",
    )  # fmt: skip
    assert not [text for text in ("gh-token", "line-two", "ss word", *encoded) if text in result.log]
    assert b"line-two gh-token" in result.raw


def test_mask_holds_from_its_line_on(run: Any) -> None:
    """What was printed before `::add-mask::` stays readable: masking late is masking nothing."""
    result = run("echo one hunter2; echo ::add-mask::hunter2; echo two hunter2; echo hunter2 >> $GITHUB_STEP_SUMMARY")
    script = result.log.index("##[endgroup]")
    assert result.log[script:].splitlines()[1:] == ["one hunter2", "two ***"]
    assert (result.summary, result.masks) == ("***\n", ["hunter2"])


def test_annotations_are_unescaped_and_hidden(run: Any) -> None:
    """Properties and text lose their escapes, in that order: `%2525` stays `%25`."""
    result = run(
        "echo ::add-mask::hunter2; echo '::error title=A%3A%2C,file=a.py,line=7::one%0Atwo %2525 hunter2';"
        "echo '::notice::n'; echo 'text ::error::no command'; echo '::nonsense::x'"
    )
    assert result.annotations == [
        Annotation("error", "A:,", "a.py", 7, "one\ntwo %25 ***"), Annotation("notice", "", "", None, "n"),
    ]  # fmt: skip
    assert "##[error]one\ntwo %25 ***\n##[notice]n\ntext ::error::no command\n::nonsense::x\n" in result.log


@pytest.mark.parametrize("hostile", ["a\\r::error::x", "a\\n::error::x", "safe ##[error]x", "::text::##[error]x"])
def test_hostile_text_that_breaks_a_line_is_a_command(run: Any, hostile: str) -> None:
    """A carriage return begins a line, and the old form counts anywhere: an unescaped print is an injection."""
    result = run(f"printf '{hostile}\\n'")
    assert [(one.level, one.message) for one in result.annotations] == [("error", "x")]


def test_stopped_commands_are_text_until_the_token_comes(run: Any) -> None:
    """`::stop-commands::` is the one way to print foreign text safely."""
    result = run("echo ::stop-commands::t0k; echo ::error::no; echo ::t0k::; echo ::warning::yes")
    assert [(one.level, one.message) for one in result.annotations] == [("warning", "yes")]
    assert "::error::no" in result.log


def test_only_ten_annotations_of_a_kind_are_kept(run: Any) -> None:
    """The runner drops the eleventh; the log has them all."""
    result = run("for n in $(seq 11); do echo ::warning::w$n; done")
    assert [one.message for one in result.annotations] == [f"w{n}" for n in range(1, 11)]
    assert "##[warning]w11" in result.log


def test_delimiter_may_hold_an_equals_sign(run: Any) -> None:
    """What comes first on the line, `<<` or `=`, decides its form."""
    assert run("printf 'said<<A=B\\none\\nA=B\\n' >> $GITHUB_OUTPUT").outputs == {"said": "one"}
    assert run("echo 'said=a<<b' >> $GITHUB_OUTPUT").outputs == {"said": "a<<b"}
    assert run("printf 'said=a\\r\\n' >> $GITHUB_OUTPUT").outputs == {"said": "a\r"}


def test_outputs_are_mapped_and_dropped_between_jobs_when_secret(run: Any) -> None:
    """A later step reads every output, another job only those without a hidden value."""
    block = "printf 'said<<END\\none\\nhunter2=x\\nEND\\n' >> $GITHUB_OUTPUT"
    assert run(block).job_outputs == {"said": "one\nhunter2=x"}
    result = run(f"echo ::add-mask::hunter2; {block}")
    assert (result.outputs, result.job_outputs) == ({"said": "one\nhunter2=x"}, {})
    assert "Skip output 'said' since it may contain secret." in result.log


@pytest.mark.parametrize(
    ("written", "text"),
    [("said\\n", "Invalid format 'said'"), ("=x\\n", "Value cannot be null. (Parameter 'name')"),
     ("said<<END\\nx\\n", "Invalid value. Matching delimiter not found 'END'"),
     ("said<<END\\nx", "Invalid value. EOF marker missing new line."),
     ("said<<\\nx\\n", "Invalid format 'said<<'. Name must not be empty and delimiter must not be empty")],
)  # fmt: skip
def test_malformed_output_fails_the_step(run: Any, written: str, text: str) -> None:
    """A file that the runner cannot read is an error in its words; what stands before the mistake counts."""
    result = run(f"printf 'other=1\\n{written}' >> $GITHUB_OUTPUT", {"run": "echo $OTHER", "if": "always()",
                 "env": {"OTHER": "${{ steps.main.outputs.other }}"}})  # fmt: skip
    assert (result.exit_code, result.outputs, result.raw) == (1, {"said": ""}, b"1\n")
    assert [one.message for one in result.annotations] == [
        "Unable to process file command 'output' successfully.", text]  # fmt: skip


def test_each_file_is_read_by_itself(run: Any) -> None:
    """A mistake in one is named after it, and the others count all the same; state is read like outputs."""
    result = run(
        "echo wrong >> $GITHUB_STATE; echo NODE_OPTIONS=x >> $GITHUB_ENV; echo A=1 >> $GITHUB_ENV;"
        "echo GITHUB_REF=x >> $GITHUB_ENV; echo said=x >> $GITHUB_OUTPUT",
        {"run": "echo $A,$NODE_OPTIONS,$GITHUB_REF", "if": "always()", "env": {"GITHUB_REF": "y"}},
    )  # fmt: skip
    assert (result.exit_code, result.outputs) == (1, {"said": "x"})
    assert result.raw == b"1,,refs/heads/main\n"
    assert [one.message for one in result.annotations] == [
        "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.",
        "Unable to process file command 'state' successfully.", "Invalid format 'wrong'"]  # fmt: skip


def test_variables_and_paths_reach_later_steps(run: Any) -> None:
    """GITHUB_ENV and GITHUB_PATH take effect with the next step, not in the one that writes them."""
    result = run("echo A=1 >> $GITHUB_ENV; echo /opt/tool >> $GITHUB_PATH; echo first $A", "echo second $A $PATH")
    lines = result.raw.decode().splitlines()
    assert lines[0] == "first"
    assert lines[1].startswith("second 1 /opt/tool:")


def test_summary_above_1_mib_is_thrown_away(run: Any) -> None:
    """GitHub takes 1,048,576 bytes and nothing of a longer summary."""
    fits = run("head -c 1048576 /dev/zero | tr '\\0' x >> $GITHUB_STEP_SUMMARY")
    assert len(fits.summary) == 1024 * 1024
    result = run("head -c 1048577 /dev/zero | tr '\\0' x >> $GITHUB_STEP_SUMMARY")
    assert (result.summary, result.exit_code) == ("", 0)
    assert "supports content up to a size of 1024k" in result.annotations[0].message


def test_each_step_has_a_summary_of_its_own_and_20_are_shown(run: Any) -> None:
    """The limit is a step's; of a job GitHub shows twenty summaries."""
    steps = ["head -c 1048576 /dev/zero | tr '\\0' x >> $GITHUB_STEP_SUMMARY", "true"]
    steps += [f"echo {number} >> $GITHUB_STEP_SUMMARY" for number in range(20)]
    summary = run(*steps).summary
    assert (len(summary.rstrip("\n0123456789")), summary[-6:]) == (1024 * 1024, "17\n18\n")


def test_script_stops_at_the_first_failing_command(run: Any) -> None:
    """`shell: sh` is `sh -e`; the exit status is the step's, and later steps are left out."""
    result = run("echo before; (exit 7); echo after", "echo later")
    assert (result.exit_code, result.raw) == (7, b"before\n")
    assert result.annotations[-1].message == "Process completed with exit code 7."


def test_conditions_decide_which_steps_run_after_a_failure(run: Any) -> None:
    """always() and failure() run, success() and a plain comparison do not."""
    result = run(
        "echo said=x >> $GITHUB_OUTPUT; exit 3", {"run": "echo always", "if": "always()"},
        {"run": "echo failure", "if": "${{ failure() && steps.main.outcome == 'failure' }}"},
        {"run": "echo plain", "if": "inputs.name == 'WORLD'"}, {"run": "echo success", "if": "success()"},
    )  # fmt: skip
    assert (result.exit_code, result.raw, result.outputs) == (3, b"always\nfailure\n", {"said": "x"})


def test_variable_above_131071_bytes_cannot_start_a_process(run: Any) -> None:
    """The kernel's limit on one string (name, equals sign, value): the step fails before its first line."""
    step = {"run": "echo started", "env": {"I": "${{ inputs.name }}"}}
    assert run(step, with_={"name": "x" * (131_071 - len("I="))}).exit_code == 0
    result = run(step, with_={"name": "x" * (131_072 - len("I="))})
    assert (result.exit_code, result.raw) == (1, b"")
    assert "Argument list too long" in result.annotations[0].message


def test_temporary_folder_is_new_and_wiped(run: Any) -> None:
    """RUNNER_TEMP is gone afterwards; what the action left in it is reported."""
    result = run('echo "$RUNNER_TEMP"; mkdir "$RUNNER_TEMP/left"; touch "$RUNNER_TEMP/left/x"')
    assert not Path(result.raw.decode().strip()).exists()
    assert result.leftovers == ["left", "left/x"]
    assert run("true").leftovers == []


def test_process_left_in_the_background_is_ended(run: Any, tmp_path: Path) -> None:
    """A child that outlives its step is stopped, as the runner stops orphans."""
    result = run(f"(sleep 60; touch {tmp_path}/late) >/dev/null 2>&1 & echo $!")
    status = Path(f"/proc/{int(result.raw)}/stat")
    end = time.monotonic() + 10
    while _runs(status):
        assert time.monotonic() < end, "it still runs"
        time.sleep(0.05)


def _runs(status: Path) -> bool:
    """Whether the process of *status* is alive; where nobody reaps orphans it stays as a zombie, which runs no more."""
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_action_path_is_the_folder_of_the_action(run: Any, tmp_path: Path) -> None:
    """`$GITHUB_ACTION_PATH` finds the action's own files, the workspace is the working folder."""
    lines = run('echo "$GITHUB_ACTION_PATH"; pwd').raw.decode().splitlines()
    assert lines == [str(tmp_path / "action"), str(tmp_path / "workspace")]


def test_log_comes_line_by_line(run: Any) -> None:
    """The demo shows the log while the step runs, masked."""
    heard: list[str] = []
    result = run("echo ::add-mask::hunter2; echo hunter2", echo=heard.append)
    assert "\n".join(heard) + "\n" == result.log
    assert heard[-1] == "***"


def test_step_that_hangs_is_stopped(run: Any) -> None:
    """A step has a time limit."""
    result = run("sleep 60", timeout=0.2)
    assert result.exit_code == 124


def test_other_kinds_of_actions_are_refused(tmp_path: Path) -> None:
    """No shell, a `uses:` step and a node action are named, not guessed at."""
    folder = tmp_path / "other"
    folder.mkdir()
    for text, named in (("{using: composite, steps: [{run: x}]}", "Required property is missing: shell"),
                        ("{using: node24, main: x.js}", "node24"),
                        ("{using: composite, steps: [{uses: a/b@v1}]}", "uses")):  # fmt: skip
        (folder / "action.yml").write_text(f"runs: {text}")
        with pytest.raises(ActionError, match=named):
            shim.run(folder, with_={}, event="push", payload=example("push"), repository="a/b",
                     workspace=folder, environment={"RUNNER_TOOL_CACHE": str(folder)})  # fmt: skip
