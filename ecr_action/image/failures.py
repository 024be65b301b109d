"""Why a build or a push failed: the builder's and the registry's words, as one of our failures."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence

from ecr_action.errors import BuildFailed, EngineLacks, EngineUnreachable, Failure, PushFailed
from ecr_action.image.arguments import BuildRequest
from ecr_action.image.dockerfile import Dockerfile
from ecr_action.image.progress import Log, Part

INSTALL_BUILDX = "Add before this step:\n- uses: docker/setup-buildx-action@v3"
_ENGINE = (
    "Use a runner that has Docker: 'runs-on: ubuntu-latest'. On a self-hosted runner start the engine and let the "
    "runner's user reach it (sudo usermod -aG docker $USER); on Actions Runner Controller set "
    "'containerMode.type: dind' in the scale set's values. For an engine elsewhere set DOCKER_HOST for this step."
)
_UNREACHABLE = re.compile(
    r"cannot connect to the docker daemon|failed to connect to the docker api|error during connect"
    r"|permission denied while trying to connect to the docker|failed to find driver|no valid drivers found",
    re.IGNORECASE,
)
# The stream of a build that was under way breaks off, in buildx's words and in the SDK's.
_WENT_AWAY = re.compile(
    r"error reading from server|failed to list workers|transport is closing|received prior goaway"
    r"|Response ended prematurely|Connection broken|Remote end closed connection",
    re.IGNORECASE,
)
_CERTIFICATE = re.compile(r"certificate|\btls: ", re.IGNORECASE)
# Words of gRPC's and of the older builder stand before it, or instead.
_RAN = re.compile(
    r"^(?:failed to \w+: |failed to solve with frontend [\w.]+: |rpc error: code = \w+ desc = |[A-Z]\w+: )*"
    r'(?:process ".*" did not complete successfully|executor failed running \[)',
    re.DOTALL,
)
_LACKS = (
    (re.compile(r"multi-?platform build is not supported|multiple platforms feature", re.I), "platforms"),
    (re.compile(r"cache export is not supported", re.I), "cache-to"),
    (re.compile(r"attestations? (?:is|are) not supported", re.I), "provenance"),
)
_BARE = re.compile(r": 40[034]\b|forbidden|bad request", re.I)
_SENTENCE = re.compile(
    r"not authorized to perform|tag invalid|immutable|does not exist|(?:name|blob|manifest) unknown|expired", re.I
)
# What each layer of the builder puts before the cause.
_PREFIXES = re.compile(
    r"^(?:failed to build: |failed to solve: |rpc error: code = \w+ desc = "
    r"|failed to solve with frontend [\w.]+: |failed to create LLB definition: )+"
)
_PUSH = re.compile(r"failed to (?:do request: )?push|\bpush(?:ing)? access denied|tag invalid", re.I)
# "IAM permissions for pushing an image" (Amazon ECR user guide).
_PUSHES = (
    "BatchCheckLayerAvailability InitiateLayerUpload UploadLayerPart CompleteLayerUpload PutImage BatchGetImage"
).split()
# The registry's words (Amazon ECR user guide, "Troubleshooting errors with Docker commands when using Amazon ECR";
# OCI distribution specification, "Error Codes") -> what they mean and what to do.
_REGISTRY = (
    (
        re.compile(r"no basic auth credentials|\b401\b|authorization token has expired|authentication required", re.I),
        "The registry was not shown a valid password, or its 12 hours are over.",
        "Run the job again. If it stays: give the role ecr:GetAuthorizationToken on '*'.",
    ),
    (
        re.compile(r"tag invalid|tag.{0,300}(?:already exists|is immutable)|immutable", re.I),
        "The repository is immutable, and the tag names another image.",
        "Publish another tag, or exclude this one: aws ecr put-image-tag-mutability "
        "--image-tag-mutability IMMUTABLE_WITH_EXCLUSION",
    ),
    (
        re.compile(r"name unknown|repository.{0,300}(?:does not exist|not exist)|repository not found", re.I),
        "The repository is not there (any more), or is in another account or Region.",
        "create-repository: 'true'",
    ),
    (
        re.compile(r"toomanyrequests|too many requests|\b429\b|rate exceeded", re.I),
        "The registry asks to be called less often.",
        "Run the job again.",
    ),
    (
        re.compile(r"not authorized to perform|denied|\b403\b|forbidden", re.I),
        "A policy of the role, the repository or the organization does not allow the push.",
        "",
    ),
    (
        re.compile(
            r"connection re(?:set|fused)|timeout|timed out|no such host|EOF|broken pipe|closed network connection"
            r"|\b50[0234]\b",
            re.I,
        ),
        "The registry did not answer, or the connection broke.",
        "Run the job again: what was sent already is not sent again.",
    ),
)


def of_checks(request: BuildRequest, count: int) -> BuildFailed:
    """What the builder's checks found, *count* of them: each is an annotation of its own."""
    return BuildFailed(
        f"The checks of {request.dockerfile} found {count} problem{'s' if count > 1 else ''}.",
        why="call: check fails where it finds something.",
        fix="Mend what the annotations name. To pass over a rule, as the first line of the Dockerfile:\n"
        "# check=skip=<its name>",
    )


