"""How each rule of the runner is taken out, test by test of FIDELITY.md."""

from __future__ import annotations

from tests.lab.rules import Rule


def _rules(test_file: str, *rows: tuple[str, str, str, str]) -> tuple[Rule, ...]:
    """Return rules of lab/runner/ whose tests are in one file; a row is the lab's file, old text, new text, test."""
    return tuple(Rule(f"runner/{file}", old, new, f"runner/{test_file}::{test}") for file, old, new, test in rows)


_CANCEL, _SHIM = "runner/test_runner_cancel.py", "runner/test_runner_shim.py"

# These need no server: tried at every run of all tests.
QUICK = (
    Rule("runner/files.py", "if equals >= 0 and (block < 0 or equals < block):", "if equals >= 0:",
         f"{_SHIM}::test_delimiter_may_hold_an_equals_sign"),
    Rule("runner/files.py", 'raise FileCommandError(f"Invalid format \'{line}\'")', "continue",
         f"{_SHIM}::test_malformed_output_fails_the_step"),
    Rule("runner/files.py", "MOST_SUMMARIES = 1024 * 1024, 20", "MOST_SUMMARIES = 1024 * 1025, 20",
         f"{_SHIM}::test_summary_above_1_mib_is_thrown_away"),
    Rule("runner/files.py", "MOST_SUMMARIES = 1024 * 1024, 20", "MOST_SUMMARIES = 1024 * 1024, 21",
         f"{_SHIM}::test_each_step_has_a_summary_of_its_own_and_20_are_shown"),
    Rule("runner/files.py", 'BLOCKED = ("NODE_OPTIONS",)', "BLOCKED = ()",
         f"{_SHIM}::test_each_file_is_read_by_itself"),
    Rule("runner/shim.py", "job.environment | env | job.own |", "job.environment | job.own | env |",
         f"{_SHIM}::test_each_file_is_read_by_itself"),
    Rule("runner/process.py", "interrupt: float = 7.5", "interrupt: float = 5.0",
         f"{_CANCEL}::test_the_times_are_the_runners_own"),
    Rule("runner/process.py", "process.send_signal(signal.SIGINT)", "process.send_signal(signal.SIGTERM)",
         f"{_CANCEL}::test_a_process_may_clean_up"),
    Rule("runner/process.py", "process.send_signal(signal.SIGINT)", "os.killpg(process.pid, signal.SIGINT)",
         f"{_CANCEL}::test_only_the_steps_own_process_hears_of_it"),
    Rule("runner/process.py", "process.send_signal(signal.SIGTERM)", "process.kill()",
         f"{_CANCEL}::test_a_deaf_process_is_ended"),
    Rule("runner/shim.py", "threading.Event() if self.cancelled else self.cancelling", "self.cancelling",
         f"{_CANCEL}::test_steps_after_a_cancelled_one"),
    Rule("runner/shim.py", "            rest.callback(_end_orphans, job)\n", "",
         f"{_CANCEL}::test_what_still_runs_at_the_end_is_ended"),
    Rule("runner/commands.py", "MOST_ANNOTATIONS, MOST_CHARACTERS = 10, 4096",
         "MOST_ANNOTATIONS, MOST_CHARACTERS = 11, 4096", f"{_SHIM}::test_only_ten_annotations_of_a_kind_are_kept"),
    Rule("runner/masks.py", "for skip in (0, 1, 2)", "for skip in (0,)",
         f"{_SHIM}::test_secrets_and_token_are_hidden_from_the_first_line"),
    Rule("runner/jobs.py", "if value and reader.masks.hide(value) != value:", "if False:",
         f"{_SHIM}::test_outputs_are_mapped_and_dropped_between_jobs_when_secret"),
    Rule("runner/shim.py", '_WITHHELD = re.compile(r"INPUT_.*|', '_WITHHELD = re.compile(r"',
         f"{_SHIM}::test_no_input_variable_and_no_cache_token_reaches_a_composite_step"),
)  # fmt: skip

