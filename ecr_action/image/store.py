"""An image of a registry in the engine's own store, under a name that later steps know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ecr_action.errors import PullFailed
from ecr_action.image import sdk
from ecr_action.image.endpoint import endpoint
from ecr_action.image.login import scrubber, user_config
from ecr_action.protocols import Console, Login


def load(reference: str, name: str, login: Login, *, environment: Mapping[str, str], console: Console) -> None:
    """Pull *reference* (by digest) and name it *name*; of an index the engine's own platform.

    Parameters: *environment* tells the engine's address. Raises EngineUnreachable, PullFailed.
    """
    place = endpoint(environment, user_config(environment, console))
    with sdk.translated(place, scrubber(login)):
        client = sdk.connect(place)
        try:
            sdk.pull(client, reference, None, lambda _: sdk.auth(login))
            repository, tag = sdk.name_and_tag(name)
            cast(Any, client).tag(reference, repository, tag)
        except sdk.Refused as error:
            raise PullFailed(
                f"{reference} can't be put into the engine's store: {error}",
                why="The image is in the registry; its tags have not moved.",
                fix="Take out 'load: true', or run the job again.",
            ) from error
        finally:
            client.close()
    console.info(f"Loaded {name} into the engine's store.")
