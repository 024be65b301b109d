"""Lifecycle policies: the default one, documents, equality in meaning, whose they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecr_action.aws import lifecycle
from ecr_action.aws.policy import Keep, Policy

from .policies import policies

DEFAULT = lifecycle.text(lifecycle.default_policy())


def test_the_default_is_the_one_that_is_documented() -> None:
    """Order, prefixes and numbers, each prefix alone in its rule."""
    rows = [
        (
            rule.selection.prefixes or rule.selection.patterns or rule.selection.tag_status,
            rule.selection.count_type,
            rule.selection.count_number,
        )
        for rule in lifecycle.default_policy().rules
    ]
    count, age = "imageCountMoreThan", "sinceImagePushed"
    assert rows == [
        (("deployed-",), count, 9999),
        (("latest",), count, 9999),
        (("prod-",), count, 10),
        (("staging-",), count, 5),
        (("v*.*.*",), count, 10),
        (("dev-",), count, 5),
        (("branch-",), age, 14),
        (("pr-",), age, 7),
        (("buildcache",), count, 5),
        ("untagged", age, 7),
    ]
    assert [rule.selection.patterns for rule in lifecycle.default_policy().rules if rule.selection.patterns] == [
        ("latest",),
        ("v*.*.*",),
    ]
    assert all(rule.action == "expire" and rule.description for rule in lifecycle.default_policy().rules)


def test_ecr_takes_the_default() -> None:
    """It is what it says, and breaks no rule."""
    assert lifecycle.parse(DEFAULT) == (lifecycle.default_policy(), ())


@given(policies())
def test_a_policy_survives_its_document(policy: Policy) -> None:
    """Written and read, it is the same; and a document has nothing that ECR does not know."""
    document = lifecycle.text(policy)
    document += " " * (100 - len(document))
    assert lifecycle.parse(document) == (policy, ())


@given(policies(), st.randoms())
def test_meaning_is_not_in_the_writing(policy: Policy, random: Any) -> None:
    """Order of keys, rules and lists, other numbers in the same order, blanks, descriptions, a default written out."""
    content = json.loads(lifecycle.text(policy))
    numbers = sorted(random.sample(range(1000, 5000), len(content["rules"])))
    for rule, number in zip(content["rules"], numbers, strict=True):
        rule["rulePriority"], rule["description"] = number, "another"
        chosen = rule["selection"]
        chosen.setdefault("storageClass", "standard")
        for key in ("tagPrefixList", "tagPatternList"):
            if key in chosen:
                random.shuffle(chosen[key])
                chosen[key].append(chosen[key][0])
        rule["selection"] = dict(random.sample(list(chosen.items()), len(chosen)))
    random.shuffle(content["rules"])
    read, problems = lifecycle.parse(json.dumps(content, indent=random.choice([None, 7])) + " " * 100)
    assert problems == ()
    assert read is not None
    assert lifecycle.same(policy, read)


@given(policies(), policies())
def test_other_policies_mean_something_else(one: Policy, other: Policy) -> None:
    """A changed number, action or order is another meaning."""
    for number, rule in enumerate(one.rules):
        changed = replace(rule, selection=replace(rule.selection, count_number=rule.selection.count_number + 1))
        assert not lifecycle.same(one, Policy((*one.rules[:number], changed, *one.rules[number + 1 :])))
    assert not lifecycle.same(one, Policy(one.rules[1:]))
    assert lifecycle.same(one, other) == lifecycle.same(other, one)


def test_the_order_of_rules_is_meaning() -> None:
    """Two rules whose numbers change places."""
    one = lifecycle.default_policy()
    first, second, *rest = one.rules
    swapped = Policy((replace(second, priority=first.priority), replace(first, priority=second.priority), *rest))
    assert not lifecycle.same(one, swapped)
    assert lifecycle.same(one, Policy(one.rules[::-1]))


# -- every rule that ECR has, broken once ------------------------------------------------------------------------------


def document(change: Callable[[list[dict[str, Any]]], object]) -> str:
    """The default policy's document with one change."""
    content = json.loads(DEFAULT)
    change(content["rules"])
    return json.dumps(content)


def put(rule: int, where: str, **values: Any) -> Callable[[list[dict[str, Any]]], object]:
    """A change of one rule's selection or action, or of the rule (where = ""); None takes a key away."""

    def change(rules: list[dict[str, Any]]) -> None:
        target = rules[rule][where] if where else rules[rule]
        for key, value in values.items():
            target[key] = value
            if value is None:
                del target[key]

    return change


ARCHIVE = {
    "tagStatus": "any", "storageClass": "archive", "countType": "sinceImageTransitioned", "countUnit": "days",
    "countNumber": 90,
}  # fmt: skip
PULLED = {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 30}
EXPIRE, MOVE = {"type": "expire"}, {"type": "transition", "targetStorageClass": "archive"}


