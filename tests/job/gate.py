"""A server that holds one request back, at the very moment that a test wants something else to happen."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Gate(ThreadingHTTPServer):
    """Hands every request on to *behind* (``http://host:port``), or answers it itself where that is empty.

    Whether one is held is asked of `holds`; the first that is sets *reached* and is never answered. *after*: it is
    handed on first, so that only its answer is lost.
    """

    daemon_threads = True

    def __init__(self, behind: str = "", word: bytes = b"", *, after: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.word, self.after = behind, word, after
        self.reached, self.closed = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        """The gate's own address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def holds(self, body: bytes) -> bool:
        """Tell whether a request with *body* is the one: the first that has the gate's word."""
        return self.word in body and not self.reached.is_set()


class _Handler(BaseHTTPRequestHandler):
    server: Gate

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        held = self.server.holds(body)
        answer = None if held and not self.server.after else self._asked(body)
        if held or answer is None:
            self.server.reached.set()
            self.server.closed.wait()
            return
        status, headers, content = answer
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = handle_request

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if not self.server.behind:
            return 200, {}, b"behind the gate\n"
        connection = http.client.HTTPConnection(urlsplit(self.server.behind).netloc, timeout=60)
        with contextlib.closing(connection):
            kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body or None, kept)
            answer = connection.getresponse()
            dropped = ("connection", "content-length", "transfer-encoding")
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
            return answer.status, headers, answer.read()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def gate(behind: str = "", word: bytes = b"", *, after: bool = False) -> Iterator[Gate]:
    """A gate that listens as long as it is used."""
    with Gate(behind, word, after=after) as made:
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield made
        finally:
            made.closed.set()
            made.shutdown()
