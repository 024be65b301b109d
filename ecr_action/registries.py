"""The registry that an image comes from, beside ours: another repository's, account's or Region's."""

from __future__ import annotations

from functools import partial

from ecr_action.aws.calls import Losses, Service
from ecr_action.aws.copies import EcrCopies, Mount, Side
from ecr_action.aws.images import EcrImages
from ecr_action.aws.layers import Layers
from ecr_action.aws.mounting import mount
from ecr_action.aws.session import IdTokens, Session, Settings, connect_beside
from ecr_action.dry import DryCopies
from ecr_action.image.reference import Registry, registry_of
from ecr_action.inputs import Inputs
from ecr_action.protocols import Clock, Console, Logins
from ecr_action.services import Elsewhere


def elsewhere(
    host: str, inputs: Inputs, ours: Session, tokens: IdTokens, logins: Logins, console: Console, clock: Clock
) -> Elsewhere:
    """Reads from the registry *host* (empty: our own) and copies into ours.

    With ``image-role-to-assume`` as that role, else as we are: then the other repository's policy has to allow it.
    Raises errors.Failure.
    """
    losses = Losses(console)
    own = Registry(inputs.registry_id or ours.identity.account, ours.region)
    there = registry_of(host) or own
    target = ours.service("ecr", inputs.registry_id)
    link: Mount | None = None
    if there == own:
        source = target
        link = partial(mount, logins.login, ca_bundle=target.ca_bundle)
    else:
        source = _source(there, inputs, ours, tokens, console, clock)
    sides = [Side(ecr, EcrImages(ecr, losses, clock), Layers(ecr, clock)) for ecr in (source, target)]
    if inputs.dry_run:
        return Elsewhere(images=sides[0].images, copies=DryCopies(console))
    return Elsewhere(images=sides[0].images, copies=EcrCopies(sides[0], sides[1], losses, console, clock, link))


def _source(
    there: Registry, inputs: Inputs, ours: Session, tokens: IdTokens, console: Console, clock: Clock
) -> Service:
    session = ours
    if inputs.image_role_to_assume:
        settings = Settings(
            region=there.region,
            role=inputs.image_role_to_assume,
            audience=inputs.audience,
            session_name=inputs.role_session_name,
            duration=inputs.role_duration_seconds,
        )
        session = connect_beside(ours, settings, tokens, console, clock)
    return session.service("ecr", there.account, region=there.region)
