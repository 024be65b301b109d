"""How each rule of the lab's GitHub is taken out, test by test of FIDELITY.md; `make fidelity` tries them."""

from __future__ import annotations

from tests.lab.rules import Rule


def _rules(test_file: str, *rows: tuple[str, str, str, str]) -> tuple[Rule, ...]:
    """Return rules of lab/github/ whose tests are in one file; a row is the lab's file, old text, new text, test."""
    return tuple(Rule(f"github/{file}", old, new, f"github/{test_file}::{test}") for file, old, new, test in rows)


_REST = _rules(
    "test_github_rest.py",
    ("shapes.py", '"description": repo.description, "fork": False,', '"description": repo.description,',
     "test_answer_has_the_documented_shape"),
    ("rest_git.py", 'raise Refused(409, "Git Repository is empty.")', "return", "test_empty_repository_says_so"),
    ("rest.py", 'return "ahead" if ahead else', 'return "behind" if ahead else',
     "test_compare_knows_the_four_relations_of_two_commits"),
    ("rest.py", '    if merge_base is None:\n        raise Refused(404, f"No common', '    if False:\n        raise '
     'Refused(404, f"No common', "test_compare_without_a_common_ancestor_is_404"),
    ("shapes.py", 'if entry.kind != "commit":', "if True:", "test_tree_lists_modes_links_and_submodules"),
    ("rest_git.py", '"content": base64.encodebytes(content).decode(), "encoding": "base64",',
     '"content": content.decode(errors="replace"), "encoding": "base64",', "test_blob_is_exact_in_both_forms"),
    ("rest.py", 'if entry and entry.mode == "120000":', "if False:",
     "test_contents_follow_a_symbolic_link_without_a_word"),
    ("contents.py", "if viewer is None or (head is None and repo.bare.references()):", "if viewer is None or not head:",
     "test_a_file_is_put_into_an_empty_repository"),
    ("contents.py", "    if there and not sha:", "    if False:", "test_a_file_is_put_with_its_own_id_only"),
    ("rest.py", "return Answer(302, None,", "return Answer(200, None,",
     "test_tarball_is_git_archive_behind_a_redirect"),
    ("rest_git.py", '    _refuse_protected(call, name)\n    if not body.get("force")', '    if not body.get("force")',
     "test_protected_reference_is_not_moved"),
    ("rest_git.py", 'changes[row["path"]] = (row["mode"], bare.write_blob', 'changes[row["path"]] = ("100644", '
     "bare.write_blob", "test_commit_by_way_of_blob_tree_and_reference"),
    ("access.py", 'raise Refused(401, "Bad credentials")', "return None", "test_bad_token_is_401_on_both_apis"),
    ("access.py", '"actions": 1000', '"actions": 5000', "test_headers_tell_permissions_and_limits"),
    ("server.py", 'prefix = "/api/v3" if path.startswith("/api/v3/") else ""', 'prefix = ""',
     "test_same_api_answers_below_the_path_of_an_enterprise_server"),
    ("faults.py", "fault.times = None if fault.times is None else fault.times - 1", "pass",
     "test_latency_and_errors_are_set_per_call"),
)  # fmt: skip

_PULLS = _rules(
    "test_github_pulls.py",
    ("pulls.py", 'and wanted in (None, pull["head"]) and not foreign', "and not foreign",
     "test_pull_request_is_listed_by_head_and_base"),
    ("pulls.py", "    if repo.bare.is_ancestor(str(head_sha), str(base_sha)):", "    if False:",
     "test_second_or_empty_pull_request_is_refused"),
    ("merging.py", "elif head is None or base is None or inside:", "elif head is None or base is None:",
     "test_head_forced_back_into_its_base_closes_for_good"),
    ("merging.py", 'if inside and head == pull["head_sha"]:', "if False:",
     "test_base_that_takes_the_head_in_is_a_merge"),
    ("graph_pulls.py", 'and headRefName in (None, row["headRefName"])', "and headRefName is None",
     "test_open_pull_request_is_found_by_graphql"),
)  # fmt: skip

