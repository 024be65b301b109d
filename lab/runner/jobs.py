"""What a job hands to those that need it, and a reusable workflow to its caller."""

from __future__ import annotations

from collections.abc import Mapping

from lab.runner import expressions
from lab.runner.commands import Reader

# GitHub, "Workflow syntax", `jobs.<job_id>.outputs`: counted as UTF-16, which is what .NET keeps strings in.
JOB_OUTPUT_BYTES = 1024 * 1024


def kept(outputs: Mapping[str, str], reader: Reader) -> dict[str, str]:
    """Return the *outputs* of a job that reach another one; what is left out is told to *reader* (JobExtension.cs).

    An empty one is left out without a word; one that holds a hidden value with a warning.
    """
    found = {}
    for name, value in outputs.items():
        if value and reader.masks.hide(value) != value:
            reader.issue("warning", f"Skip output '{name}' since it may contain secret.")
        elif value:
            found[name] = value
    return found


def are_too_large(outputs: Mapping[str, str]) -> bool:
    """Tell whether GitHub takes no such outputs of one job."""
    return sum(len(text.encode("utf-16-le")) for pair in outputs.items() for text in pair) > JOB_OUTPUT_BYTES


def of_workflow(outputs: Mapping[str, str], jobs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return what a caller reads as `needs.<job>.outputs` of a reusable workflow.

    *outputs*: the workflow's own, each an expression such as ``${{ jobs.publish.outputs.image }}``; *jobs*: what each
    of its jobs hands on. What a job left out is empty ("Reusing workflow configurations", outputs).
    """
    known = {"jobs": {name: {"outputs": dict(handed)} for name, handed in jobs.items()}}
    return {name: expressions.interpolate(text, known) for name, text in outputs.items()}
