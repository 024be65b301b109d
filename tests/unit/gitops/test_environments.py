"""Which environment a path belongs to."""

from __future__ import annotations

import pytest

from ecr_action.gitops.environments import Environments, Found, Unclear, environment_of, normalise

PATHS = [
    # path, repository, environment
    ("overlays/dev/kustomization.yaml", "app", "dev"),
    ("overlays/development/k.yaml", "app", "dev"),
    ("stg/k.yaml", "app", "staging"),
    ("hml/k.yaml", "app", "staging"),
    ("homolog/k.yaml", "app", "staging"),
    ("clusters/PRD/k.yaml", "app", "prod"),
    ("production.yaml", "app", "prod"),
    ("values-prod.yaml", "app", "prod"),
    ("values.stage.yml", "app", "staging"),
    ("values-pre-prod.yaml", "app", "pre-prod"),
    ("preprod/k.yaml", "app", "pre-prod"),
    ("pre-prod/k.yaml", "app", "pre-prod"),
    ("nonprod/k.yaml", "app", "non-prod"),
    ("eu-non-prod/k.yaml", "app", "non-prod"),
    ("qa/k.yaml", "app", "qa"),
    ("uat/k.yaml", "app", "uat"),
    ("sandbox/k.yaml", "app", "sandbox"),
    ("eu-prod/k.yaml", "app", "prod"),
    ("prod-us-east-1/k.yaml", "app", "prod"),
    ("cluster_prod/k.yaml", "app", "prod"),
    ("app-prod/k.yaml", "app", "prod"),
    ("app-prod.yaml", "app", "prod"),
    ("deployment-dev.yaml", "app", "dev"),
    ("dev-tools/k.yaml", "dev-tools", None),
    ("dev-tools-prod/k.yaml", "dev-tools", "prod"),
    ("dev-tools/k.yaml", "app", "dev"),
    ("dev-tools/k.yaml", "team/dev-tools", None),
    ("team-dev/k.yaml", "app", None),
    ("squad-prod/k.yaml", "app", None),
    ("group-qa/k.yaml", "app", None),
    ("dev-to-prod/k.yaml", "app", None),
    ("devops/k.yaml", "app", None),
    ("products/k.yaml", "app", None),
    ("base/k.yaml", "app", None),
    ("manifests/deployment.yaml", "app", None),
    ("applications/workloads/shop/app/deployment.yaml", "app", None),
    ("values.yaml", "app", None),
    # a whole part decides, whatever tokens others have
    ("clusters/prod-us/overlays/dev/k.yaml", "app", "dev"),
    ("dev/prod/k.yaml", "app", ("dev", "prod")),
    ("dev/values-prod.yaml", "app", ("dev", "prod")),
    ("dev/development.yaml", "app", "dev"),
    ("eu-prod/app-dev/k.yaml", "app", ("prod", "dev")),
]


@pytest.mark.parametrize(("path", "repository", "wanted"), PATHS)
def test_names_in_paths(path: str, repository: str, wanted: str | tuple[str, ...] | None) -> None:
    """A whole part decides, else a token of a part, once the repository's own name is taken out."""
    expected = Unclear(wanted) if isinstance(wanted, tuple) else Found(wanted) if wanted else None
    assert environment_of(path, repository) == expected


def test_own_environments() -> None:
    """What `environment:` names is an environment like the others; the longest name wins."""
    assert environment_of("perf/k.yaml", "app") is None
    assert environment_of("perf/k.yaml", "app", ["perf"]) == Found("perf")
    assert environment_of("x-prod-eu/k.yaml", "app", ["prod-eu"]) == Found("prod-eu")
    assert environment_of("x-prod-us/k.yaml", "app", ["prod-eu"]) == Found("prod")
    assert environment_of("x/k.yaml", "app", [""]) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("production", "prod"), ("PRD", "prod"), ("preprod", "pre-prod"), ("hml", "staging"), (" Perf ", "perf")],
)
def test_one_name_for_each(name: str, wanted: str) -> None:
    """Other spellings are the same environment."""
    assert normalise(name) == wanted


def test_folders_beside_a_known_environment_are_environments() -> None:
    """overlays/{perf,prod}: perf is one; base, common, shared and the repository's own name are none."""
    folders = ["perf", "prod", "base", "common", "shared", "app", "eu-prod", ".hidden"]
    rule = Environments("app", [f"overlays/{name}/k.yaml" for name in folders])
    found = {name: rule.of(f"overlays/{name}/k.yaml") for name in folders}
    assert {name: place.name for name, place in found.items() if isinstance(place, Found)} == {
        "perf": "perf",
        "prod": "prod",
        "eu-prod": "prod",
    }


def test_values_files_beside_a_known_environment() -> None:
    """values-perf.yaml beside values-prod.yaml."""
    rule = Environments("app", ["c/values.yaml", "c/values-prod.yaml", "c/values-perf.yaml", "d/values-perf.yaml"])
    assert rule.of("c/values-perf.yaml") == Found("perf")
    assert rule.of("c/values.yaml") is None
    assert rule.of("d/values-perf.yaml") is None
