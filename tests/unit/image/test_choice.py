"""Which engine builds."""

from __future__ import annotations

import pytest

from ecr_action.errors import EngineLacks
from ecr_action.image.choice import Probe, choose


@pytest.mark.parametrize(
    ("wanted", "version", "expected"),
    [
        ("auto", "0.29.1", "buildx"),
        ("auto", "", "docker"),
        ("buildx", "0.29.1", "buildx"),
        ("docker", "0.29.1", "docker"),
        ("docker", "", "docker"),
    ],
)
def test_buildx_where_it_is_there(wanted: str, version: str, expected: str) -> None:
    """``auto`` takes buildx where it works; the others are what they say."""
    assert choose(wanted, Probe(buildx=version)) == expected


def test_buildx_asked_for_and_not_there() -> None:
    """The failure repeats docker's words and has the step that installs buildx."""
    with pytest.raises(EngineLacks) as raised:
        choose("buildx", Probe(said="docker: 'buildx' is not a docker command."))
    assert raised.value.why == "docker: 'buildx' is not a docker command."
    assert "- uses: docker/setup-buildx-action@v3" in raised.value.fix
