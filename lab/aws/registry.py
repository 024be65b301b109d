"""The registry's own wire, as ECR answers it: OCI distribution specification 1.1 over TLS.

Tags, media types and permissions are the lab's; bodies go to and from docker-registry, streamed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from .content import Content, Upstream
from .ecr import Ecr
from .errors import AwsError, WireError
from .identity import BadPassword, Caller, Identities
from .images import DIGEST, INDEXES, MANIFEST_BYTES, TAG, Images, Place, other_digest, parse, tag_already_exists
from .ledger import Calls, Entry, Faults, Rates
from .settings import RegistrySettings
from .web import Request, Response

HOST = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com|on\.aws)(?:\.cn)?"
)
TEXT = "text/plain; charset=utf-8"
NAME = r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
ROUTES = {
    "uploads": re.compile(rf"/v2/{NAME}/blobs/uploads/?"),
    "upload": re.compile(rf"/v2/{NAME}/blobs/uploads/(?P<rest>[^/]+)"),
    "blob": re.compile(rf"/v2/{NAME}/blobs/(?P<rest>[^/]+)"),
    "manifest": re.compile(rf"/v2/{NAME}/manifests/(?P<rest>[^/]+)"),
    "tags": re.compile(rf"/v2/{NAME}/tags/list"),
    "referrers": re.compile(rf"/v2/{NAME}/referrers/(?P<rest>[^/]+)"),
}
# "Amazon ECR repository policies" and "IAM permissions for pushing an image": the action behind each request.
ACTIONS = {
    "POST uploads": "ecr:InitiateLayerUpload",
    "PATCH upload": "ecr:UploadLayerPart",
    "PUT upload": "ecr:CompleteLayerUpload",
    "GET upload": "ecr:UploadLayerPart",
    "DELETE upload": "ecr:UploadLayerPart",
    "HEAD blob": "ecr:BatchCheckLayerAvailability",
    "GET blob": "ecr:GetDownloadUrlForLayer",
    "HEAD manifest": "ecr:BatchGetImage",
    "GET manifest": "ecr:BatchGetImage",
    "PUT manifest": "ecr:PutImage",
    "GET tags": "ecr:ListImages",
    "GET referrers": "ecr:BatchGetImage",
}
RELAYED = ("Content-Type", "Content-Range", "Range", "Docker-Content-Digest", "Docker-Upload-Uuid", "Accept-Ranges")
# The wire's name for what the API calls otherwise.
CODES = {
    "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
    "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
    "LayersNotFoundException": (400, "BLOB_UPLOAD_UNKNOWN"),
    "ReferencedImagesNotFoundException": (400, "MANIFEST_BLOB_UNKNOWN"),
    "InvalidParameterException": (400, "MANIFEST_INVALID"),
    "ImageDigestDoesNotMatchException": (400, "MANIFEST_INVALID"),
    "AccessDeniedException": (403, "DENIED"),
    "LimitExceededException": (403, "DENIED"),
    "ThrottlingException": (429, "TOOMANYREQUESTS"),
}


@dataclass(frozen=True)
class Spot:
    """Where a request goes: its kind, the repository, and the reference, digest or upload id."""

    kind: str
    place: Place
    rest: str
    content: int = 0
    caller: Caller | None = None


@dataclass(frozen=True)
class Registry:
    """Answers of the registry; *default* is the account and region of a host name that is not ECR's."""

    images: Images
    content: Content
    ecr: Ecr
    identities: Identities
    calls: Calls
    faults: Faults
    default: tuple[str, str]
    settings: RegistrySettings
    rates: Rates

    def answer(self, request: Request) -> Response:
        """Return the answer to *request*, refusals included."""
        kind, match = _route(request.path)
        entry = self.calls.begin("registry", f"{request.method} {kind}", unquote(request.path))
        try:
            after = self.faults.before(f"registry:{entry.operation}")
            response = self._answer(request, kind, match, entry)
            if after:
                after.strike()
        except WireError as error:
            response = _refusal(error)
        except AwsError as error:
            status, code = CODES.get(error.code, (error.status, error.code))
            response = _refusal(WireError(status, code, error.message))
            entry.error = code
        entry.status = response.status
        entry.received = request.body.taken
        body = response.body
        entry.sent = 0 if request.method == "HEAD" else len(body) if isinstance(body, bytes) else body.length or 0
        return _finished(response)

    def _answer(self, request: Request, kind: str, match: re.Match[str] | None, entry: Entry) -> Response:
        host = request.headers.get("Host", "")
        known = HOST.fullmatch(host.split(":")[0])
        account, region = (known["account"], known["region"]) if known else self.default
        caller = self._authenticate(request, region)
        if caller is None:
            challenge = f'Basic realm="https://{host}/",service="ecr.amazonaws.com"'
            return Response(401, b"Not Authorized\n", {"Content-Type": TEXT, "Www-Authenticate": challenge})
        entry.caller = caller.arn
        if kind == "base":
            return Response(200, b"", {"Content-Type": TEXT})
        action = ACTIONS.get(f"{request.method} {kind}")
        if match is None or action is None:
            raise WireError(405 if match else 404, "UNSUPPORTED", "The operation is unsupported.")
        spot = Spot(kind, Place(account, region, match["name"]), unquote(match.groupdict().get("rest") or ""))
        if kind in ("uploads", "upload", "manifest") and request.method in ("POST", "PUT"):
            self._create_on_push(caller, spot.place)
        self.ecr.authorize(caller, action, spot.place.arn, region)
        if kind == "upload" and request.method == "PUT" and request.body.length != 0:
            # A layer that comes in one piece is its last part too.
            self.ecr.authorize(caller, "ecr:UploadLayerPart", spot.place.arn, region)
        spot = replace(spot, content=self.images.open(spot.place), caller=caller)
        handler: Callable[[Request, Spot], Response] = getattr(self, f"_{kind}")
        return handler(request, spot)

    def _authenticate(self, request: Request, region: str) -> Caller | None:
        """Return who asks, None without usable credentials.

        A password that is not one of this region is a bare 400 (aws/aws-cli 4962, 5317), an expired one 403.
        """
        kind, _, sent = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(sent, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        if kind.lower() != "basic" or user != "AWS":
            return None
        try:
            return self.identities.password_caller(password, region)
        except BadPassword as error:
            if not error.expired:
                raise WireError(400, "", "") from error
            text = "Your authorization token has expired. Reauthenticate and try again."
            raise WireError(403, "DENIED", text) from error

    # Handlers, named after the kinds of ROUTES.

    def _uploads(self, request: Request, spot: Spot) -> Response:
        if self._mounts(request, spot):
            digest = request.query["mount"]
            location = f"https://{request.headers.get('Host', '')}/v2/{spot.place.name}/blobs/{digest}"
            return Response(201, b"", {"Location": location, "Docker-Content-Digest": digest})
        # mount= and from= are not handed on: where nothing can be mounted, an upload starts (202) instead.
        return self._relayed(request, spot, f"/v2/r{spot.content}/blobs/uploads/")

    def _mounts(self, request: Request, spot: Spot) -> bool:
        """Mount the blob that is asked for ("Blob mounting in Amazon ECR"); tell whether that was possible."""
        digest, name = request.query.get("mount", ""), request.query.get("from", "")
        place = spot.place
        setting = self.settings.account_setting((place.account, place.region), "BLOB_MOUNTING")
        if setting != "ENABLED" or not DIGEST.fullmatch(digest) or not name or spot.caller is None:
            return False
        source = replace(place, name=name)
        try:
            self.ecr.authorize(spot.caller, "ecr:GetDownloadUrlForLayer", source.arn, place.region)
            content = self.images.open(source)
        except AwsError:
            return False
        return self.images.encryption(source) == self.images.encryption(place) and self.content.mount(
            spot.content, digest, content
        )

    def _create_on_push(self, caller: Caller, place: Place) -> None:
        """Make a repository that a template of the registry is for ("Repository creation templates")."""
        template = self.settings.template_for(place)
        if template is None or self.images.exists(place):
            return
        self.ecr.authorize(caller, "ecr:CreateRepository", place.arn, place.region)
        try:
            self.settings.create(place, template)
        except AwsError as error:
            if error.code != "RepositoryAlreadyExistsException":
                raise

    def _upload(self, request: Request, spot: Spot) -> Response:
        _, _, query = request.target.partition("?")
        target = f"/v2/r{spot.content}/blobs/uploads/{spot.rest}" + (f"?{query}" if query else "")
        if request.method == "PATCH" and "Content-Range" in request.headers:
            self._check_order(request.headers["Content-Range"], target)
        response = self._relayed(request, spot, target)
        if response.status == 404:
            raise WireError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        if request.method == "PATCH" and response.status == 202:
            # ECR answers 201 where the specification says 202.
            response.status = 201
        return response

    def _check_order(self, sent: str, target: str) -> None:
        """Refuse a chunk that does not begin where the upload ends ("Pushing a blob in chunks")."""
        state = self.content.ask("GET", target)
        state.read()
        last = int(state.headers.get("Range", "0-0").rpartition("-")[2])
        first = sent.partition("-")[0]
        if state.status == 204 and first not in (("0", "1") if last == 0 else (str(last + 1),)):
            raise WireError(416, "BLOB_UPLOAD_INVALID", "blob upload invalid")

    def _blob(self, request: Request, spot: Spot) -> Response:
        _check_digest(spot.rest)
        return self._relayed(request, spot, f"/v2/r{spot.content}/blobs/{spot.rest}")

    def _relayed(self, request: Request, spot: Spot, target: str) -> Response:
        headers = {k: request.headers[k] for k in ("Content-Type", "Content-Range", "Range") if k in request.headers}
        streams = request.method in ("PUT", "PATCH")
        answer = self.content.ask(request.method, target, headers, request.body if streams else None)
        kept = {k: answer.headers[k] for k in RELAYED if k in answer.headers}
        if "Location" in answer.headers:
            kept["Location"] = _location(answer.headers["Location"], request.headers.get("Host", ""), spot)
        if answer.status >= 300:
            return _translated(answer, spot)
        if request.method == "HEAD":
            answer.read()
            return Response(answer.status, b"", {**kept, "Content-Length": answer.headers["Content-Length"]})
        return Response(answer.status, answer if answer.length else answer.read(), kept)

    def _manifest(self, request: Request, spot: Spot) -> Response:
        if request.method == "PUT":
            return self._put_manifest(request, spot)
        digest = spot.rest if DIGEST.fullmatch(spot.rest) else self.images.digest_of(spot.content, spot.rest)
        row = self.images.image(spot.content, digest) if digest else None
        if digest is None or row is None or row["status"] != "ACTIVE":
            raise WireError(404, "MANIFEST_UNKNOWN", "Requested image not found")
        if request.method == "GET":
            self.images.pulled(spot.content, digest)
        headers = {"Content-Type": str(row["media_type"]), "Docker-Content-Digest": digest}
        content, _ = self.images.manifest(spot.content, digest)
        if request.method == "HEAD":
            return Response(200, b"", {**headers, "Content-Length": str(len(content))})
        return Response(200, content, headers)

    def _put_manifest(self, request: Request, spot: Spot) -> Response:
        self.rates.check("PutImage", spot.place.account, spot.place.region)
        try:
            content = request.read(MANIFEST_BYTES)
        except ValueError as error:
            raise WireError(413, "MANIFEST_INVALID", "manifest larger than 4194304 bytes") from error
        media_type = (request.headers.get("Content-Type") or "").split(";")[0].strip()
        manifest = parse(content, media_type or None)
        tag = None if ":" in spot.rest else spot.rest
        if tag is None and spot.rest != manifest.digest:
            raise other_digest(spot.place, spot.rest)
        if tag is not None and not TAG.fullmatch(tag):
            raise WireError(400, "TAG_INVALID", f"The image tag '{tag}' is invalid")
        added = self.images.put(spot.place, manifest, tag)
        if tag and not added and self.images.is_immutable(spot.place, tag):
            # An immutable tag refuses the very same image too (aws/containers-roadmap 2179, 2380).
            raise tag_already_exists(spot.place, tag)
        location = f"https://{request.headers.get('Host', '')}/v2/{spot.place.name}/manifests/{manifest.digest}"
        headers = {"Location": location, "Docker-Content-Digest": manifest.digest}
        return Response(201, b"", {**headers, "OCI-Subject": manifest.subject} if manifest.subject else headers)

    def _tags(self, request: Request, spot: Spot) -> Response:
        active = {str(row["digest"]) for row in self.images.all(spot.content) if row["status"] == "ACTIVE"}
        tags = sorted(t for digest, tags in self.images.tags(spot.content).items() if digest in active for t in tags)
        tags = [t for t in tags if t > request.query.get("last", "")]
        number = request.query.get("n") or "1000"
        if not number.isdecimal():
            raise WireError(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
        count = int(number)
        headers = {"Content-Type": "application/json"}
        if len(tags) > count > 0:
            headers["Link"] = f'</v2/{spot.place.name}/tags/list?last={tags[count - 1]}&n={count}>; rel="next"'
        return Response(200, json.dumps({"name": spot.place.name, "tags": tags[:count]}).encode(), headers)

    def _referrers(self, request: Request, spot: Spot) -> Response:
        _check_digest(spot.rest)
        wanted = request.query.get("artifactType")
        rows = [r for r in self.images.referrers(spot.content, spot.rest) if wanted in (None, r["artifact_type"])]
        manifests = []
        for row in rows:
            content, media_type = self.images.manifest(spot.content, str(row["digest"]))
            described = {"mediaType": media_type, "digest": row["digest"], "size": len(content)}
            annotations = json.loads(content).get("annotations") or {}
            manifests.append({**described, "artifactType": row["artifact_type"], "annotations": annotations})
        body = {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": manifests}
        headers = {"Content-Type": INDEXES[0], **({"OCI-Filters-Applied": "artifactType"} if wanted else {})}
        return Response(200, json.dumps(body).encode(), headers)


def _route(path: str) -> tuple[str, re.Match[str] | None]:
    if path in ("/v2/", "/v2"):
        return "base", None
    for kind, pattern in ROUTES.items():
        match = pattern.fullmatch(unquote(path))
        if match:
            return kind, match
    return "other", None


def _check_digest(digest: str) -> None:
    if not DIGEST.fullmatch(digest):
        raise WireError(400, "DIGEST_INVALID", "provided digest did not match uploaded content")


def _location(upstream: str, host: str, spot: Spot) -> str:
    """Return docker-registry's *upstream* address as one of ours."""
    return f"https://{host}/v2/{spot.place.name}/blobs/" + upstream.partition(f"/v2/r{spot.content}/blobs/")[2]


def _translated(answer: Upstream, spot: Spot) -> Response:
    """Return a refusal of docker-registry without its name for the repository."""
    text = answer.read().decode(errors="replace")
    headers = {"Content-Type": answer.headers.get("Content-Type", "application/json; charset=utf-8")}
    return Response(answer.status, text.replace(f"r{spot.content}", spot.place.name).encode(), headers)


def _refusal(error: WireError) -> Response:
    if not error.code:
        return Response(error.status)
    body = {"errors": [{"code": error.code, "message": error.message}]}
    return Response(
        error.status, json.dumps(body).encode() + b"\n", {"Content-Type": "application/json; charset=utf-8"}
    )


def _finished(response: Response) -> Response:
    response.headers.setdefault("Docker-Distribution-Api-Version", "registry/2.0")
    return response