def of_build(log: Log, request: BuildRequest, push_to: str | None, dockerfile: Dockerfile | None = None) -> Failure:
    """The failure that *log* tells of a builder that ended with an error.

    Parameters: *push_to* is the reference to be pushed; *dockerfile* gives the line where the builder does not.
    """
    error, part = log.error, log.failed
    # The words of a command that ran, which stand in its error, decide nothing.
    if not _RAN.search(error) and (failure := _around(error, part, request, push_to)):
        return failure
    name = part.name if part else ""
    file, line = _place(log, request, dockerfile)
    return BuildFailed(
        f"{name}: {_short(error)}" if name and not name.startswith("[internal]") else _short(error),
        why=_output(log),
        fix=_way_out(error, part, request),
        file=file,
        line=line,
    )


def _around(error: str, part: Part | None, request: BuildRequest, push_to: str | None) -> Failure | None:
    """The failure of what is around the Dockerfile: the engine, what the builder can do, the push."""
    if _UNREACHABLE.search(error) or _WENT_AWAY.search(error):
        return unreachable("", error)
    for words, name in _LACKS:
        if words.search(error):
            return lacks("cache" if request.cache and name == "cache-to" else name, error)
    pushing = part is not None and (part.name.startswith("pushing ") or _PUSH.search(part.error))
    if push_to and (pushing or _PUSH.search(error)):
        return of_push(error or (part.error if part else ""), push_to)
    return None


def of_push(error: str, reference: str) -> PushFailed:
    """The registry's answer *error* to a push of *reference*, with its meaning and the way out."""
    for words, why, fix in _REGISTRY:
        if words.search(error.replace(reference, "")):
            passes = fix.startswith("Run the job")
            return PushFailed(f"{reference}: {_short(error)}", why=why, fix=fix or _statement(error), transient=passes)
    return PushFailed(f"{reference}: {_short(error)}")


def _statement(error: str) -> str:
    """The statement that allows what *error* says is denied; all that a push needs where it does not say it."""
    said = re.search(r"not authorized to perform: (ecr:\w+)(?: on resource: ([^\s\"]+))?", error)
    action: str | list[str] = said[1] if said else [f"ecr:{name}" for name in _PUSHES]
    resource = (said[2] if said else None) or "*"
    return "Add to the policy of the role:\n" + json.dumps(
        {"Effect": "Allow", "Action": action, "Resource": resource}, indent=2
    )


def is_bare(error: str) -> bool:
    """Whether a registry's refusal is a status and no reason, as ECR answers where its key can't be used."""
    return bool(_BARE.search(error)) and not _SENTENCE.search(error)


def unreachable(tried: str, error: str) -> EngineUnreachable:
    """No engine at *tried* (a socket, an address, in words), or none any more; *error* are the client's words."""
    where = tried or _address(error)
    if _WENT_AWAY.search(error):
        return EngineUnreachable(
            f"The Docker engine{f' at {where}' if where else ''} went away during the build.",
            why=_short(error),
            fix="Run the job again. If it stays: look into the engine's own log (journalctl -u docker), and whether "
            "its machine or container runs out of memory.",
            transient=True,
        )
    if _CERTIFICATE.search(error):
        return EngineUnreachable(
            f"The Docker engine{f' at {where}' if where else ''} can't be trusted.",
            why=_short(error),
            fix="DOCKER_CERT_PATH names a folder with ca.pem, cert.pem and key.pem that belong to this engine; "
            "a context has them by 'docker context create --docker host=...,ca=...,cert=...,key=...'.",
        )
    return EngineUnreachable(
        f"No Docker engine answers{f' at {where}' if where else ''}.",
        why=_short(error),
        fix=_ENGINE,
    )