def last(selection: dict[str, Any], action: dict[str, Any], priority: int = 999) -> Callable[[list[Any]], object]:
    """A further rule."""
    return lambda rules: rules.append({"rulePriority": priority, "selection": selection, "action": action})


BROKEN: list[tuple[str, Callable[[list[dict[str, Any]]], object]]] = [
    ("rule 1: rulePriority must be a whole number", put(0, "", rulePriority=0)),
    ("rule 1: rulePriority must be a whole number", put(0, "", rulePriority="1")),
    ("rule 1: rulePriority must be a whole number", put(0, "", rulePriority=True)),
    ("rule 1: rulePriority must be a whole number", put(0, "", rulePriority=None)),
    ("rulePriority 20 stands on two rules", put(0, "", rulePriority=20)),
    ("description must be a text", put(0, "", description=7)),
    ("rule 1 (priority 10): 'comment' is no property here", put(0, "", comment="x")),
    ("selection is missing", put(0, "", selection=None)),
    ("action must be {'type': 'expire'}", put(0, "", action=None)),
    ("action must be {'type': 'expire'}", put(0, "action", type="delete")),
    ("targetStorageClass belongs to transitions", put(0, "action", targetStorageClass="archive")),
    ("a transition needs targetStorageClass 'archive'", put(0, "action", type="transition")),
    ("a transition needs targetStorageClass 'archive'", put(0, "", action={**MOVE, "targetStorageClass": "standard"})),
    ("'after' is no property here", put(0, "action", after=1)),
    ("'tagList' is no property here", put(0, "selection", tagList=[])),
    ("tagStatus must be one of tagged, untagged, any", put(0, "selection", tagStatus="some")),
    ("countType must be one of imageCountMoreThan", put(0, "selection", countType="older")),
    ("storageClass must be one of standard, archive", put(0, "selection", storageClass="cold")),
    ("countNumber must be a whole number", put(0, "selection", countNumber=0)),
    ("countNumber must be a whole number", put(0, "selection", countNumber=1.5)),
    ("countNumber must be a whole number", put(0, "selection", countNumber=None)),
    ("countUnit must be left out", put(0, "selection", countUnit="days")),
    ("countType 'sinceImagePushed' needs countUnit 'days'", put(6, "selection", countUnit=None)),
    ("countType 'sinceImagePushed' needs countUnit 'days'", put(6, "selection", countUnit="weeks")),
    ("tagStatus 'tagged' needs a tagPrefixList or a tagPatternList", put(0, "selection", tagPrefixList=[])),
    ("has both tagPrefixList and tagPatternList", put(0, "selection", tagPatternList=["a"])),
    ("tagPrefixList must be left out with tagStatus 'untagged'", put(9, "selection", tagPrefixList=["a"])),
    ("tagPrefixList must be a list of texts", put(0, "selection", tagPrefixList="a")),
    ("tagPatternList must be a list of texts", put(1, "selection", tagPatternList=["a", 7])),
    ("the pattern '*a*b*c*d*' has more than 4 wildcards", put(1, "selection", tagPatternList=["*a*b*c*d*"])),
    ("the prefix 'prod-' stands in two rules", put(0, "selection", tagPrefixList=["prod-", "x"])),
    ("all select untagged images", put(6, "", selection={"tagStatus": "untagged", "countType": "imageCountMoreThan",
                                                         "countNumber": 1})),
    ("selects any image and must have the highest", put(0, "", selection={"tagStatus": "any", "countNumber": 1,
                                                                          "countType": "imageCountMoreThan"})),
    ("'sinceImageTransitioned' needs storageClass 'archive'", last({**ARCHIVE, "storageClass": "standard"}, EXPIRE)),
    ("'sinceImagePushed' is about storageClass 'standard' only", put(6, "selection", storageClass="archive")),
    ("'sinceImagePulled' may only transition", last(PULLED, EXPIRE)),
    ("'sinceImageTransitioned' may only expire", last(ARCHIVE, MOVE)),
    ("archived images can be expired after 90 days", last({**ARCHIVE, "countNumber": 89}, EXPIRE)),
    ("has 51 rules", lambda rules: rules.extend(
        {"rulePriority": 1000 + n, "action": EXPIRE,
         "selection": {**PULLED, "tagStatus": "tagged", "tagPrefixList": [f"x{n}"], "countType": "sinceImagePushed"}}
        for n in range(41))),
    ("has 0 rules", lambda rules: rules.clear()),
    ("must be an object", lambda rules: rules.append(7)),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "change"), BROKEN, ids=[problem for problem, _ in BROKEN])
