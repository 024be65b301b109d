"""How each rule of the lab is taken out: a rule that can go without a test failing is no rule."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """In *file* below lab/ the text *old*, there once, becomes *new*; then *test* (below tests/lab/) has to fail."""

    file: str
    old: str
    new: str
    test: str


_ACCESS, _MERGE = "github/test_github_access.py", "github/test_github_merge.py"
_REST, _COMMIT = "github/test_github_rest.py", "github/test_github_commit.py"
_CANCEL = "runner/test_runner_cancel.py"
_REFS = "github/test_github_refs.py"
_GRAPH, _WALK, _SHIM = "github/test_github_graph.py", "github/test_github_walk.py", "runner/test_runner_shim.py"

# Rules of the runner and of policies need no server: these are tried at every run of all tests.
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

SLOW = (
    Rule("github/writing.py", "if head != asked.expected:", "if not head:",
         f"{_COMMIT}::test_stale_head_is_refused_in_githubs_words_with_status_200"),
    Rule("github/writing.py", 'there.mode if there else "100644"', '"100644"',
         f"{_COMMIT}::test_existing_mode_is_kept_so_that_a_link_stays_a_link"),
    Rule("github/writing.py", "    _refuse_protected(repository, viewer, asked.branch)\n", "",
         f"{_MERGE}::test_required_check_refuses_a_direct_commit"),
    Rule("github/writing.py", "if touched and not held:", "if False:",
         f"{_ACCESS}::test_workflow_files_take_a_right_of_their_own"),
    Rule("github/graph_objects.py", "BLOB_TEXT_BYTES = 512_000", "BLOB_TEXT_BYTES = 511_999",
         f"{_GRAPH}::test_text_is_cut_at_512000_bytes"),
    Rule("github/graph_objects.py", "text = None if binary else", "text =", f"{_GRAPH}::test_binary_has_no_text"),
    Rule("github/graph_objects.py", "if lacks(self.viewer, repo, accepted):", "if False:",
         f"{_ACCESS}::test_fine_grained_token_has_each_permission_by_itself"),
    Rule("github/server.py", "if access.lacks(viewer, repo, route.accepted):", "if False:",
         f"{_ACCESS}::test_reading_permission_does_not_write"),
    Rule("github/server.py", "if route.writes and repo.archived:", "if False:",
         f"{_WALK}::test_archived_repository_reads_and_refuses_writes"),
    Rule("github/server.py", '(301, "Moved Permanently") if call.method == "GET" else', "",
         f"{_ACCESS}::test_renamed_repository_redirects"),
    Rule("github/server.py", "    access.refuse_saml(viewer, repo)\n", "",
         f"{_ACCESS}::test_token_without_single_sign_on_is_refused"),
    Rule("github/access.py", "now >= viewer.expires", "False", f"{_ACCESS}::test_token_ends"),
    Rule("github/access.py", '"repo" not in viewer.scopes', "False",
         f"{_ACCESS}::test_classic_token_without_repo_scope_sees_nothing_private"),
    Rule("github/apps.py", "issued > at", "False", f"{_ACCESS}::test_jwt_has_limits"),
    Rule("github/apps.py", "expires > at + LONGEST_JWT_SECONDS", "False", f"{_ACCESS}::test_jwt_has_limits"),
    Rule("github/apps.py", '{"metadata": "read"} | wanted if wanted else granted', "granted",
         f"{_ACCESS}::test_app_mints_a_token_for_one_repository_and_permission"),
    Rule("github/apps.py", 'if row.get("suspended"):', "if False:",
         f"{_ACCESS}::test_suspended_installation_mints_nothing"),
    Rule("github/graph_refs.py", "if expected is not None and expected != old:", "if False:",
         f"{_REFS}::test_one_update_that_can_not_be_made_stops_all"),
    Rule("github/limits.py", "self.used(viewer, resource) > limits.hourly", "False",
         f"{_ACCESS}::test_hourly_limit_is_enforced"),
    Rule("github/limits.py", "5 if write else 1", "1", f"{_ACCESS}::test_secondary_limit_is_enforced"),
    Rule("github/merging.py", "if not repo.allow_auto_merge:", "if False:",
         f"{_MERGE}::test_auto_merge_has_conditions"),
    Rule("github/merging.py", 'if not queue and found in ("CLEAN", "UNSTABLE"):', "if False:",
         f"{_MERGE}::test_auto_merge_has_conditions"),
    Rule("github/pulls.py", 'body["sha"] != pull["head_sha"]', "False",
         f"{_MERGE}::test_merge_is_refused_in_githubs_words"),
    Rule("github/rest.py", "    if first_page:\n", "    if True:\n",
         f"{_REST}::test_compare_has_files_on_its_first_page_only"),
    Rule("github/rest_git.py", "if not body.get(\"force\") and not", "if False and not",
         f"{_REST}::test_references_are_made_moved_and_deleted"),
    Rule("github/world.py", "TARBALL_LINK_SECONDS = 300", "TARBALL_LINK_SECONDS = 900",
         f"{_WALK}::test_archive_link_ends_after_five_minutes"),
)  # fmt: skip