_GRAPH = _rules(
    "test_github_graph.py",
    ("schema.graphql", "type Repository", "type Repositorium", "test_schema_is_a_part_of_githubs"),
    ("graph_objects.py", '"mode": int(entry.mode, 8)', '"mode": int(entry.mode)',
     "test_named_file_is_read_under_the_commit"),
    ("graph_objects.py", "return self._entry(repo, entry, path) if entry else None",
     "return self._entry(repo, entry or repo.bare.entries(commit)[0], path)", "test_missing_file_is_null"),
    ("graph_objects.py", '"isEmpty": lambda _info: not repo.bare.references()', '"isEmpty": False',
     "test_empty_repository_has_no_default_branch"),
    ("graph_objects.py", "found = entry.oid if entry else tree if not path else None", "found = entry and entry.oid",
     "test_expression_reads_commit_tree_and_blob"),
    ("graph_objects.py", "size = first if first is not None else last", "size = first or last or 1",
     "test_history_is_paged_and_needs_a_size"),
    ("graph.py", 'return repo, rest[0].removeprefix("refs/heads/")', "return repo, rest[0]",
     "test_branch_is_named_by_its_node_id_too"),
    ("graph.py", "problems = graphql.validate(schema(), parsed) or null_problems(parsed, variables)",
     "problems = null_problems(parsed, variables)", "test_unknown_field_is_refused_without_data"),
)  # fmt: skip

_COMMIT = _rules(
    "test_github_commit.py",
    ("writing.py", 'GITHUB = ("GitHub", "noreply@github.com")', 'GITHUB = ("ada", "noreply@github.com")',
     "test_commit_changes_adds_and_deletes_in_one_commit_of_the_tokens_owner"),
    ("writing.py", "(f\"\\n\\n{message['body']}\"", "(f\"\\n{message['body']}\"",
     "test_body_follows_the_headline_after_a_blank_line"),
    ("graph.py", "graphql.validate(schema(), parsed) or null_problems(parsed, variables)",
     "graphql.validate(schema(), parsed)",
     "test_null_head_of_a_missing_branch_is_refused_as_an_invalid_variable"),
    ("writing.py", 'raise Failed("NOT_FOUND", f"Could not resolve to a branch', 'raise Failed(None, f"Could not '
     "resolve to a branch", "test_missing_branch_is_not_made"),
    ("writing.py", "    tree = _tree(bare, head, asked)\n", '    tree = _tree(bare, head, asked)\n    if not '
     'asked.additions and not asked.deletions:\n        raise Failed(None, "nothing to commit")\n',
     "test_no_changes_make_an_empty_commit"),
    ("writing.py", 'if any(changes.get(key, ()) is None for key in ("additions", "deletions")):',
     "changes = {key: rows for key, rows in changes.items() if rows is not None}\n    if False:",
     "test_null_list_passes_the_schema_and_then_fails"),
    ("writing.py", "if paths.count(path) > 1:", "if False:", "test_impossible_changes_abort_the_whole_commit"),
    ("writing.py", "if there is None or there.kind == \"tree\":", "if False:",
     "test_impossible_changes_abort_the_whole_commit"),
    ("writing.py", "if branch in repository.protected:", "if False:", "test_protected_branch_is_refused"),
    ("writing.py", "if not can_write(viewer, repository):", "if False:", "test_reader_may_not_write"),
    ("graph.py", 'level(viewer, repo) is None:\n        raise Failed("NOT_FOUND", f"Could not resolve to a Repository',
     'False:\n        raise Failed("NOT_FOUND", f"Could not resolve to a Repository',
     "test_stranger_cannot_tell_a_hidden_repository_from_a_missing_one"),
    ("writing.py", "    if repository.archived:", "    if False:", "test_archived_repository_is_read_only"),
    ("server.py", 'lost = call.world.faults.take(row, "after")', "lost = None", "test_answer_lost_after_the_commit"),
    ("server.py", '"column": 1}], "message": fault.message}', '"column": 1}], "message": "refused"}',
     "test_fault_can_speak_for_any_refusal"),
    ("faults.py", "if self.stale_seconds and old:", "if False:",
     "test_reads_stay_stale_for_a_while_after_a_commit"),
    ("git.py", 'self.run("update-ref", reference, new, expected)', 'self.run("update-ref", reference, new)',
     "test_of_commits_on_one_head_exactly_one_lands"),
)  # fmt: skip

