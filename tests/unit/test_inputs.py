"""Inputs: texts in, values or all problems out."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ecr_action import inputs
from ecr_action.converters import GitOpsPath
from ecr_action.image.lists import entries, lines
from ecr_action.inputs import TABLE, Inputs
from tests.builders import make_inputs


def wrong(**given: str) -> dict[str, str]:
    """What is wrong, by input."""
    _, problems = inputs.parse({name.replace("_", "-"): text for name, text in given.items()})
    return {problem.name: str(problem) for problem in problems}


def test_every_row_of_the_table_is_a_field() -> None:
    """None is read and dropped, none is a field that nothing fills."""
    assert {field.name for field in fields(Inputs)} == {name.replace("-", "_") for name in TABLE} | {"sources"}


def test_names_are_taken_in_any_case() -> None:
    """GitHub's own rule."""
    parsed, problems = inputs.parse({"AWS-Region": "us-east-1", "PUSH": "TRUE"})
    assert (problems, parsed.aws_region, parsed.push) == ((), "us-east-1", True)


def test_an_empty_value_means_the_default() -> None:
    """A `with:` line whose expression is empty."""
    parsed = make_inputs(latest="", engine=" ", push="")
    assert (parsed.latest, parsed.lifecycle_policy, parsed.push) == (None, "", None)


def test_an_empty_gitops_bootstrap_copies_nothing() -> None:
    """There the default does something, and an empty line is how one takes it away."""
    found = [make_inputs(gitops_bootstrap=text).gitops_bootstrap for text in ("", " ", "none", "./k8s/", "deploy/")]
    assert [*found, make_inputs().gitops_bootstrap] == ["", "", "", "k8s", "deploy", "deploy"]


def test_architectures_have_one_name() -> None:
    """Kubernetes' and Go's, whatever the machine itself says."""
    parsed = make_inputs(node_architectures="aarch64, x86_64\nlinux/arm64,amd64")
    assert parsed.node_architectures == ("arm64", "amd64")


def test_the_user_wins_over_the_default_in_another_spelling() -> None:
    """A runner that matches names by case passes both."""
    parsed, problems = inputs.parse({"push": "auto", "Push": "false"})
    assert (problems, parsed.push) == ((), False)


def test_each_value_knows_its_source() -> None:
    """For the plan's first lines."""
    parsed, _ = inputs.parse({"push": "false"}, environment={"aws-region": "eu-west-1"})
    assert (parsed.sources["push"], parsed.sources["aws-region"], parsed.sources["latest"]) == (
        *("with", "environment"),
        "default",
    )
    assert parsed.aws_region == "eu-west-1"


