"""Which machines a workload may land on, and an image that does not run on one of them."""

from __future__ import annotations

import json
import textwrap

import pytest
import yaml

from ecr_action import fitting
from ecr_action.errors import PlatformMissing
from ecr_action.gitops import architectures
from tests.unit.gitops.world import IMAGE, deployment, run

BOTH = ("amd64", "arm64")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def affinity(*terms: str) -> str:
    """The required node affinity with *terms*, each a row of expressions."""
    ways = ", ".join(f"{{matchExpressions: [{term}]}}" for term in terms)
    return f"affinity: {{nodeAffinity: {{{REQUIRED}: {{nodeSelectorTerms: [{ways}]}}}}}}"


def expression(operator: str, *values: str, key: str = "kubernetes.io/arch") -> str:
    """One expression of a term."""
    return f"{{key: {key}, operator: {operator}, values: [{', '.join(values)}]}}"


ARM = "nodeSelector: {kubernetes.io/arch: arm64}"
ZONE = expression("In", "a", key="topology.kubernetes.io/zone")
# Fields of the pod, and where it may land in a cluster of nobody knows what, and in one of both.
PODS = {
    "nothing": ("priority: 1", [], [*BOTH]),
    "a selector": (ARM, ["arm64"], ["arm64"]),
    "its older name": ("nodeSelector: {beta.kubernetes.io/arch: amd64}", ["amd64"], ["amd64"]),
    "another selector": ("nodeSelector: {kubernetes.io/os: linux}", [], [*BOTH]),
    "filled in": ("nodeSelector: {kubernetes.io/arch: '${ARCH}'}", [], [*BOTH]),
    "in one": (affinity(expression("In", "arm64")), ["arm64"], ["arm64"]),
    "in two": (affinity(expression("In", "arm64", "amd64")), [*BOTH], [*BOTH]),
    "in none of them": (affinity(expression("NotIn", "arm64")), [], ["amd64"]),
    "exists": (affinity("{key: kubernetes.io/arch, operator: Exists}"), [], [*BOTH]),
    "together": (affinity(f"{expression('In', *BOTH)}, {expression('NotIn', 'amd64')}"), ["arm64"], ["arm64"]),
    "beside others": (affinity(f"{ZONE}, {expression('In', 'arm64')}"), ["arm64"], ["arm64"]),
    "alternatives": (
        affinity(expression("In", "arm64"), expression("In", "s390x")),
        ["arm64", "s390x"],
        ["arm64", "s390x"],
    ),
    "an alternative that says nothing": (affinity(expression("In", "arm64"), ZONE), ["arm64"], [*BOTH]),
    "both must hold": (f"{ARM}\n{affinity(expression('In', *BOTH))}", ["arm64"], ["arm64"]),
    "preferred": ("affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}}", [], [*BOTH]),
    "no term": (
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}",
        [],
        [*BOTH],
    ),
}


@pytest.mark.parametrize(("fields", "alone", "in_both"), PODS.values(), ids=PODS.keys())
@pytest.mark.parametrize("slash", ["", "/", "\\/"], ids=["YAML", "JSON", "JSON, escaped"])
def test_where_a_pod_may_land(fields: str, alone: list[str], in_both: list[str], slash: str) -> None:
    """By its selector and its required affinity, the machines' own architectures where they leave it open."""
    text = deployment(extra=textwrap.indent(fields, " " * 6) + "\n")
    if slash:
        text = json.dumps(yaml.safe_load(text)).replace("/", slash)
    (found,) = run({"d.json" if slash else "d.yaml": text}).chosen
    assert sorted(architectures.wanted(found.placed, ())) == sorted(alone)
    assert sorted(architectures.wanted(found.placed, BOTH)) == sorted(in_both)


VALUES = f"""\
nodeSelector: {{kubernetes.io/arch: s390x}}
web:
  nodeSelector: {{kubernetes.io/arch: arm64}}
  image: {{repository: {IMAGE}, tag: old}}
"""


@pytest.mark.parametrize(
    "text",
    [VALUES, f"spec:\n  source:\n    helm:\n      values: |\n{textwrap.indent(VALUES, ' ' * 8)}"],
    ids=["values", "values as text"],
)
def test_helm_values_say_it_beside_the_image(text: str) -> None:
    """The nearest one holds."""
    (found,) = run({"values.yaml": text}).chosen
    assert architectures.wanted(found.placed, ["amd64"]) == {"arm64"}


def check(fields: str, platforms: tuple[str, ...], *nodes: str) -> list[str]:
    """The notices of a roll-out of an image for *platforms*."""
    result = run({"d.yaml": deployment(extra=f"      {fields}\n")})
    return list(fitting.check(result.chosen, nodes, lambda _: platforms))


def test_an_image_for_all_of_them_fits() -> None:
    """Variants are the same architecture; a cluster of nobody knows what takes any image."""
    assert check(ARM, ("linux/amd64", "linux/arm64/v8")) == []
    assert check("priority: 1", ("linux/amd64",)) == []
    assert check("priority: 1", ("linux/amd64", "linux/arm64"), *BOTH) == []


def test_one_that_is_missing_is_refused_with_the_lines_to_write() -> None:
    """A machine of its own where one architecture is wanted, emulation where several are."""
    with pytest.raises(PlatformMissing) as caught:
        check(ARM, ("linux/amd64",), "amd64")
    assert caught.value.what.startswith(
        "d.yaml, line 10: the workload may run on arm64, and the image is for linux/amd64"
    )
    assert caught.value.fix.splitlines()[0] == "platforms: linux/arm64"
    assert caught.value.fix.splitlines()[-1] == "runs-on: ubuntu-24.04-arm"
    with pytest.raises(PlatformMissing) as caught:
        check("priority: 1", ("linux/arm64",), *BOTH)
    assert caught.value.fix.splitlines()[0] == "platforms: linux/amd64,linux/arm64"
    assert 'with: {platforms: "amd64"}' in caught.value.fix


def test_an_unknown_platform_is_told() -> None:
    """Nobody is stopped by it."""
    assert check(ARM, ()) == ["d.yaml, line 10: whether the image runs on arm64 could not be checked."]
