"""One line for each layer of a push, with bytes and rate."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_action.image.pushing import Layers, in_bytes

DIGEST = "sha256:" + "a" * 64


def step(status: str, layer: str = "3f2c1ab0d4e5", **more: Any) -> dict[str, Any]:
    return {"status": status, "id": layer, **more}


def pushing(current: int, total: int = 30_000_000, layer: str = "3f2c1ab0d4e5") -> dict[str, Any]:
    return step("Pushing", layer, progressDetail={"current": current, "total": total})


def lines(*told: tuple[float, dict[str, Any]]) -> list[str]:
    layers = Layers()
    return [line for now, message in told if (line := layers.feed(message, now))]


def test_a_layer_is_told_once_with_bytes_and_rate() -> None:
    """Its time begins when its bytes do, not while it waits for others."""
    assert lines(
        (0.0, step("Preparing", progressDetail={})),
        (9.0, step("Waiting", progressDetail={})),
        (10.0, pushing(512)),
        (11.0, pushing(20_000_000)),
        (12.0, pushing(30_000_512)),
        (12.0, step("Pushed", progressDetail={})),
        (13.0, step("Pushed", progressDetail={})),
    ) == ["3f2c1ab0d4e5: Pushed 30 MB in 2.0 s, 15 MB/s"]


def test_layers_side_by_side_do_not_share_their_times() -> None:
    """The engine pushes several at once."""
    one, two = "1" * 12, "2" * 12
    assert lines(
        (0.0, pushing(1_000_000, layer=one)),
        (1.0, pushing(4_000_000, layer=two)),
        (2.0, step("Pushed", one)),
        (3.0, step("Pushed", two)),
    ) == [f"{one}: Pushed 1 MB in 2.0 s, 500 kB/s", f"{two}: Pushed 4 MB in 2.0 s, 2 MB/s"]


def test_what_is_there_already_and_what_tells_no_bytes() -> None:
    """Said in the engine's words."""
    assert lines((0.0, step("Layer already exists")), (0.0, step("Mounted from base", "b" * 12))) == [
        "3f2c1ab0d4e5: Layer already exists",
        f"{'b' * 12}: Mounted from base",
    ]
    assert lines((0.0, step("Pushed"))) == ["3f2c1ab0d4e5: Pushed"]
    assert lines((0.0, pushing(700)), (0.0, step("Pushed"))) == ["3f2c1ab0d4e5: Pushed 700 B"]


@pytest.mark.parametrize(
    "last",
    [
        {"status": f"v1: digest: {DIGEST} size: 528"},
        {"progressDetail": {}, "aux": {"Tag": "v1", "Digest": DIGEST, "Size": 528}},
    ],
)
def test_the_digest_is_in_the_last_line_or_beside_it(last: dict[str, Any]) -> None:
    """By the image store."""
    layers = Layers()
    assert layers.feed({"status": "The push refers to repository [x]"}, 0.0) is None
    assert layers.digest == ""
    layers.feed(last, 1.0)
    layers.feed(step("Pushed"), 2.0)
    assert layers.digest == DIGEST


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (999.6, "1 kB"), (1000, "1 kB"), (1_049_999, "1.05 MB"), (2.5e9, "2.5 GB")],
)
def test_sizes(count: float, text: str) -> None:
    """Decimal units, as docker has them."""
    assert in_bytes(count) == text