def test_all_problems_come_at_once() -> None:
    """One run shows them all."""
    found = wrong(aws_region="us-esat1", push="yes", repositry="x", encryption="AES", role_duration_seconds="60")
    assert set(found) == {"aws-region", "push", "repositry", "encryption", "role-duration-seconds"}


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"repositry": "x"}, "repositry", "Did you mean 'repository'?"),
        ({"role_to_asume": "x"}, "role-to-asume", "Did you mean 'role-to-assume'?"),
        ({"dockerfile": "x"}, "dockerfile", "Did you mean 'file'?"),
        ({"build_secrets": "x"}, "build-secrets", "not supported yet"),
        ({"tags": "type=sha,a/b"}, "tags", "'value', which type=sha"),
        ({"tags": "type=calver,pattern=x"}, "tags", "there are ref, sha"),
        ({"repository": "123456789012.dkr.ecr.us-east-1.amazonaws.com/app"}, "repository", "'repository: app'"),
        ({"gitops_token": "two\nlines"}, "gitops-token", "line break"),
        ({"zzz": "x"}, "zzz", "The README lists every input."),
        ({"aws_region": "us-east1"}, "aws-region", "Did you mean 'us-east-1'?"),
        ({"repository": "Hello-Node"}, "repository", "'hello-node'"),
        ({"repository": "a"}, "repository", "1 characters"),
        ({"repository": "a--b/c"}, "repository", "single"),
        ({"repository": "public.ecr.aws/x/y"}, "repository", "ECR Public"),
        ({"registry_id": "12345678901"}, "registry-id", "'012345678901'"),
        ({"allowed_account_ids": "123456789012, 1"}, "allowed-account-ids", "12 digits"),
        ({"scan_fail_on": "hihg"}, "scan-fail-on", "Did you mean 'high'?"),
        ({"scan_fail_on": "high, low"}, "scan-fail-on", "Name the mildest one"),
        ({"scan_ignore": "CVE-1 not reachable 2999-01-31"}, "scan-ignore", "scan-fail-on: high"),
        ({"gitops_auto_merge": "true"}, "gitops-auto-merge", "gitops-mode: pull-request"),
        ({"gitops_branch": "a b"}, "gitops-branch", "no name of a branch"),
        ({"gitops_branch": "refs/heads/main"}, "gitops-branch", "alone: main"),
        ({"scan_ignore": "CVE-1 2027-01-31"}, "scan-ignore", "which lacks a part"),
        ({"scan_ignore": "CVE-1 not reachable"}, "scan-ignore", "which lacks a part"),
        ({"scan_ignore": "CVE-1 not reachable 2027-02-31"}, "scan-ignore", "2027-02-31 is no day"),
        ({"retention": "dve: 3"}, "retention", "Did you mean 'dev'?"),
        ({"retention": "zzz: 3"}, "retention", "There are prod, staging"),
        ({"registry_id": "12345"}, "registry-id", "get-caller-identity"),
        ({"retention": "dev: 0"}, "retention", "'dev: 30'"),
        ({"retention": "dev: 12345"}, "retention", "1 to 9999"),
        ({"retention": "dev: 3 weeks"}, "retention", "'dev: 30'"),
        ({"kms_key": "alias/x"}, "kms-key", "encryption: KMS"),
        ({"repository_tags": "team"}, "repository-tags", "KEY=VALUE"),
        ({"repository_tags": "aws:x=1"}, "repository-tags", "aws:"),
        ({"environment": "pro d"}, "environment", "letters"),
        ({"version": "latest"}, "version", "v1.2.3"),
        ({"version": "v2"}, "version", "v1.2.3"),
        ({"tags": "a/b"}, "tags", "'a-b'"),
        ({"tags": "{sha8}"}, "tags", "did you mean {sha"),
        ({"tags": "deployed-prod"}, "tags", "keeps tags of that form"),
        ({"latest": "maybe"}, "latest", "auto, true or false"),
        ({"short_sha_length": "6"}, "short-sha-length", "7 to 40"),
        ({"build_args": "A=1\nrest of a value"}, "build-args", "line 2"),
        ({"build_args": '"A=1'}, "build-args", "not closed"),
        ({"platforms": "arm64"}, "platforms", "linux/arm64"),
        ({"engine": "bildx"}, "engine", "Did you mean 'buildx'?"),
        ({"context": "https://github.com/o/r.git"}, "context", "folder of the checkout"),
        ({"gitops_repository": "my-gitops"}, "gitops-repository", "owner/name"),
        ({"gitops_repository": "https://github.com/acme/gitops.git"}, "gitops-repository", "'acme/gitops'"),
        ({"gitops_repository": "git@github.com:acme/gitops"}, "gitops-repository", "'acme/gitops'"),
        ({"gitops_repository": "github.com/acme/gitops/"}, "gitops-repository", "'acme/gitops'"),
        ({"gitops_repository": "https://github.com/acme/gitops/tree/main"}, "gitops-repository", "owner/name"),
        ({"gitops_files": "../x.yaml"}, "gitops-files", ".."),
        ({"gitops_files": ".github/x.yaml"}, "gitops-files", "never written"),
        ({"gitops_pin": "sha"}, "gitops-pin", "tag or digest"),
        ({"node_architectures": "arm64, mips"}, "node-architectures", "has 'mips', which is no architecture"),
        ({"gitops_bootstrap": "../x"}, "gitops-bootstrap", "without '..'"),
        ({"gitops_bootstrap": "/k8s"}, "gitops-bootstrap", "folder of the checkout"),
        ({"gitops_bootstrap": "./"}, "gitops-bootstrap", "not the checkout itself"),
        ({"gitops_bootstrap": "k8s", "gitops_files": "a.yaml"}, "gitops-bootstrap", "beside gitops-files"),
        ({"gitops_registries": "https://registry.example.com"}, "gitops-registries", "without https://"),
        ({"gitops_registries": "registry.example.com/team"}, "gitops-registries", "no registry's host"),
        ({"role_session_name": "a b"}, "role-session-name", "session name"),
        ({"dry_run": "yes"}, "dry-run", "true or false"),
        ({"call": "chekc"}, "call", "build, check, outline, targets"),
        ({"call": "check", "push": "true"}, "call", "no image to push"),
        ({"cache": "auto", "cache_to": "type=inline"}, "cache", "beside cache-to"),
        ({"cache": "yes"}, "cache", "registry"),
        ({"outputs": "type=tar,dest=-"}, "outputs", "standard output"),
        ({"outputs": "type=zip,dest=x"}, "outputs", "type=local"),
        ({"outputs": "type=image,name=other/app,push=true"}, "outputs", "Leave it out"),
    ],
)
def test_a_wrong_value_names_the_input_and_the_fix(given: dict[str, str], name: str, words: str) -> None:
    """In the words that a reader needs."""
    found = wrong(**given)
    assert set(found) == {name}
    assert words in found[name]


