"""The builder's and the registry's words as failures."""

from __future__ import annotations

import json

import pytest

from ecr_action.errors import BuildFailed, EngineLacks, EngineUnreachable, Failure, PushFailed
from ecr_action.image import failures
from ecr_action.image.arguments import BuildRequest, BuildSecret
from ecr_action.image.dockerfile import parse
from ecr_action.image.failures import of_build, of_push
from ecr_action.image.progress import Plain

REFERENCE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app-immutable-403:v1"


def failure(text: str, push_to: str | None = REFERENCE, **request: object) -> Failure:
    plain = Plain()
    for line in text.splitlines():
        plain.feed(line)
    return of_build(plain.log, BuildRequest(workspace="/w", **request), push_to)  # type: ignore[arg-type]


BAD_COMMAND = """\
#5 [2/2] RUN make
#5 0.194 make: no rule
#5 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2
Dockerfile:7
--------------------
   7 | >>> RUN make
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2
"""


def test_a_command_that_fails() -> None:
    """The step, the exit code, its last output, and file and line for the annotation."""
    found = failure(BAD_COMMAND, context="app")
    assert isinstance(found, BuildFailed)
    assert found.what == '[2/2] RUN make: process "/bin/sh -c make" did not complete successfully: exit code: 2'
    assert found.why == "The last lines of its output:\nmake: no rule"
    assert (found.file, found.line) == ("app/Dockerfile", 7)


def test_a_cache_that_is_not_there_is_not_to_blame() -> None:
    """A build goes on without it; it is what failed only where nothing else did."""
    cache = "#3 importing cache manifest from h/app:buildcache\n#3 ERROR: h/app:buildcache: not found\n"
    assert failure(cache + BAD_COMMAND).why == "The last lines of its output:\nmake: no rule"
    alone = "#3 exporting cache to registry\n#3 ERROR: error writing layer blob: x\nERROR: failed to solve: x"
    assert failure(alone).what == "exporting cache to registry: x"


def test_a_place_in_another_file() -> None:
    """A name that is not the request's Dockerfile stays as the builder wrote it."""
    found = failure(BAD_COMMAND.replace("Dockerfile:7", "other.Dockerfile:7"))
    assert (found.file, found.line) == ("other.Dockerfile", 7)


def test_syntax() -> None:
    """The line of a parse error is in its words."""
    text = "ERROR: failed to solve: dockerfile parse error on line 2: unknown instruction: FOO"
    found = failure(text, file="d/Dockerfile.x")
    assert (found.what, found.file, found.line) == (
        "dockerfile parse error on line 2: unknown instruction: FOO",
        "d/Dockerfile.x",
        2,
    )


def test_a_builder_that_tells_no_line() -> None:
    """An older one: its words are stripped of its layers, and the step's own words lead to the line."""
    text = "#5 [2/2] RUN make   x\n#5 ERROR: executor failed running [/bin/sh -c make x]: exit code: 2\n"
    text += "ERROR: rpc error: code = Unknown desc = executor failed running [/bin/sh -c make x]: exit code: 2"
    plain = Plain()
    for line in text.splitlines():
        plain.feed(line)
    request = BuildRequest(workspace="/w", context="app")
    found = of_build(plain.log, request, None, parse("FROM a\n\nRUN make \\\n  x\n"))
    assert (found.what, found.file, found.line) == (
        "[2/2] RUN make   x: executor failed running [/bin/sh -c make x]: exit code: 2",
        "app/Dockerfile",
        3,
    )
    layers = "rpc error: code = Unknown desc = failed to solve with frontend dockerfile.v0: "
    layers += "failed to create LLB definition: "
    found = failure(f"ERROR: {layers}dockerfile parse error line 2: unknown instruction: FOO")
    assert (found.what, found.line) == ("dockerfile parse error line 2: unknown instruction: FOO", 2)


def test_a_foreign_platform_without_an_emulator() -> None:
    """The step that installs one."""
    text = "#5 [linux/arm64 2/2] RUN make\n#5 0.1 exec /bin/sh: exec format error\n#5 ERROR: exit code: 255\n"
    assert "- uses: docker/setup-qemu-action@v3" in failure(text + "ERROR: failed to solve: exit code: 255").fix


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        ("a:1: failed to resolve source metadata for docker.io/library/a:1: not found", "FROM"),
        ("a: failed to resolve source metadata for docker.io/o/a: pull access denied", "docker/login-action"),
        (
            'failed to compute cache key: failed to calculate checksum of ref x::y: "/dist/app": not found',
            "dist/app is not in the context",
        ),
        ('failed to compute cache key: "/dist/app" not found: not found', "dist/app is not in the context"),
        ("write /x: no space left on device", "disk"),
        ("ResourceExhausted: write /var/lib/docker/overlay2/w/diff/big: no space left on device", "disk"),
        ("unset ssh forward key default", "ssh: default"),
    ],
)
def test_builds_with_a_known_way_out(error: str, fix: str) -> None:
    """The fix speaks of what is wrong."""
    found = failure(f"ERROR: failed to solve: {error}")
    assert isinstance(found, BuildFailed)
    assert found.what == error
    assert fix in found.fix