_MERGE = _rules(
    "test_github_merge.py",
    ("rest.py", 'found = repo.bare.history(*times, oid, path=query.get("path"))', "found = repo.bare.history(*times, "
     "oid)", "test_commits_are_listed_by_branch_and_path"),
    ("pulls.py", "if merging.holds(call.repository, pull, oid)]", "]",
     "test_commit_tells_its_parents_and_pull_requests"),
    ("merging.py", 'parents = [base, head] if method == "merge" else [base]', "parents = [base]",
     "test_merge_makes_a_commit_of_two_parents"),
    ("merging.py", "    if repo.delete_branch_on_merge:", "    if False:",
     "test_squash_makes_one_commit_and_a_setting_deletes_the_branch"),
    ("pulls.py", "    if head is None:\n        raise _invalid(_custom(f\"state cannot", "    if False:\n        raise "
     "_invalid(_custom(f\"state cannot", "test_deleted_head_closes_and_cannot_be_reopened"),
    ("pulls.py", 'if not repo.bare.is_ancestor(pull["head_sha"], head):', "if False:",
     "test_closed_one_reopens_unless_its_branch_was_forced"),
    ("merging.py", 'if pull["state"] == "open" and automatic and status', "if False and status",
     "test_auto_merge_merges_when_the_check_is_there"),
    ("graph_pulls.py", 'if why is None and expected and expected != pull["head_sha"]:', "if False:",
     "test_auto_merge_asks_for_the_head_and_for_write_access"),
    ("graph_pulls.py", '    if not pull.get("auto_merge"):', "    if False:", "test_auto_merge_is_switched_off_again"),
    ("merging.py", 'queue = repo.protected.get(pull["base"]) == "merge-queue"', "queue = False",
     "test_merge_queue_takes_what_is_green_already"),
    ("pulls.py", 'kept = pull["labels"] if call.method == "POST" else []', 'kept = pull["labels"]',
     "test_labels_are_set_and_made"),
)  # fmt: skip

_OTHERS = (
    *_rules(
        "test_github_refs.py",
        ("graph_refs.py", "repo.bare.delete(name)", "pass",
         "test_a_branch_is_made_moved_by_force_and_another_deleted_in_one_call"),
        ("graph_refs.py", "    check_writable(repo, viewer)\n", "", "test_a_reader_moves_nothing"),
    ),
    *_rules(
        "test_github_process.py",
        ("smart.py", "(push and not can_write(call.viewer, repo))", "False",
         "test_git_clones_and_pushes_over_http"),
    ),
    *_rules(
        "test_github_walk.py",
        ("routes.py", '    _route("GET", "/git/matching-refs/{ref*}", rest_git.matching, READ),\n', "",
         "test_every_route_answers_as_documented"),
        ("runs.py", 'query.get("head_sha") in (None, run["head_sha"])', "True", "test_runs_of_a_commit_are_found"),
        ("rest.py", 'repo.bare.run("archive", "--format=tar", f"--prefix={folder}/", oid)',
         'repo.bare.run("archive", "--format=tar", f"--prefix={folder}/", f"{oid}^{{tree}}")',
         "test_archive_rewrites_what_attributes_ask_for"),
    ),
    *_rules(
        "test_github_access.py",
        ("apps.py", 'UNDECODABLE = "A JSON', 'UNDECODABLE = "This', "test_token_is_no_jwt"),
        ("apps.py", "    call.world.state.forget_token(viewer.key)\n", "",
         "test_app_reads_itself_and_gives_its_token_back"),
        ("apps.py", "if _LEVELS.get(level, 9) > _LEVELS.get(granted.get(name, \"\"), 0):", "if False:",
         "test_app_is_told_what_it_asks_too_much"),
        ("state.py", "            repo.hidden_calls -= 1\n", "", "test_repository_appears_later"),
        ("limits.py", '("content", limits.content, int(write))', '("content", None, int(write))',
         "test_content_is_made_so_many_times_a_minute"),
    ),
    Rule("github/events.py", "payload = copy.deepcopy(_find(event, action))", "payload = _find(event, action)",
         "github/test_github_events.py"),
)  # fmt: skip

HUB = (*_REST, *_PULLS, *_GRAPH, *_COMMIT, *_MERGE, *_OTHERS)
