"""The http server: one thread a connection, keep-alive, every call recorded."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from lab.github import access, control, graph, limits, merging, rest, routes, smart
from lab.github.access import Refused, not_found
from lab.github.call import Answer, Call
from lab.github.faults import Fault
from lab.github.git import HeadMoved
from lab.github.state import Viewer
from lab.github.world import World

GRAPHQL = ("/graphql", "/api/graphql")
# The address that a tarball's redirect leads to is the second half of that call.
CODELOAD = "GET /repos/{owner}/{repo}/tarball/{ref*}"


class Server(ThreadingHTTPServer):
    """GitHub at `http://127.0.0.1:<port>`; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, world: World, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.world = world

    @property
    def base(self) -> str:
        """The server's own URL, without a slash at its end."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Reads a request, finds its answer, sends it."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "github.com"
    sys_version = ""
    # One small answer is one packet: without this every keep-alive answer waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_request(self) -> None:
        """Answer any method; named by http.server's `do_*` below."""
        call = self._call()
        if call.path.startswith("/_lab/"):
            answer = _guarded(control.answer, call)
            return self._send(answer, {})
        return self._send(*answered(call))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_request

    def _call(self) -> Call:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = unquote(url.path)
        prefix = "/api/v3" if path.startswith("/api/v3/") else ""
        path = path.removeprefix(prefix)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        body = self._body(headers)
        return Call(
            self.server.world, None, self.command, path, query, headers, body, self.server.base, {}, prefix=prefix
        )

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(headers.get("content-length", 0)))

    def _send(self, answer: Answer, extra: dict[str, str]) -> None:
        headers = {"content-type": "application/json; charset=utf-8"} | extra | dict(answer.headers)
        body = _body(answer)
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: `/_lab/calls` has it all, and a log line could hold a link's secret."""


def answered(call: Call) -> tuple[Answer, dict[str, str]]:
    """Return the answer to a call, with GitHub's headers; records it, and lets faults act."""
    row: dict[str, Any] = {
        "method": call.method, "path": call.path, "operation": None, "repository": _repository_of(call.path),
        "login": None, "status": 0, "errors": [], "route": None, "received": 0, "sent": 0,
    }  # fmt: skip
    extra = {"x-github-request-id": secrets.token_hex(8).upper(), "x-github-media-type": "github.v3; format=json"}
    answer = _guarded(_dispatch, call, row, extra)
    answer = replace(answer, body=_body(answer))
    row |= {"status": answer.status, "received": len(call.body), "sent": len(answer.body)}
    call.world.calls.append(row)
    call.world.operations.add(_operation(call, row))
    return answer, extra


def _body(answer: Answer) -> bytes:
    if isinstance(answer.body, bytes):
        return answer.body
    return b"" if answer.body is None else json.dumps(answer.body).encode()


def _operation(call: Call, row: dict[str, Any]) -> str:
    """Name what was called, also where it was refused before a route was looked for."""
    found = None if row["route"] else routes.find(call.method, call.path)
    path = GRAPHQL[0] if call.path in GRAPHQL else call.path
    plain = f"{found[0].method} {found[0].path}" if found else f"{call.method} {path}"
    return str(row["operation"] or row["route"] or plain)


def _guarded(function: Any, *arguments: Any) -> Answer:
    try:
        result: Answer = function(*arguments)
        return result
    except Refused as refused:
        return Answer(refused.status, refused.body(), getattr(refused, "headers", {}))
    except HeadMoved:
        return Answer(422, Refused(422, "Reference update failed").body())


def _dispatch(call: Call, row: dict[str, Any], extra: dict[str, str]) -> Answer:
    if call.path.startswith("/_codeload/"):
        row["route"] = CODELOAD
        return rest.codeload(call)
    if app := routes.find_app(call.method, call.path):
        route, parts = app
        row["route"] = f"{route.method} {route.path}"
        fault = call.world.faults.take(row, "before")
        return _faulty(fault, row, extra) if fault else route.answer(_with(call, parts=parts))
    viewer = access.authenticate(call.world.state, call.headers.get("authorization"), call.world.clock.now())
    call = _with(call, viewer=viewer)
    row["login"] = viewer.login if viewer else None
    match = smart.PATH.fullmatch(call.path)
    if match:
        row["route"] = smart.ROUTE
        return smart.answer(call, match)
    if call.path == "/rate_limit":
        return Answer(200, limits.overview(call.world.meter, viewer), call.world.meter.headers(viewer, "core", 0))
    return _metered(call, viewer, row, extra)


def _metered(call: Call, viewer: Viewer | None, row: dict[str, Any], extra: dict[str, str]) -> Answer:
    is_graphql = call.path in GRAPHQL and call.method == "POST"
    resource = "graphql" if is_graphql else "core"
    extra.update(call.world.meter.headers(viewer, resource))
    body: dict[str, Any] = {}
    if is_graphql:
        body = call.json()
        _describe(row, body)
    try:
        call.world.meter.check(viewer, resource, graph.is_mutation(body) if is_graphql else call.method != "GET")
    except limits.Limited as limited:
        if not (is_graphql and limited.primary):
            raise
        row["errors"] = [call.world.meter.limits.type]
        return Answer(200, limits.graphql_error(limited, call.world.meter.limits.type))
    fault = call.world.faults.take(row, "before")
    call.world.faults.wait(commit=call.method != "GET" and row["operation"] in (None, "createCommitOnBranch"))
    if fault:
        return _faulty(fault, row, extra)
    answer = _graphql(call, viewer, body, row) if is_graphql else _rest(call, viewer, row, extra)
    lost = call.world.faults.take(row, "after")
    return _faulty(lost, row, extra) if lost else answer


