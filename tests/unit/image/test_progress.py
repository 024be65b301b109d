"""BuildKit's plain progress: what is shown of it, and what it tells."""

from __future__ import annotations

from ecr_action.image.progress import Log, Plain
from ecr_action.protocols import Step

GOOD = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 172B done
#1 DONE 0.0s

#2 [auth] sharing credentials for 123456789012.dkr.ecr.us-east-1.amazonaws.com
#2 DONE 0.0s

#3 [internal] load .dockerignore
#3 transferring context: 2B done
#3 DONE 0.0s

#4 [internal] load build context
#4 transferring context: 1.50MB 0.1s
#4 transferring context: 3.00MB 0.2s done
#4 DONE 0.2s

#5 [one 1/2] FROM docker.io/library/node:22
#5 sha256:0a1b2c 1.05MB / 30.1MB 0.2s
#5 extracting sha256:0a1b2c 1.2s done
#5 DONE 2.5s

#6 [one 2/2] RUN npm ci
#6 0.151 added 1
#6 ...

#7 [two 1/1] COPY . .
#7 CACHED

#6 [one 2/2] RUN npm ci
#6 0.160 10%\r20%\r100%
#6 0.453 \r\r
#6 DONE 12.6s

#8 exporting to image
#8 exporting layers 1.0s done
#8 naming to host/app:1 done
#8 pushing layers 2.0s
#8 pushing layers 3.1s done
#8 DONE 4.2s

#9 resolving provenance for metadata file
#9 DONE 0.0s
"""
SHOWN = """\
#0 building with "default" instance using docker driver
#4 transferring context: 3.00MB 0.2s done
#5 [one 1/2] FROM docker.io/library/node:22
#5 DONE 2.5s
#6 [one 2/2] RUN npm ci
#6 added 1
#7 [two 1/1] COPY . .
#7 CACHED
#6 100%
#6 DONE 12.6s
#8 exporting to image
#8 exporting layers 1.0s done
#8 pushing layers 3.1s done
#8 DONE 4.2s
"""
BAD = """\
#5 [1/3] RUN true
#5 DONE 0.1s

#6 [2/3] RUN echo one;     exit 3
#6 0.194 one
#6 0.194 two
#6 ERROR: process "/bin/sh -c echo one;     exit 3" did not complete successfully: exit code: 3

#7 [other 1/1] RUN sleep 9
#7 CANCELED
------
 > [2/3] RUN echo one;     exit 3:
0.194 one
0.194 two
------
Dockerfile:3
--------------------
   2 |     RUN true
   3 | >>> RUN echo one; \\
   4 | >>>     exit 3
   5 |     
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c echo one;     exit 3" did not complete: exit code: 3
"""


def read(text: str) -> tuple[Log, str]:
    plain = Plain()
    shown = [line for said in text.splitlines() for _, line in plain.feed(said)] if "\r" not in text else []
    if "\r" in text:
        shown = [line for said in text.split("\n") for _, line in plain.feed(said)]
    return plain.log, "".join(f"{line}\n" for line in shown)


def test_a_line_per_event() -> None:
    """Steps, their output and their end; no transfers in between, no redrawn bars, no repeated names."""
    assert read(GOOD)[1] == SHOWN


def test_steps_with_times_and_cached_marks() -> None:
    """The builder's own bookkeeping is no step."""
    assert read(GOOD)[0].steps == (
        Step(name="[one 1/2] FROM docker.io/library/node:22", seconds=2.5, cached=False),
        Step(name="[one 2/2] RUN npm ci", seconds=12.6, cached=False),
        Step(name="[two 1/1] COPY . .", seconds=0.0, cached=True),
        Step(name="exporting to image", seconds=4.2, cached=False),
    )


def test_a_failed_command() -> None:
    """The step, the last of its output, the place in the Dockerfile, the builder's last word."""
    log, shown = read(BAD)
    assert log.failed is not None
    assert (log.failed.name, list(log.failed.lines)) == ("[2/3] RUN echo one;     exit 3", ["one", "two"])
    assert log.location == ("Dockerfile", 3)
    assert log.error.endswith("did not complete: exit code: 3")
    assert log.error.startswith("failed to build:")
    assert log.steps == (Step(name="[1/3] RUN true", seconds=0.1, cached=False),)
    assert shown.splitlines()[-2:] == ["#7 [other 1/1] RUN sleep 9", "ERROR: " + log.error]


def test_only_the_last_lines_are_kept() -> None:
    """A command that talks a lot does not fill the failure's message."""
    log, shown = read("#1 [1/1] RUN x\n" + "".join(f"#1 0.1 line {n}\n" for n in range(1000)) + "#1 ERROR: no")
    assert log.failed is not None
    assert list(log.failed.lines) == [f"line {n}" for n in range(980, 1000)]
    assert len(shown.splitlines()) == 1002


def test_words_outside_of_steps() -> None:
    """What docker itself says is shown, and its last word counts where no step failed."""
    log, shown = read("WARNING: something\nERROR: Cannot connect to the Docker daemon at unix:///x. Is it running?\n")
    assert shown.splitlines()[0] == "WARNING: something"
    assert log.error == "Cannot connect to the Docker daemon at unix:///x. Is it running?"
    assert read("unknown flag: --sbom\n")[0].error == "unknown flag: --sbom"
    assert (log.location, log.failed, log.steps) == (None, None, ())


def test_a_number_is_no_place() -> None:
    """Only what stands above the quoted Dockerfile is a file and its line."""
    assert read("see host:443\n------\n > x:\n------\nERROR: no\n")[0].location is None
    assert read("see host:443\nor later\nERROR: no\n")[0].location is None