def test_a_role_that_is_none_is_not_repeated() -> None:
    """It is a secret as a rule."""
    found = wrong(role_to_assume="hunter2-is-no-arn")
    assert "hunter2" not in found["role-to-assume"]
    assert "arn:aws:iam::123456789012:role/NAME" in found["role-to-assume"]


def test_a_build_args_value_is_not_repeated() -> None:
    """A line that lacks a name may be the rest of something private."""
    assert "s3cr3t" not in wrong(build_args="A=1\n-----s3cr3t")["build-args"]


@pytest.mark.parametrize(
    ("written", "name"),
    [("production", "prod"), ("PRD", "prod"), ("stage", "staging"), ("develop", "dev"), ("qa", "qa")],
)
def test_an_environment_has_one_name(written: str, name: str) -> None:
    """Tags, files and outputs speak of the same one."""
    assert make_inputs(environment=written).environment == name


def test_gitops_files_may_be_of_one_environment() -> None:
    """`dev: path` lines beside plain ones."""
    parsed = make_inputs(gitops_files="prod: apps/x.yaml\napps/{environment}/*.yaml")
    assert parsed.gitops_files == (
        GitOpsPath(environment="prod", pattern="apps/x.yaml"),
        GitOpsPath(environment=None, pattern="apps/{environment}/*.yaml"),
    )


def test_secrets_do_not_show() -> None:
    """Not in the repr of the whole either."""
    parsed = make_inputs(gitops_token="ghp_canary")
    assert "ghp_canary" not in repr(parsed)
    assert parsed.gitops_token.reveal() == "ghp_canary"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("A=1\nB=x,y\nC=a b ", ["A=1", "B=x,y", "C=a b"]),
        ('A="v"', ['A="v"']),
        ("B='v'", ["B='v'"]),
        ('"A=l1\nl2\n\nl4"\nB=2', ["A=l1\nl2\n\nl4", "B=2"]),
        ('"A={""k"":""v""}"', ['A={"k":"v"}']),
        ('A={"k":"v","n":1}', ['A={"k":"v","n":1}']),
        ('A=x,"y,z"', ["A=x,y,z"]),
        ('"A=1" x', ['"A=1" x']),
        ("A=1\r\nB=2\r\n", ["A=1", "B=2"]),
        ("\n\n", []),
    ],
)
def test_lists_are_read_as_build_push_action_reads_them(text: str, result: list[str]) -> None:
    """Results of csv-parse 7 with the peer's options."""
    assert list(lines(text)) == result


def test_entries_are_separated_by_lines_and_commas() -> None:
    """The other kind of list."""
    assert entries("a:1,a:2\na:3\n") == ("a:1", "a:2", "a:3")


def test_a_quote_that_is_not_closed_is_an_error() -> None:
    """Nobody knows where the value ends."""
    with pytest.raises(ValueError, match="not closed"):
        lines('"A=1\nB=2')


def test_an_input_that_is_judged_by_a_wrong_one_is_not_called_wrong_too() -> None:
    """It would be judged by that one's default."""
    assert set(wrong(mode="bumpp", images="[]")) == {"mode"}
    assert set(wrong(encryption="KSM", kms_key="alias/x")) == {"encryption"}
