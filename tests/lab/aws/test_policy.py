"""The evaluator of policy documents, by table."""

from __future__ import annotations

from typing import Any

import pytest

from lab.aws.policy import Question, Verdict, evaluate, limited

PUSH = "ecr:PutImage"
REPOSITORY = "arn:aws:ecr:us-east-1:123456789012:repository/team/app"
ALLOW, DENY, NOTHING = Verdict.ALLOW, Verdict.DENY, Verdict.NOTHING


def verdict(statements: Any, **question: Any) -> Verdict:
    """Evaluate one document; Effect is Allow where it is left out."""
    listed = statements if isinstance(statements, list) else [statements]
    document = {"Statement": [{"Effect": "Allow", **s} for s in listed]}
    return evaluate([document], Question(**{"action": PUSH, "resource": REPOSITORY, **question}))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Action": "ecr:PutImage", "Resource": "*"}, ALLOW),
        ({"Action": "ECR:putimage", "Resource": "*"}, ALLOW),
        ({"Action": "ecr:Put*", "Resource": "*"}, ALLOW),
        ({"Action": "ecr:PutImag?", "Resource": "*"}, ALLOW),
        ({"Action": "ecr:PutImage?", "Resource": "*"}, NOTHING),
        ({"Action": ["ecr:Get*", "*"], "Resource": "*"}, ALLOW),
        ({"Action": "ecr.PutImage", "Resource": "*"}, NOTHING),
        ({"NotAction": "ecr:Get*", "Resource": "*"}, ALLOW),
        ({"NotAction": "ecr:*", "Resource": "*"}, NOTHING),
        ({"Action": "*", "Resource": REPOSITORY}, ALLOW),
        ({"Action": "*", "Resource": "arn:aws:ecr:*:*:repository/team/*"}, ALLOW),
        ({"Action": "*", "Resource": "arn:aws:ecr:us-east-1:123456789012:repository/TEAM/app"}, NOTHING),
        ({"Action": "*", "Resource": "arn:aws:ecr:us-east-1:123456789012:repository/team"}, NOTHING),
        ({"Action": "*", "NotResource": "arn:aws:ecr:*:*:repository/other"}, ALLOW),
        ({"Action": "*", "NotResource": "arn:aws:ecr:*:*:repository/team/*"}, NOTHING),
        ([{"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": PUSH, "Resource": "*"}], DENY),
        ([{"Effect": "Deny", "Action": PUSH, "Resource": "*"}, {"Action": "*", "Resource": "*"}], DENY),
        ([{"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "ecr:Get*", "Resource": "*"}], ALLOW),
        ([], NOTHING),
    ],
)
def test_actions_resources_and_effects(statement: Any, expected: Verdict) -> None:
    """Actions ignore case, resources do not; a deny wins wherever it stands."""
    assert verdict(statement) is expected


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"StringEquals": {"k": "value"}}, True),
        ({"StringEquals": {"K": "value"}}, True),
        ({"StringEquals": {"k": "Value"}}, False),
        ({"StringEquals": {"k": ["other", "value"]}}, True),
        ({"StringEquals": {"k": "value", "list": "a"}}, False),
        ({"StringEquals": {"k": "val*"}}, False),
        ({"StringEqualsIgnoreCase": {"k": "VALUE"}}, True),
        ({"StringLike": {"k": "v?l*"}}, True),
        ({"StringLike": {"k": "alu"}}, False),
        ({"StringNotEquals": {"k": "value"}}, False),
        ({"StringNotEquals": {"k": ["other", "value"]}}, False),
        ({"StringNotEquals": {"absent": "value"}}, True),
        ({"StringNotLike": {"k": "o*"}}, True),
        ({"StringEquals": {"absent": "value"}}, False),
        ({"StringEqualsIfExists": {"absent": "value"}}, True),
        ({"StringEqualsIfExists": {"k": "other"}}, False),
        ({"ForAnyValue:StringEquals": {"list": ["b", "z"]}}, True),
        ({"ForAnyValue:StringEquals": {"list": "z"}}, False),
        ({"ForAnyValue:StringEquals": {"absent": "z"}}, False),
        ({"ForAllValues:StringEquals": {"list": ["a", "b", "c"]}}, True),
        ({"ForAllValues:StringEquals": {"list": ["a"]}}, False),
        ({"ForAllValues:StringEquals": {"absent": "a"}}, True),
        ({"Null": {"absent": "true"}}, True),
        ({"Null": {"k": True}}, False),
        ({"Bool": {"flag": "true"}}, True),
        ({"ArnLike": {"arn": "arn:aws:iam::*:role/x*"}}, True),
        ({"NumericLessThan": {"k": "5"}}, False),
        ({"NumericLessThan": {"number": "10"}}, True),
        ({"NumericLessThanEquals": {"number": 9}}, True),
        ({"NumericGreaterThan": {"number": "9.0"}}, False),
        ({"NumericGreaterThanEquals": {"number": ["10", "9"]}}, True),
        ({"NumericEquals": {"number": "9.0"}}, True),
        ({"NumericNotEquals": {"number": "9"}}, False),
        ({"DateLessThan": {"now": "2026-11-03T12:00:01Z"}}, True),
        ({"DateGreaterThan": {"now": "2026-11-03T12:00:00Z"}}, False),
        ({"DateGreaterThanEquals": {"now": "1793707200"}}, True),
        ({"DateEquals": {"now": "yesterday"}}, False),
        ({"DateNotEquals": {"now": "2026-11-03"}}, True),
        ({"IpAddress": {"ip": ["10.0.0.0/8", "203.0.113.0/24"]}}, True),
        ({"IpAddress": {"ip": "203.0.114.0/24"}}, False),
        ({"NotIpAddress": {"ip": "203.0.113.7"}}, False),
        ({"IpAddress": {"absent": "0.0.0.0/0"}}, False),
        ({"BinaryEquals": {"k": "dmFsdWU="}}, False),
    ],
)
def test_conditions(condition: dict[str, Any], holds: bool) -> None:
    """Values of a key are alternatives, keys and operators are all needed, an absent key is false."""
    context = {"k": "value", "list": ["a", "b"], "flag": "True", "arn": "arn:aws:iam::123456789012:role/xy"}
    context |= {"number": "9", "now": "2026-11-03T12:00:00Z", "ip": "203.0.113.7"}
    statement = {"Action": "*", "Resource": "*", "Condition": condition}
    assert (verdict(statement, context=context) is ALLOW) == holds


