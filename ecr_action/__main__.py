"""From arguments and environment to an exit code: 0 done, 1 failed, 2 bad input, 3 our own bug."""

from __future__ import annotations

import sys
import traceback
from types import FrameType

from ecr_action import environment as environments
from ecr_action.environment import Environment
from ecr_action.errors import Failure, InputProblems, Interrupted
from ecr_action.github.commands import Runner, Terminal

_BUG = "https://github.com/darede-labs/ecr-publish/issues"


def main() -> int:
    """Run what the process was started for; the exit status."""
    console: Runner = Terminal()
    name = "publish"
    try:
        environment = environments.read()
        console = _console(environment)
        _stop_politely()
        name = environment.arguments[0] if environment.arguments else "publish"
        from ecr_action.run import run

        return run(environment, console)
    except Failure as failure:
        return _failed(failure, console, name)
    except KeyboardInterrupt:
        why = "A signal asked the step to stop: the job was cancelled, or ran into its time-out."
        return _failed(Interrupted("The run was stopped.", why=why, fix="Run the job again."), console, name)
    except BrokenPipeError:
        return 1
    except Exception as error:
        return _bug(error, console)


def _console(environment: Environment) -> Runner:
    if not environment.in_job:
        return Terminal()
    files = (environment.get("GITHUB_OUTPUT") or None, environment.get("GITHUB_STEP_SUMMARY") or None)
    return Runner(output_file=files[0], summary_file=files[1])


def _stop_politely() -> None:
    """A cancelled job gets SIGINT, then SIGTERM: both end the run where it is, with its clean-up.

    SIGINT too: a runner that was itself started in the background hands it on as ignored.
    """
    import signal

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _failed(failure: Failure, console: Runner, name: str) -> int:
    from ecr_action import report

    # The log shows an annotation's text without its title.
    parts = [failure.what if isinstance(console, Terminal) else f"{failure.code}: {failure.what}"]
    parts += [f"Why: {failure.why}"] if failure.why else []
    parts += [f"Fix: {failure.fix}"] if failure.fix else []
    title = f"{failure.title} ({failure.code})"
    console.error("\n".join(parts), title=title, file=failure.file, line=failure.line)
    console.summary(report.failure_summary(failure))
    if isinstance(failure.so_far, report.Outcome):
        console.outputs(report.outputs(failure.so_far))
        console.summary(report.summary(failure.so_far, failed=True))
    if isinstance(failure, InputProblems) and name in ("bump", "lifecycle"):
        return 1
    return failure.exit_status


def _bug(error: Exception, console: Runner) -> int:
    """Our own fault: where it happened, and not what the values were."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[::-1][:8])
    text = f"This is a bug of ecr-publish, not of your workflow: {type(error).__name__} at {where}\n"
    text += f"Please report these two lines: {_BUG}"
    console.error(text, title="Internal error (E-BUG)")
    return 3


if __name__ == "__main__":
    sys.exit(main())
