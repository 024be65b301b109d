"""git's smart http protocol below `/<owner>/<name>.git`, by git's own http-backend."""

from __future__ import annotations

import re
import subprocess
from urllib.parse import urlencode

from lab.github import git, merging
from lab.github.access import Refused, can_write, level, not_found
from lab.github.call import Answer, Call

ROUTE = "git over http"
PATH = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/(?P<rest>info/refs|git-upload-pack|git-receive-pack)")


def answer(call: Call, match: re.Match[str]) -> Answer:
    """Answer one request of `git clone`, `fetch` or `push`. Raises Refused."""
    repo = call.world.state.repository(f"{match['owner']}/{match['name']}")
    push = "git-receive-pack" in (match["rest"], call.query.get("service"))
    if repo is None or level(call.viewer, repo) is None or (push and not can_write(call.viewer, repo)):
        if call.viewer is None:
            return Answer(401, b"", {"www-authenticate": 'Basic realm="GitHub"'})
        raise Refused(403, "Write access to repository not granted.") if repo and push else not_found()
    login = call.viewer.login if call.viewer else ""
    result = subprocess.run(
        ["git", "http-backend"], input=call.body, capture_output=True, check=True, env=git.environment() | {
            "GIT_PROJECT_ROOT": str(repo.bare.path.parent), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repo.bare.path.name}/{match['rest']}", "REQUEST_METHOD": call.method,
            "QUERY_STRING": urlencode(call.query), "CONTENT_TYPE": call.headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": call.headers.get("content-encoding", ""), "CONTENT_LENGTH": str(len(call.body)),
            "GIT_PROTOCOL": call.headers.get("git-protocol", ""), "REMOTE_USER": login,
            "REMOTE_ADDR": "127.0.0.1",
        },
    )  # fmt: skip
    if push and match["rest"] == "git-receive-pack":
        with repo.lock:
            merging.settle(call.world, repo)
    head, _, body = result.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return Answer(status, body, {name.lower(): value for name, value in headers.items()})
