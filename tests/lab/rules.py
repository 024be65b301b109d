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
_REFS = "github/test_github_refs.py"
_GRAPH, _WALK = "github/test_github_graph.py", "github/test_github_walk.py"

# Rules of GitHub that had a test when its table was begun; the others are in hub_rules.py.
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
