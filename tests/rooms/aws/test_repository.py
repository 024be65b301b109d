"""Repositories, against the lab's ECR."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from ecr_action import errors
from ecr_action.aws import drift, lifecycle
from ecr_action.aws.calls import Losses
from ecr_action.aws.images import EcrLogins
from ecr_action.aws.repository import EcrRepository
from ecr_action.image.reference import Registry, registry_of
from ecr_action.protocols import Lifecycle, RepositorySpec, RepositoryState, Scanning
from lab.aws import setup

from .world import ACCOUNT, Job, Parts, World

DEFAULT = lifecycle.text(lifecycle.default_policy())
SEED_POLICY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 3,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 7,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)


def role_of(world: World, name: str, *actions: str, resource: str = "*", **statement: Any) -> str:
    """A role that every job of darede-labs may assume, and that may do *actions*."""
    policy = setup.trust(["repo:darede-labs/*:*"])
    return setup.role(world.admin("iam"), name, policy, [{"Action": list(actions), "Resource": resource, **statement}])


def test_a_repository_that_is_missing_is_none(full: Parts, name: str) -> None:
    """No repository, no policy: neither is an error."""
    assert full.repository.read(name) is None
    assert full.repository.read_lifecycle(name) == Lifecycle(readable=True)


def test_a_repository_is_made_as_wanted(full: Parts, name: str, world: World) -> None:
    """Scanning, encryption and tags arrive; what is read is what was made."""
    spec = RepositorySpec(name=name, scan_on_push=True, encryption="AES256", tags={"team": "a", "cost": "7"})
    state, created = full.repository.create(spec)
    row = world.admin("ecr").describe_repositories(repositoryNames=[name])["repositories"][0]
    assert created
    assert full.repository.read(name) == RepositoryState(
        name=name,
        uri=f"{world.host}/{name}",
        arn=row["repositoryArn"],
        account=ACCOUNT,
        mutability="MUTABLE",
        scan_on_push=True,
        created_at=row["createdAt"],
    )
    # The two calls may round the time of creation differently.
    assert state.created_at is not None
    assert abs(state.created_at - row["createdAt"]).total_seconds() < 1
    assert replace(state, created_at=row["createdAt"]) == full.repository.read(name)
    tags = world.admin("ecr").list_tags_for_resource(resourceArn=row["repositoryArn"])["tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "a", "cost": "7"}


def test_a_key_of_one_s_own_is_sent(full: Parts, name: str, world: World) -> None:
    """KMS with its key; and no scanning where none is wanted."""
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    spec = RepositorySpec(name=name, encryption="KMS", kms_key=key, scan_on_push=False)
    state, _ = full.repository.create(spec)
    row = world.admin("ecr").describe_repositories(repositoryNames=[name])["repositories"][0]
    assert row["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key}
    assert (state.encryption, state.scan_on_push) == ("KMS", False)


def test_immutability_is_read(full: Parts, name: str, world: World) -> None:
    """Both kinds of mutability, and what is left out of it."""
    world.admin("ecr").create_repository(
        repositoryName=name,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest*"}],
    )
    state = full.repository.read(name)
    assert state is not None
    assert (state.mutability, state.immutable_except) == ("IMMUTABLE_WITH_EXCLUSION", ("latest*",))


def test_settings_are_changed(full: Parts, name: str, world: World) -> None:
    """Scanning on push and mutability with its exclusions arrive, and are read again."""
    full.repository.create(RepositorySpec(name=name, scan_on_push=False))
    assert full.repository.scanning(name) == Scanning(on_push=False)
    assert full.repository.write_scanning(name, True)
    assert full.repository.scanning(name) == Scanning(on_push=True)
    spec = RepositorySpec(name=name, mutability="IMMUTABLE_WITH_EXCLUSION", immutable_except=drift.MOVING)
    assert full.repository.write_mutability(spec)
    state = full.repository.read(name)
    assert state is not None
    assert (state.scan_on_push, state.mutability, state.immutable_except) == (True, spec.mutability, drift.MOVING)


def test_a_rule_of_the_registry_scans(full: Parts, name: str, world: World) -> None:
    """Whatever the repository says itself; a rule may also leave it to people."""
    full.repository.create(RepositorySpec(name=name, scan_on_push=False))
    admin, filters = world.admin("ecr"), [{"filter": name, "filterType": "WILDCARD"}]
    try:
        for frequency, on_push in (("SCAN_ON_PUSH", True), ("MANUAL", False)):
            rules = [{"scanFrequency": frequency, "repositoryFilters": filters}]
            admin.put_registry_scanning_configuration(scanType="BASIC", rules=rules)
            assert full.repository.scanning(name) == Scanning(on_push=on_push, by_rule=True)
    finally:
        admin.put_registry_scanning_configuration(scanType="BASIC", rules=[])


def test_settings_that_are_denied_cost_a_notice(seed: Parts, job: Job, name: str, world: World) -> None:
    """The platform's role may switch scanning, and nothing else of these; each statement is told."""
    seed.repository.create(RepositorySpec(name=name, policy="{}"))
    assert seed.repository.write_scanning(name, True)
    assert seed.repository.scanning(name) is None
    assert not seed.repository.write_mutability(RepositorySpec(name=name, mutability="IMMUTABLE"))
    assert seed.repository.templated(RepositorySpec(name=name)) == RepositorySpec(name=name)
    denied = [notice.partition(" is denied")[0] for notice in job.console.of("notice")]
    assert denied == [
        "ecr:SetRepositoryPolicy",
        "ecr:BatchGetRepositoryScanningConfiguration",
        "ecr:PutImageTagMutability",
        "ecr:DescribeRepositoryCreationTemplates",
    ]