BOUNDARY, SCP = "permissions boundary", "service control policy"


@pytest.mark.parametrize(
    ("limits", "granted", "reason"),
    [
        ({BOUNDARY: "ecr:*"}, None, None),
        ({BOUNDARY: "s3:*"}, None, f"because no {BOUNDARY} allows the {PUSH} action"),
        ({SCP: "ecr:*", BOUNDARY: "s3:*"}, None, f"because no {BOUNDARY} allows the {PUSH} action"),
        ({SCP: "s3:*", BOUNDARY: "s3:*"}, None, f"because no {SCP} allows the {PUSH} action"),
        ({SCP: "!ecr:*"}, None, f"with an explicit deny in a {SCP}"),
        ({BOUNDARY: "s3:*"}, "because no identity-based policy", "because no identity-based policy"),
        ({SCP: "!ecr:*"}, "because no identity-based policy", f"with an explicit deny in a {SCP}"),
        ({SCP: "!ecr:*"}, "with an explicit deny in an identity-based policy",
         "with an explicit deny in an identity-based policy"),
    ],
)  # fmt: skip
def test_limits_allow_nothing_and_are_all_asked(limits: dict[str, str], granted: str | None, reason: str) -> None:
    """Each kind has to allow it; a deny of any wins over what is missing elsewhere."""
    documents: dict[str, list[dict[str, Any]]] = {
        kind: [{"Statement": {"Effect": "Deny" if text[0] == "!" else "Allow", "Action": text.lstrip("!"),
                              "Resource": "*"}}]
        for kind, text in limits.items()
    }  # fmt: skip
    assert limited(documents, Question(PUSH, REPOSITORY), granted) == reason


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", ALLOW),
        ({"AWS": "*"}, ALLOW),
        ({"AWS": ["arn:x", "123456789012"]}, ALLOW),
        ({"AWS": "arn:other"}, NOTHING),
        ({"Federated": "123456789012"}, NOTHING),
    ],
)
def test_principals(principal: Any, expected: Verdict) -> None:
    """A policy on a resource says whom it is about."""
    statement = {"Principal": principal, "Action": "*"}
    assert verdict(statement, principals={"AWS": ("arn:me", "123456789012")}) is expected


def test_a_policy_without_a_principal_means_nobody_on_a_resource() -> None:
    """An identity policy put on a resource admits nobody."""
    statement = {"Action": "*", "Resource": "*"}
    assert verdict(statement, principals={"AWS": ("arn:me",)}) is NOTHING