@pytest.mark.parametrize(
    ("error", "where"),
    [
        ("Cannot connect to the Docker daemon at unix:///r/d.sock. Is the docker daemon running?", "unix:///r/d.sock"),
        (
            "failed to connect to the docker API at tcp://10.0.0.1:2375; check if the path is correct",
            "tcp://10.0.0.1:2375",
        ),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///d.sock: Get",
            "unix:///d.sock",
        ),
    ],
)
def test_no_engine(error: str, where: str) -> None:
    """Which address was tried, and what to do on each kind of runner."""
    found = failure(f"ERROR: {error}")
    assert isinstance(found, EngineUnreachable)
    assert found.what == f"No Docker engine answers at {where}."
    assert found.why == error
    for word in ("ubuntu-latest", "dind", "DOCKER_HOST", "usermod"):
        assert word in found.fix


@pytest.mark.parametrize(
    ("error", "what", "fix"),
    [
        (
            "failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
            "went away during the build",
            "Run the job again",
        ),
        (
            'error during connect: Get "https://10.0.0.1:2376/_ping": tls: failed to verify certificate: x509: unknown',
            "at tcp://10.0.0.1:2376 can't be trusted",
            "DOCKER_CERT_PATH",
        ),
    ],
)
def test_an_engine_that_went_away_or_is_another_one(error: str, what: str, fix: str) -> None:
    """Neither is a fault of the Dockerfile."""
    found = failure(f"ERROR: {error}")
    assert isinstance(found, EngineUnreachable)
    assert what in found.what
    assert fix in found.fix
    assert found.transient is fix.startswith("Run")


SECRET = "#5 [2/2] RUN --mount=type=secret,id=npm-token,env=T --mount=type=secret,target=/run/x make"


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ((), ["  npm-token=${{ secrets.NPM_TOKEN }}", "  x=${{ secrets.X }}"]),
        (("x",), ["  npm-token=${{ secrets.NPM_TOKEN }}"]),
        (("x", "npm-token"), []),
    ],
)
def test_a_secret_that_nobody_gave(given: tuple[str, ...], lines: list[str]) -> None:
    """Whatever the command says that lacks it: the most likely of what can be told, and no more than that."""
    text = f"{SECRET}\n#5 ERROR: process x: exit code: 1\nERROR: failed to solve: process x: exit code: 1"
    secrets = tuple(BuildSecret(id=name, variable="V") for name in given)
    found = failure(text, secrets=secrets)
    assert [line for line in found.fix.splitlines() if line.startswith("  ")] == lines
    assert ("If the command needs it" in found.fix) is bool(lines)


@pytest.mark.parametrize(
    ("mount", "output", "certain"),
    [
        ("id=npm", "make: no rule", False),
        ("id=npm,required=false", "make: no rule", False),
        ("id=npm,required=true", "make: no rule", True),
        ("id=npm,required", "make: no rule", True),
        ("id=npm", "cat: can't open '/run/secrets/npm': No such file", True),
        ("id=npm,target=/root/.npmrc", "cat: /root/.npmrc: No such file", True),
        ("id=npm,target=/root/.npmrc", "cat: /run/secrets/npm: No such file", False),
    ],
)
def test_whether_a_secret_is_why_a_command_failed(mount: str, output: str, certain: bool) -> None:
    """It is where the mount says that it is required, or the output names its file; else it may be."""
    text = f"#5 [2/2] RUN --mount=type=secret,{mount} make\n#5 0.1 {output}\n#5 ERROR: process x: exit code: 1\n"
    found = failure(f"{text}ERROR: failed to solve: process x: exit code: 1")
    assert "secret npm is asked for here" in found.fix
    assert ("If the command needs it" not in found.fix) is certain


@pytest.mark.parametrize(
    "words",
    [
        'ResourceExhausted: process "/bin/sh -c x" did not complete successfully: cannot allocate memory',
        "executor failed running [/bin/sh -c x; echo failed to push]: exit code: 1",
        "rpc error: code = Unknown desc = executor failed running [/bin/sh -c x]: exit code: 1",
    ],
)
def test_the_words_of_a_command_are_not_the_builders(words: str) -> None:
    """What a command is and says stands in the error, in whichever form its builder has for that."""
    words = words.replace("-c x", "-c curl tcp://db || error during connect; failed to push")
    found = failure(f"#5 [2/2] RUN x\n#5 ERROR: {words}\nERROR: failed to solve: {words}\n")
    assert isinstance(found, BuildFailed)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ("Multi-platform build is not supported for the docker driver.", "platforms"),
        ("Cache export is not supported for the docker driver.", "cache-to"),
        ("Attestation is not supported for the docker driver.", "provenance"),
    ],
)
def test_what_the_builder_lacks(error: str, name: str) -> None:
    """The input by name, and the step that gives a builder which can."""
    found = failure(f"ERROR: failed to build: {error}\n")
    assert isinstance(found, EngineLacks)
    assert (f"'{name}'" in found.what, found.why) == (True, error)
    assert "docker/setup-buildx-action" in found.fix