def lacks(name: str, why: str, *, what: str = "") -> EngineLacks:
    """The engine can't do what the input *name* asks for."""
    return EngineLacks(what or f"This builder can't do what '{name}' asks for.", why=_short(why), fix=INSTALL_BUILDX)


def _address(error: str) -> str:
    found = re.search(r"\b(?:unix|tcp|npipe|ssh)://[^\s;,\"']+", error)
    if found:
        return found[0].rstrip(".:")
    called = re.search(r"\bhttps?://([^/\s\"']+)", error)
    return f"tcp://{called[1]}" if called else ""


def _place(log: Log, request: BuildRequest, dockerfile: Dockerfile | None) -> tuple[str | None, int | None]:
    if log.location:
        file, line = log.location
        # The builder is told the file's name without its folder.
        return (request.dockerfile if posixpath.basename(request.dockerfile) == file else file), line
    if said := re.search(r"dockerfile parse error (?:on )?line (\d+)", log.error):
        return request.dockerfile, int(said[1])
    if dockerfile and log.failed and (found := dockerfile.line_of(log.failed.name.partition("] ")[2])):
        return request.dockerfile, found
    return None, None


def _output(log: Log) -> str:
    part = log.failed
    if part and part.lines:
        return "The last lines of its output:\n" + "\n".join(part.lines)
    return ""


def no_base(error: str) -> str:
    """What to do about a base image that could not be had, by the words of *error*; empty where they say nothing."""
    if re.search(r"pull access denied|failed to authorize|no basic auth credentials|401 Unauthorized", error, re.I):
        return "Log in to the registry of the base image before this step (docker/login-action), or correct its name."
    if re.search(r"not found|manifest unknown", error, re.I):
        return "Correct the name or the tag in FROM."
    return ""


def _secrets(names: Sequence[str], *, certain: bool = True) -> str:
    lines = [f"  {name}=${{{{ secrets.{re.sub('[^A-Z0-9]', '_', name.upper())} }}}}" for name in names]
    words = f"secret {names[0]} is" if len(names) == 1 else f"secrets {', '.join(names)} are"
    add = "Add:" if certain else "If the command needs it, add:"
    return "\n".join([f"The {words} asked for here, and not given to this step. {add}", "secrets: |", *lines])


def _not_given(part: Part | None, request: BuildRequest) -> tuple[tuple[str, ...], bool]:
    """The secrets that the failed command mounts, and nobody gave, and whether that is why it failed.

    Without ``required`` a command just finds no file, which it may be able to do without (docker's Dockerfile
    reference, "RUN --mount=type=secret"): then its output tells.
    """
    given = {secret.id for secret in request.secrets}
    output = "\n".join(part.lines) if part else ""
    names, certain = [], False
    for mount in (dict(field.partition("=")[::2] for field in mount.split(",")) for mount in _mounts(part)):
        target = mount.get("target") or mount.get("dst") or ""
        name = mount.get("id") or posixpath.basename(target)
        if mount.get("type") == "secret" and name and name not in given:
            names.append(name)
            required = "required" in mount and mount["required"].lower() not in ("false", "0")
            certain = certain or required or (target or f"/run/secrets/{name}") in output
    return tuple(dict.fromkeys(names)), certain


def _mounts(part: Part | None) -> list[str]:
    return re.findall(r"--mount=(\S+)", part.name) if part else []


def _way_out(error: str, part: Part | None, request: BuildRequest) -> str:
    said = [error, *(part.lines if part else ())]
    if part and any("exec format error" in line for line in part.lines):
        return (
            "Another platform's commands need an emulator. Add before this step:\n- uses: docker/setup-qemu-action@v3"
        )
    if any(re.search(r"no space left on device", line, re.I) for line in said):
        return "The disk of the engine is full: free some before this step (docker system prune --all --force)."
    absent, certain = _not_given(part, request)
    if certain:
        return _secrets(absent)
    if key := re.search(r"unset ssh forward key (\S+)", error):
        return f"Give the build an agent:\n- uses: webfactory/ssh-agent@v0.9.1\nand in this step:\nssh: {key[1]}"
    if missing := re.search(r'"/?([^"]+)":? not found', error):
        return f"{missing[1]} is not in the context, or .dockerignore leaves it out. COPY's paths begin at the context."
    if "failed to resolve" in error or (part and "load metadata" in part.name):
        return no_base(error)
    return _secrets(absent, certain=False) if absent else ""


def _short(error: str) -> str:
    text = _PREFIXES.sub("", " ".join(error.split()))
    return text if len(text) <= 1000 else text[:1000] + "..."