RUNNER = (
    *_rules(
        "test_runner_uses.py",
        ("uses.py", ".get(repository.lower())", ".get(repository)", "test_an_action_is_found"),
        ("uses.py", "or not refs[0]:", "or False:", "test_a_wrong_spelling_is_refused_in_githubs_words"),
        ("uses.py", '            "Did you forget to run actions/checkout before running your local action?"\n', "",
         "test_a_wrong_path_asks_for_the_checkout"),
    ),
    *_rules(
        "test_runner_shim.py",
        ("shim.py", "if name.lower() not in given:", "if name not in job.inputs:",
         "test_inputs_come_as_strings_in_the_users_spelling"),
        ("shim.py", 'for key in ("PATH", "HOME", "LANG") if key in os.environ', "for key in os.environ",
         "test_step_sees_the_jobs_variables_and_not_the_machines"),
        ("context.py", 'return f"refs/tags/{payload[\'release\'][\'tag_name\']}"', "return default",
         "test_reference_and_commit_follow_from_the_event"),
        ("action.py", '["sh", "-e", "{0}"]', '["sh", "{0}"]', "test_script_stops_at_the_first_failing_command"),
        ("commands.py", "            self.masks.add(command.data)", "            pass",
         "test_mask_holds_from_its_line_on"),
        ("commands.py", 'return text.replace("%25", "%")', "return text", "test_annotations_are_unescaped_and_hidden"),
        ("process.py", r'rb"\r\n|\n|\r(?!\n)(?!$)"', r'rb"\r\n|\n"',
         "test_hostile_text_that_breaks_a_line_is_a_command"),
        ("commands.py", "            self._stopped = command.data\n", "",
         "test_stopped_commands_are_text_until_the_token_comes"),
        ("shim.py", "    job.environment.update(said.variables)\n", "",
         "test_variables_and_paths_reach_later_steps"),
        ("shim.py", "        shutil.rmtree(path, ignore_errors=True)", "        pass",
         "test_temporary_folder_is_new_and_wiped"),
        ("shim.py", "    processes.kill(found)\n", "", "test_process_left_in_the_background_is_ended"),
        ("process.py", "if time.monotonic() > end:", "if time.monotonic() > end + 120:",
         "test_step_that_hangs_is_stopped"),
    ),
    *_rules(
        "test_runner_jobs.py",
        ("jobs.py", "{name: expressions.interpolate(text, known) for name, text in outputs.items()}", "dict(outputs)",
         "test_a_caller_reads_what_the_workflow_names"),
        ("jobs.py", "if value and reader.masks.hide(value) != value:", "if False:",
         "test_an_output_that_holds_a_secret_is_empty_for_a_caller"),
        ("jobs.py", "        elif value:\n", "        else:\n", "test_an_empty_output_is_left_out_without_a_word"),
        ("jobs.py", "JOB_OUTPUT_BYTES = 1024 * 1024", "JOB_OUTPUT_BYTES = 1024 * 1024 + 2",
         "test_a_job_hands_on_a_megabyte_and_no_more"),
    ),
    *_rules(
        "test_runner_cancel.py",
        ("process.py", "process.send_signal(signal.SIGINT)", "os.killpg(process.pid, signal.SIGINT)",
         "test_a_shell_hands_itself_over_by_exec"),
    ),
    Rule("runner/expressions.py", "inner = f\"success() && ({inner})\"", "pass", "runner/test_runner_expressions.py"),
    # From here on with an engine, or act.
    *_rules(
        "test_runner_container.py",
        ("container.py", "return inside + text.removeprefix(str(folder))", "return text",
         "test_a_step_sees_the_containers_paths"),
        ("container.py", "inside = [self.translated(part) for part in argv]", "inside = list(argv)",
         "test_a_step_sees_the_containers_paths"),
        ("container.py", 'volumes = [f"{folder}:{inside}" for folder, inside in mappings]',
         'volumes = [f"{folder}:{at}" for folder, inside in mappings for at in (folder, inside)]',
         "test_an_expressions_path_is_the_hosts_and_not_there"),
        ("shim.py", "argv = job.started.command(argv, folder, list(variables))", "pass",
         "test_a_shell_that_the_image_has_not"),
        ("shim.py", "argv = job.started.command(argv, folder, list(variables))", "pass",
         "test_a_step_hears_no_signal_and_goes_with_its_container"),
    ),
    Rule("runner/act.py", '"--eventpath", files["event.json"], ', "", "runner/test_runner_act.py"),
)  # fmt: skip
