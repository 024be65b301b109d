"""The images in the outputs of other jobs, in every shape that a workflow can hand them on in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.converters import Wrong
from ecr_action.job_outputs import Listed, Listing, listing

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def metadata(name: str = "api", **changes: str) -> dict[str, str]:
    """What a job that published *name* has as its output `metadata`."""
    told = {
        "registry": HOST, "repository": name, "image": f"{HOST}/{name}:3f2c1ab", "image-path": f"{name}:3f2c1ab",
        "image-digest": f"{HOST}/{name}@{DIGEST}", "digest": DIGEST, "tag": "3f2c1ab", "environment": "dev",
        "pushed": "true",
    }  # fmt: skip
    return {**told, **changes}


NOT_PUSHED = {"registry": "", "repository": "api", "image": "", "digest": "", "tag": "", "pushed": "false"}
PINNED = f"3f2c1ab@{DIGEST}"
API, WEB = metadata(), metadata("web")


def job(result: str = "success", **outputs: Any) -> dict[str, Any]:
    """A job as the `needs` context has it."""
    return {"result": result, "outputs": outputs}


def read(value: Any) -> Listing:
    """The images in the JSON of *value*."""
    return listing(json.dumps(value))


def names(found: Listing) -> list[tuple[str, str, str, str]]:
    """Repository, tag, digest and host of each image."""
    return [(image.repository, image.tag, image.digest, image.host) for image in found.images]


@pytest.mark.parametrize(
    "value",
    [
        [API, WEB],
        [json.dumps(API), json.dumps(WEB)],
        {"api": API, "web": json.dumps(WEB)},
        {"services": {"api": API}, "web": [WEB]},
        {"build-api": job(metadata=json.dumps(API)), "build-web": job(metadata=json.dumps(WEB))},
        {"build": job(api=json.dumps(API), web=json.dumps(WEB), version="v1.2.3")},
        {"build-api": job(**API), "build-web": job(repository="web", tag="3f2c1ab", digest=DIGEST, registry=HOST)},
        {"test": job(coverage="97"), "a": job(x=f"{HOST}/api:{PINNED}"), "b": job(x=f"{HOST}/web:{PINNED}")},
        [f"{HOST}/api:{PINNED}", f"{HOST}/web:{PINNED}"],
        [{"image": f"{HOST}/api:3f2c1ab", "digest": DIGEST}, {"metadata": WEB}],
    ],
)
def test_the_same_two_images_in_every_shape(value: Any) -> None:
    """A list, an object of services, the `needs` context; each image by its metadata, its parts, or as a text."""
    assert names(read(value)) == [(name, "3f2c1ab", DIGEST, HOST) for name in ("api", "web")]


def test_the_environment_and_the_place_are_kept() -> None:
    """For the decision, and for messages."""
    assert read({"a": API}).images == (
        Listed(where="a", repository="api", tag="3f2c1ab", digest=DIGEST, host=HOST, environment="dev"),
    )


def test_parts_that_the_runner_dropped_are_not_needed() -> None:
    """Repository and tag, or repository and digest: outputs with the account id may be masked."""
    assert names(read([{"repository": "api", "tag": "1"}, {"repository": "web", "digest": DIGEST}])) == [
        ("api", "1", "", ""), ("web", "", DIGEST, "")
    ]  # fmt: skip
    assert names(listing(f"{HOST}/api:1")) == [("api", "1", "", HOST)]


@pytest.mark.parametrize(
    ("value", "without"),
    [
        ([], ()),
        ({}, ()),
        ({"api": "", "web": None}, ("api", "web")),
        ({"lint": job(), "api": job("skipped"), "web": job(metadata="", tag="")}, ("lint", "api", "web")),
        ({"api": NOT_PUSHED, "b": job(metadata=json.dumps(NOT_PUSHED))}, ("api", "b")),
        ({"a": job(changed="true", api="", version="v1")}, ("a",)),
    ],
)
def test_jobs_that_published_nothing_are_passed_over(value: Any, without: tuple[str, ...]) -> None:
    """A service that has not changed, a pull request's build, a job that publishes no images at all."""
    assert read(value) == Listing((), without, given=True)


def test_no_input_is_told_from_no_image() -> None:
    """The one is a mistake, the other a run without changes."""
    assert listing(" \n") == Listing()
    assert not listing("").given


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["is no JSON"]),
        ("[" * 100_000, ["is no JSON"]),
        ('"x"', ["('x')"]),
        (json.dumps([1, True, API]), ["entry [0]", "entry [1]"]),
        (json.dumps({"api": "{broken", "web": "no image"}), ["entry api", "begins like it", "entry web"]),
        (json.dumps({"b": job(api="{broken")}), ["entry b.api"]),
        (json.dumps([{"repository": "api"}, {"tag": "1"}]), ["[0] without 'tag'", "[1] without 'image'"]),
        (json.dumps([metadata(tag="other")]), ["two values of tag"]),
        (json.dumps([metadata(digest=OTHER)]), ["two values of digest"]),
        (json.dumps([metadata(registry="other.example.com")]), ["two values of registry"]),
        (json.dumps([API, metadata(image=f"{HOST}/api:2", tag="2", **{"image-path": ""})]), ["api twice"]),
        (json.dumps([{"image": "UPPER:1"}, {"repository": "a b", "tag": "1"}]), ["[0] with an 'image'", "[1] with a"]),
        (json.dumps([{"repository": "api", "tag": "-x", "digest": "1"}]), ["'tag' that is none", "'digest' that is"]),
        (json.dumps([metadata(environment="a b")]), ["'environment'"]),
        (json.dumps({"api": job("failure", **API), "web": job("cancelled")}), ["api, which ended", "web, which ended"]),
    ],
)
def test_everything_that_is_wrong_is_told_at_once(text: str, words: list[str]) -> None:
    """With the place."""
    with pytest.raises(Wrong) as wrong:
        listing(text)
    for word in words:
        assert word in wrong.value.what
    assert "metadata" in wrong.value.fix


def test_the_same_image_twice_is_once() -> None:
    """A job whose output is handed on by two ways."""
    assert len(read([API, json.dumps(API)]).images) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([json.dumps(API), f"{HOST}/a:1"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["image", "tag", "result", "outputs", "metadata", "x"]), inner, max_size=3),
    max_leaves=10,
)


@given(_JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    """In words, and what is read has a name that can be looked up."""
    try:
        found = read(value)
    except Wrong:
        return
    assert all(image.repository and (image.tag or image.digest) for image in found.images)