def _describe(row: dict[str, Any], body: dict[str, Any]) -> None:
    """Name a GraphQL call by its first field and the repository that its variables hold."""
    row["operation"] = graph.operation(str(body.get("query")))
    variables = body.get("variables") or {}
    owner, name = variables.get("owner"), variables.get("name")
    row["repository"] = f"{owner}/{name}" if owner and name else _branch_repository(variables)


def _branch_repository(variables: dict[str, Any]) -> str | None:
    for value in variables.values():
        if isinstance(value, dict) and isinstance(value.get("branch"), dict):
            name = value["branch"].get("repositoryNameWithOwner")
            return name if isinstance(name, str) else None
    return None


def _graphql(call: Call, viewer: Viewer | None, body: dict[str, Any], row: dict[str, Any]) -> Answer:
    if viewer is None:
        raise Refused(401, "This endpoint requires you to be authenticated.")
    if row["repository"] and call.world.state.hidden(row["repository"]):
        text = f"Could not resolve to a Repository with the name '{row['repository']}'."
        row["errors"] = ["NOT_FOUND"]
        return Answer(200, {"data": {str(row["operation"]): None}, "errors": [
            {"type": "NOT_FOUND", "path": [row["operation"]], "message": text}]})  # fmt: skip
    result = graph.execute(call.world, viewer, call.base, body)
    row["errors"] = [error.get("type") for error in result.get("errors", ())]
    return Answer(200, result)


def _rest(call: Call, viewer: Viewer | None, row: dict[str, Any], extra: dict[str, str]) -> Answer:
    path = _by_id(call)
    row["repository"] = _repository_of(path)
    found = routes.find(call.method, path)
    if found is None:
        raise not_found()
    route, parts = found
    row["route"] = f"{route.method} {route.path}"
    extra.update(access.permission_headers(viewer, route.accepted))
    full_name = f"{parts['owner']}/{parts['repo']}"
    if moved := _moved(call, viewer, full_name):
        return moved
    repo = call.world.state.repository(full_name)
    if repo is None or call.world.state.hidden(full_name) or access.level(viewer, repo) is None:
        raise not_found()
    access.refuse_saml(viewer, repo)
    if access.lacks(viewer, repo, route.accepted):
        raise access.denial(viewer)
    if route.writes and repo.archived:
        raise Refused(403, "Repository was archived so is read-only.")
    with repo.lock:
        answer = route.answer(_with(call, parts=parts, found=repo))
        if route.writes:
            merging.settle(call.world, repo)
    return answer


def _by_id(call: Call) -> str:
    """Return the path of `/repositories/<id>/...`, where redirects of renamed repositories lead, by name."""
    match = re.fullmatch(r"/repositories/(\d+)(/.*)?", call.path)
    repo = call.world.state.by_id(int(match[1])) if match else None
    return f"/repos/{repo.full_name}{match[2] or ''}" if match and repo else call.path


def _moved(call: Call, viewer: Viewer | None, full_name: str) -> Answer | None:
    """Return the redirect of a renamed repository: 301 for reads, 307 for the rest (GitHub, "Redirects")."""
    repo = call.world.state.renamed(full_name)
    if repo is None or access.level(viewer, repo) is None:
        return None
    rest_of_path = call.path.removeprefix(f"/repos/{full_name}")
    query = f"?{urlencode(call.query)}" if call.query else ""
    url = f"{call.base}{call.prefix}/repositories/{repo.id}{rest_of_path}{query}"
    status, message = (301, "Moved Permanently") if call.method == "GET" else (307, "Temporary Redirect")
    return Answer(status, {"message": message, "url": url, "documentation_url": access.DOCUMENTATION},
                  {"location": url})  # fmt: skip


def _faulty(fault: Fault, row: dict[str, Any], extra: dict[str, str]) -> Answer:
    extra.update(fault.headers)
    if fault.message is None:
        body = fault.body if fault.body is not None else {"message": "Server Error"}
        return Answer(fault.status, body.encode() if isinstance(body, str) else body)
    row["errors"] = [fault.type]
    named = {"type": fault.type} if fault.type else {}
    error = named | {"path": [row["operation"]], "locations": [{"line": 1, "column": 1}], "message": fault.message}
    return Answer(200, {"data": {str(row["operation"]): None}, "errors": [error]})


def _repository_of(path: str) -> str | None:
    parts = path.split("/")
    return "/".join(parts[2:4]) if parts[1] in ("repos", "_codeload") and len(parts) > 3 else None


def _with(call: Call, **changes: Any) -> Call:
    return Call(**(vars(call) | changes))
