"""What one job hands to another, and a reusable workflow to its caller."""

from __future__ import annotations

from typing import Any

from lab.runner import jobs

CALLER = {"image": "${{ jobs.publish.outputs.said }}", "text": "is ${{ jobs.publish.outputs.said }}!", "other": "x"}


def handed(result: Any) -> dict[str, str]:
    """What a caller reads of a workflow whose one job is *result*."""
    return jobs.of_workflow(CALLER, {"publish": result.job_outputs})


def test_a_caller_reads_what_the_workflow_names(run: Any) -> None:
    """By the workflow's own names, which are expressions over its jobs."""
    expected = {"image": "shop:v1", "text": "is shop:v1!", "other": "x"}
    assert handed(run("echo said=shop:v1 >> $GITHUB_OUTPUT")) == expected


def test_an_output_that_holds_a_secret_is_empty_for_a_caller(run: Any) -> None:
    """The job leaves it out, with a warning in its own log; the caller hears nothing of it."""
    result = run("echo said=registry-1/shop >> $GITHUB_OUTPUT", secrets=["registry-1"])
    assert handed(result) == {"image": "", "text": "is !", "other": "x"}
    assert result.annotations[-1].message == "Skip output 'said' since it may contain secret."


def test_an_empty_output_is_left_out_without_a_word(run: Any) -> None:
    """It reads the same to whoever needs it."""
    result = run("echo said= >> $GITHUB_OUTPUT")
    assert (result.outputs, result.job_outputs, result.annotations) == ({"said": ""}, {}, [])


def test_a_job_hands_on_a_megabyte_and_no_more(run: Any) -> None:
    """Names and values together, two bytes for each letter; the job fails by more."""
    text = "printf said= >> $GITHUB_OUTPUT; head -c {} /dev/zero | tr '\\0' x >> $GITHUB_OUTPUT"
    most = 512 * 1024 - len("said")
    fits, result = run(text.format(most)), run(text.format(most + 1))
    assert (len(fits.job_outputs["said"]), fits.conclusion) == (most, "success")
    assert (result.job_outputs, result.conclusion, result.exit_code) == ({}, "failure", 1)