def test_each_rule_of_ecr_is_known(problem: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """One thing wrong, one problem, in words."""
    policy, problems = lifecycle.parse(document(change) + " " * 100)
    assert policy is None
    assert len(problems) == 1
    assert problem in str(problems[0])
    assert problems[0].code
    assert problems[0].fix


@pytest.mark.parametrize("change", [last(ARCHIVE, EXPIRE), last(PULLED, MOVE), put(0, "", description=None)])
def test_what_ecr_takes_is_taken(change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Archive rules, transitions, no description."""
    assert lifecycle.parse(document(change))[1] == ()


def test_one_rule_of_any_image_for_each_storage_class() -> None:
    """Two such rules stand beside each other where each is the last of its class."""
    content = {
        "rules": [
            {"rulePriority": 1, "selection": PULLED, "action": MOVE},
            {"rulePriority": 2, "selection": ARCHIVE, "action": EXPIRE},
        ]
    }
    assert lifecycle.parse(json.dumps(content))[1] == ()


def test_all_problems_are_told_at_once() -> None:
    """Three rules wrong, three problems, in order."""

    def change(rules: list[dict[str, Any]]) -> None:
        put(0, "selection", countNumber=0)(rules)
        put(1, "action", type="x")(rules)
        put(2, "", rulePriority=40)(rules)

    problems = lifecycle.parse(document(change))[1]
    assert [str(problem).partition(":")[0] for problem in problems] == [
        "rule 1 (priority 10)", "rule 2 (priority 20)", "rulePriority 40 stands on two rules",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]" + " " * 100, "must be an object with a list 'rules'"),
        ('{"rules": {}}' + " " * 100, "must be an object with a list 'rules'"),
        (DEFAULT + " " * 31_000, "ECR takes 100 to 30720"),
        (DEFAULT.replace('"rules"', '"x": 1, "rules"'), "'x' is no property here"),
    ],
)
def test_what_is_no_policy_is_told(text: str, problem: str) -> None:
    """Not JSON, not a policy, too long."""
    policy, problems = lifecycle.parse(text)
    assert policy is None
    assert any(problem in str(found) for found in problems)


def test_a_tiny_policy_is_refused_as_ecr_does() -> None:
    """Less than 100 characters."""
    assert any("ECR takes 100" in str(problem) for problem in lifecycle.parse('{"rules": []}')[1])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["rules", "selection", "action", "tagStatus", "type", "rulePriority"]), inner
            )
        ),
    )
)
def test_any_json_is_read(value: Any) -> None:
    """No document stops the reader."""
    policy, problems = lifecycle.parse(json.dumps({"rules": [value]}))
    assert policy is None
    assert problems


# -- ours, and what differs ------------------------------------------------------------------------------------------


def test_the_present_default_is_among_those_that_were_written() -> None:
    """One that changes is added to the list: else its own repositories would be somebody else's."""
    assert any(lifecycle.same(lifecycle.default_policy(), one) for one in lifecycle.written())


@given(st.dictionaries(st.sampled_from(sorted(lifecycle.KINDS)), st.builds(Keep, st.integers(1, 9998), st.booleans())))
def test_a_default_with_other_numbers_is_ours_and_one_that_was_edited_is_not(retention: dict[str, Keep]) -> None:
    """Its descriptions tell; a number that was changed by hand no longer fits them."""
    policy = lifecycle.default_policy(retention)
    assert lifecycle.parse(lifecycle.text(policy)) == (policy, ())
    assert lifecycle.ours(policy)
    first = policy.rules[2]
    edited = replace(first, selection=replace(first.selection, count_number=first.selection.count_number + 1))
    by_hand = Policy((*policy.rules[:2], edited, *policy.rules[3:]))
    # Back to a default that was written, it is ours whatever its descriptions say.
    assume(not any(lifecycle.same(by_hand, default) for default in lifecycle.written()))
    assert not lifecycle.ours(by_hand)
    assert not lifecycle.ours(Policy(policy.rules[1:]))


def test_the_difference_is_told_rule_by_rule() -> None:
    """What stands with a minus, what is wanted with a plus, nothing of what is equal."""
    have = lifecycle.default_policy({"dev": Keep(6)})
    want = lifecycle.default_policy({"pr": Keep(9), "untagged": Keep(2, True)})
    assert lifecycle.difference(have, want).splitlines() == [
        "- expire images tagged dev-* beyond the last 6",
        "+ expire images tagged dev-* beyond the last 5",
        "- expire images tagged pr-* 7 days after push",
        "+ expire images tagged pr-* beyond the last 9",
        "- expire untagged images 7 days after push",
        "+ expire untagged images 2 days after push",
    ]
    assert lifecycle.difference(have, have) == ""