PUSHES = [
    ("unexpected status from HEAD request to https://h/v2/a/blobs/sha256:1: 401 Unauthorized", "password"),
    ("no basic auth credentials", "password"),
    ("denied: Your authorization token has expired. Reauthenticate and try again.", "password"),
    ("unexpected status from POST request to https://h/v2/a/blobs/uploads/: 403 Forbidden", "policy"),
    ("denied: User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: ecr:InitiateLayerUpload", "policy"),
    ("name unknown: The repository with name 'app' does not exist in the registry with id '123456789012'", "not there"),
    ("tag invalid: The image tag 'v1' already exists in the 'app' repository and cannot be overwritten", "immutable"),
    ("toomanyrequests: Rate exceeded", "less often"),
    ('failed to do request: Head "https://h/v2/": dial tcp 127.0.0.1:443: connect: connection refused', "connection"),
    ("write tcp 10.0.0.1:1->10.0.0.2:443: write: broken pipe", "connection"),
    ('failed to do request: Put "https://h/v2/a/manifests/v1": use of closed network connection', "connection"),
]


@pytest.mark.parametrize(("words", "meaning"), PUSHES, ids=[words[:30] for words, _ in PUSHES])
def test_a_registry_that_refuses(words: str, meaning: str) -> None:
    """A push's failure has the registry's words and their meaning, from both engines, whatever the reference."""
    for found in (
        failure(
            f"#9 exporting to image\n#9 ERROR: failed to push {REFERENCE}: {words}\n"
            f"ERROR: failed to build: failed to solve: failed to push {REFERENCE}: {words}"
        ),
        failure(f"#9 pushing {REFERENCE} with docker\n#9 ERROR: {words}\nERROR: failed to build: {words}"),
        of_push(words, REFERENCE),
    ):
        assert isinstance(found, PushFailed)
        assert words in found.what
        assert meaning in found.why
        assert found.fix


def test_only_what_passes_is_worth_another_run() -> None:
    """A broken connection is, a policy is not."""
    assert of_push("broken pipe", REFERENCE).transient
    assert not of_push("403 Forbidden", REFERENCE).transient


def test_a_denied_push_is_told_with_the_statement_to_add() -> None:
    """The action and the repository that the registry names; all that a push needs where it names none."""
    arn = "arn:aws:ecr:us-east-1:123456789012:repository/app"
    said = f"denied: User: a is not authorized to perform: ecr:PutImage on resource: {arn} because no policy allows it"
    assert json.loads(of_push(said, REFERENCE).fix.partition("\n")[2]) == {
        "Effect": "Allow",
        "Action": "ecr:PutImage",
        "Resource": arn,
    }
    statement = json.loads(of_push("403 Forbidden", REFERENCE).fix.partition("\n")[2])
    assert "ecr:UploadLayerPart" in statement["Action"]


def test_words_nobody_knows() -> None:
    """They stand as they are, without a meaning made up, and cut where they never end."""
    found = of_push("teapot " * 1000, REFERENCE)
    assert (found.why, found.fix, len(found.what) < 1200) == ("", "", True)


def test_a_failing_command_that_speaks_of_pushing_is_a_build() -> None:
    """Words in a command's output decide nothing."""
    text = "#5 [2/2] RUN git push\n#5 0.1 error: failed to push some refs\n#5 ERROR: process x: exit code: 1\n"
    assert isinstance(failure(text + "ERROR: failed to solve: process x: exit code: 1"), BuildFailed)
    for words in ("cannot connect to the docker daemon", "cache export is not supported", "failed to push"):
        ran = f'process "/bin/sh -c echo {words}" did not complete successfully: exit code: 1'
        assert isinstance(failure(f"#5 [2/2] RUN x\n#5 ERROR: {ran}\nERROR: failed to solve: {ran}"), BuildFailed)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("unexpected status from POST request to https://h/v2/app/blobs/uploads/: 403 Forbidden", True),
        (
            "h/app:tag: unknown: unexpected status from POST request to https://h/v2/app/blobs/uploads/: 403 Forbidden",
            True,
        ),
        ("unexpected status from HEAD request to https://h/v2/app/blobs/sha256:1: 400 Bad Request", True),
        ("403 Forbidden: User: arn is not authorized to perform: ecr:InitiateLayerUpload", False),
        ("denied: Your authorization token has expired. 403 Forbidden", False),
        ("name unknown: The repository with name 'app' does not exist: 404 Not Found", False),
        ("tag invalid: The image tag 'v1' already exists: 400 Bad Request", False),
        ("connection reset by peer", False),
        ("toomanyrequests: Rate exceeded: 429", False),
    ],
)
def test_a_refusal_without_a_reason(error: str, expected: bool) -> None:
    """Then the API is asked for it; words of the registry are the better ones."""
    assert failures.is_bare(error) is expected