def test_a_creation_template_gives_the_defaults(full: Parts, job: Job, name: str, world: World) -> None:
    """Its settings are those of the new repository, its policy too."""
    admin = world.admin("ecr")
    pull = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "ecr:BatchGetImage"}
    policy = {"Version": "2012-10-17", "Statement": [pull]}
    admin.create_repository_creation_template(
        prefix=name,
        appliedFor=["CREATE_ON_PUSH"],
        imageTagMutability="IMMUTABLE",
        resourceTags=[{"Key": "team", "Value": "platform"}],
        repositoryPolicy=json.dumps(policy),
    )
    try:
        spec = full.repository.templated(RepositorySpec(name=f"{name}/app"))
        assert spec.template == name
        state, created = full.repository.create(spec)
    finally:
        admin.delete_repository_creation_template(prefix=name)
    assert (created, state.mutability) == (True, "IMMUTABLE")
    assert json.loads(admin.get_repository_policy(repositoryName=state.name)["policyText"]) == policy
    tags = admin.list_tags_for_resource(resourceArn=state.arn)["tags"]
    assert tags == [{"Key": "team", "Value": "platform"}]


def test_two_jobs_race_to_create_one_repository(world: World, full_role: str, name: str) -> None:
    """Eight at once: one makes it, all have it."""
    jobs = [Job(world) for _ in range(8)]
    parts = [job.parts(job.connect(full_role)) for job in jobs]
    barrier, results = threading.Barrier(len(parts)), []

    def create(part: Parts) -> None:
        barrier.wait()
        results.append(part.repository.create(RepositorySpec(name=name)))

    threads = [threading.Thread(target=create, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(created for _, created in results) == [False] * 7 + [True]
    assert len({state.uri for state, _ in results}) == 1


def test_a_repository_that_shows_late_is_waited_for(full: Parts, job: Job, name: str, world: World) -> None:
    """It exists, and the first read does not show it yet."""
    world.admin("ecr").create_repository(repositoryName=name)
    world.fault("ecr:DescribeRepositories", "RepositoryNotFoundException", "not yet", times=2)
    state, created = full.repository.create(RepositorySpec(name=name))
    assert (state.name, created) == (name, False)
    assert job.clock.slept == [0.5, 1.0]


def test_tags_that_are_denied_cost_a_notice(seed: Parts, job: Job, name: str, world: World) -> None:
    """The platform's role may not tag: the repository is made without tags, and the statement is told once."""
    state, created = seed.repository.create(RepositorySpec(name=name, tags={"team": "a"}))
    assert created
    assert world.admin("ecr").list_tags_for_resource(resourceArn=state.arn)["tags"] == []
    seed.repository.create(RepositorySpec(name=f"{name}-b", tags={"team": "a"}))
    (notice,) = job.console.of("notice")
    assert "ecr:TagResource is denied: a new repository gets no resource tags" in notice
    assert '"Action": "ecr:TagResource"' in notice


def test_a_policy_that_can_t_be_read_costs_a_notice(seed: Parts, job: Job, name: str) -> None:
    """The platform's role lacks GetLifecyclePolicy: one notice however often it is asked; writing works."""
    seed.repository.create(RepositorySpec(name=name))
    assert seed.repository.write_lifecycle(name, DEFAULT)
    for _ in range(3):
        assert seed.repository.read_lifecycle(name) == Lifecycle(readable=False)
    (notice,) = job.console.of("notice")
    assert "ecr:GetLifecyclePolicy is denied" in notice
    assert f'"Resource": "arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{name}"' in notice
    assert f"Add to the policy of the role {setup.ROLE}:" in notice


def test_the_default_policy_is_taken_and_read_back(full: Parts, name: str) -> None:
    """What is written is what stands, in meaning."""
    full.repository.create(RepositorySpec(name=name))
    assert full.repository.read_lifecycle(name) == Lifecycle(readable=True)
    assert full.repository.write_lifecycle(name, DEFAULT)
    read = full.repository.read_lifecycle(name)
    assert lifecycle.parse(str(read.text)) == (lifecycle.default_policy(), ())


def test_a_policy_that_may_not_be_written_costs_a_notice(job: Job, world: World, name: str) -> None:
    """False, and the statement."""
    role = role_of(world, "no-put", "ecr:CreateRepository", "ecr:GetLifecyclePolicy")
    parts = job.parts(job.connect(role))
    parts.repository.create(RepositorySpec(name=name))
    assert not parts.repository.write_lifecycle(name, DEFAULT)
    (notice,) = job.console.of("notice")
    assert "ecr:PutLifecyclePolicy is denied" in notice


def test_a_policy_that_ecr_refuses_has_ecr_s_reason(full: Parts, name: str) -> None:
    """The text of the service reaches the user, also where the SDK refuses to send it."""
    full.repository.create(RepositorySpec(name=name))
    broken = SEED_POLICY.replace("untagged", "sometimes")
    with pytest.raises(errors.AwsRefused) as refused:
        full.repository.write_lifecycle(name, broken)
    assert "sometimes" in refused.value.what
    with pytest.raises(errors.AwsRefused) as refused:
        full.repository.write_lifecycle(name, "{}")
    assert "ecr:PutLifecyclePolicy can't be called" in refused.value.what


def test_a_required_call_that_is_denied_has_the_statement(job: Job, world: World, name: str) -> None:
    """Who, what, where, and what for; the statement put into the policy cures it."""
    parts = job.parts(job.connect(role_of(world, "nothing", "ecr:PutImage")))
    with pytest.raises(errors.AwsDenied) as refused:
        parts.repository.read(name)
    failure = refused.value
    assert failure.what == (
        f"The role nothing may not call ecr:DescribeRepositories on "
        f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{name}, which is needed to find the repository."
    )
    assert failure.why == "No identity-based policy allows ecr:DescribeRepositories."
    statement = json.loads(failure.fix[failure.fix.index("{") :])
    role_of(world, "nothing", statement["Action"], resource=statement["Resource"])
    assert parts.repository.read(name) is None


def test_a_creation_that_is_denied_says_how_to_do_without(job: Job, world: World, name: str) -> None:
    """The statement, and the command that makes the repository by hand."""
    parts = job.parts(job.connect(role_of(world, "no-create", "ecr:DescribeRepositories")))
    with pytest.raises(errors.AwsDenied) as refused:
        parts.repository.create(RepositorySpec(name=name))
    assert '"Action": "ecr:CreateRepository"' in refused.value.fix
    assert f"aws ecr create-repository --repository-name {name}" in refused.value.fix


def test_an_explicit_deny_is_not_cured_by_an_allow(job: Job, world: World, name: str) -> None:
    """No statement to add: the deny must go."""
    parts = job.parts(job.connect(role_of(world, "denied", "ecr:*", Effect="Deny")))
    with pytest.raises(errors.AwsDenied) as refused:
        parts.repository.read(name)
    assert refused.value.fix.startswith("An explicit deny in an identity-based policy wins over every allow")
    assert '"Allow"' not in refused.value.fix


def test_another_account_s_registry(job: Job, world: World, full_role: str, name: str) -> None:
    """registry-id goes with every call; the policy that lacks is the repository's, over there."""
    other = "210987654321"
    world.admin("ecr", other).create_repository(repositoryName=name)
    role_of(world, "abroad", "ecr:*")
    parts = job.parts(job.connect(f"arn:aws:iam::{ACCOUNT}:role/abroad"), other)
    with pytest.raises(errors.AwsDenied) as refused:
        parts.repository.read(name)
    assert refused.value.fix.startswith("Add to the policy of the repository (its owner does that):\n")
    statement = json.loads(refused.value.fix[refused.value.fix.index("{") :])
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:role/abroad"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    world.admin("ecr", other).set_repository_policy(repositoryName=name, policyText=json.dumps(policy))
    state = parts.repository.read(name)
    assert state is not None
    assert (state.account, state.uri.split(".")[0]) == (other, other)
    assert parts.logins.login().host.startswith(other)


@pytest.mark.parametrize(("code", "status"), [("ServerException", 500), ("ThrottlingException", 400)])
def test_a_busy_service_is_asked_again(full: Parts, world: World, name: str, code: str, status: int) -> None:
    """What passes is the SDK's to repeat."""
    world.fault("ecr:DescribeRepositories", code, "busy", status)
    assert full.repository.read(name) is None


def test_a_service_that_stays_busy_is_told(full: Parts, world: World, name: str) -> None:
    """Five answers in all, then it is a fault that passes."""
    world.fault("ecr:DescribeRepositories", "ServerException", "busy", 500, times=9)
    world.control("DELETE", "calls")
    with pytest.raises(errors.AwsUnreachable) as refused:
        full.repository.read(name)
    assert refused.value.transient
    assert len(world.calls()) == 5


def test_no_answer_is_told(full: Parts, world: World, name: str) -> None:
    """A connection that is cut each time."""
    world.fault("ecr:DescribeRepositories", cut=True, times=20)
    with pytest.raises(errors.AwsUnreachable) as refused:
        full.repository.read(name)
    assert "HTTPS_PROXY" in refused.value.fix


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "eu-west-1"])
def test_the_host_is_what_the_api_says(job: Job, world: World, name: str, region: str) -> None:
    """It is never made of account and Region: China has another domain."""
    role_of(world, "everywhere", "ecr:*")
    ecr = job.connect(f"arn:aws:iam::{ACCOUNT}:role/everywhere").service("ecr", region=region)
    state, _ = EcrRepository(ecr, Losses(job.console), job.clock).create(RepositorySpec(name=name))
    host = state.uri.partition("/")[0]
    assert registry_of(host.partition(":")[0]) == Registry(ACCOUNT, region)
    assert host.partition(":")[0].endswith(".cn") == region.startswith("cn-")
    assert EcrLogins(ecr, job.console, job.clock).login().host == host
