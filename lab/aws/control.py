"""The lab's own questions and switches, under ``/_lab/`` on the API port."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .clock import Clock
from .identity import Identities
from .images import Images
from .ledger import Calls, Fault, Faults, Rate, Rates
from .lifecycle import PENDING, LifecycleOperations
from .oidc import Issuer
from .scans import ScanOperations
from .web import Request, Response


@dataclass(frozen=True)
class Control:
    """Answers ``/_lab/``: health, environment, admin, calls, faults, oidc, clock."""

    calls: Calls
    faults: Faults
    issuer: Issuer
    identities: Identities
    clock: Clock
    environment: Callable[[], dict[str, str]]
    account: str
    rates: Rates
    images: Images
    lifecycle: LifecycleOperations
    scans: ScanOperations

    def answer(self, request: Request) -> Response:
        """Return the answer to *request*; unknown paths are 404, bad values 400."""
        name = request.path.removeprefix("/_lab/")
        handler = getattr(self, f"_{request.method}_{name}", None)
        if handler is None:
            return _answer(404, {"error": f"no {request.method} {request.path}"})
        try:
            body = json.loads(request.read() or b"{}")
            return _answer(200, handler(request.query, body))
        except (ValueError, KeyError, TypeError) as error:
            return _answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _GET_health(self, *_: object) -> object:
        return {"status": "ok", "now": self.clock.now()}

    def _GET_environment(self, *_: object) -> object:
        return self.environment()

    def _GET_admin(self, query: dict[str, str], _: object) -> object:
        account = query.get("account", self.account)
        return {
            "AWS_ACCESS_KEY_ID": self.identities.admin_key(account),
            "AWS_SECRET_ACCESS_KEY": self.identities.admin_secret,
            "account": account,
        }

    def _GET_calls(self, *_: object) -> object:
        return self.calls.listed()

    def _DELETE_calls(self, *_: object) -> object:
        return self.calls.take()

    def _GET_operations(self, *_: object) -> object:
        return self.calls.operations()

    def _POST_faults(self, _: object, body: dict[str, Any]) -> object:
        self.faults.add(Fault(**body))
        return {}

    def _DELETE_faults(self, *_: object) -> object:
        self.faults.clear()
        return {}

    def _GET_held(self, *_: object) -> object:
        """How many calls are held, by faults with ``hold``, until the faults are cleared."""
        return {"held": self.faults.held}

    def _POST_rates(self, _: object, body: dict[str, Any]) -> object:
        """Limit operations: ``{"PutImage": {"count": 10, "seconds": 1}}``; null takes a limit away."""
        for operation, rate in body.items():
            self.rates.limit(operation, Rate(**rate) if rate else None)
        return {}

    def _POST_quotas(self, _: object, body: dict[str, Any]) -> object:
        """Let repositories hold ``{"images": n}`` and no more; null is AWS's own quota."""
        most = body["images"]
        self.images.limit(int(most) if most else None)
        return {}

    def _POST_organization(self, _: object, body: dict[str, Any]) -> object:
        """Put the roles of ``account`` under a service control ``policy``; null takes it away."""
        self.identities.govern(str(body["account"]), body["policy"])
        return {}

    def _POST_lifecycle(self, *_: object) -> object:
        """Let all lifecycle policies act as of the lab's time, as ECR does once a day."""
        return self.lifecycle.act()

    def _POST_scan(self, _: object, body: dict[str, Any]) -> object:
        """Say what scans of ``digest`` find: status, description, findings, seconds or pending (see ScanOperations)."""
        self.scans.expect(str(body.pop("digest")), body)
        return {}

    def _POST_previews(self, _: object, body: dict[str, Any]) -> object:
        """Let each preview that starts from now on be asked for ``{"pending": n}`` times before it is complete."""
        self.lifecycle.store.set(PENDING, str(int(body["pending"])))
        return {}

    def _POST_oidc(self, _: object, body: dict[str, Any]) -> object:
        return self.issuer.register(body)

    def _POST_token(self, _: object, body: dict[str, Any]) -> object:
        """Sign the claims as they are: for tokens that no runner would hand out (expired, foreign)."""
        return {"value": self.issuer.sign(body)}

    def _POST_clock(self, _: object, body: dict[str, Any]) -> object:
        """Move the lab's time: ``{"offset": s}`` from the machine's, or ``{"advance": s}`` from where it is."""
        offset = float(body["offset"]) if "offset" in body else self.clock.offset + float(body["advance"])
        self.clock.move(offset)
        return {"now": self.clock.now(), "offset": offset}


def _answer(status: int, value: object) -> Response:
    return Response(status, json.dumps(value).encode(), {"Content-Type": "application/json"})
