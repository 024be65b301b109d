"""HTTP/1.1 servers on threads: requests and answers as values, bodies streamed in both directions."""

from __future__ import annotations

import socket
import ssl
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from .errors import CutConnection

PIECE = 1 << 20
# A client that is refused early may still be sending; up to this much is read so that the connection lives on.
DRAIN = 8 << 20


class Source(Protocol):
    """Something bytes come from; *length* is what is known of their number."""

    @property
    def length(self) -> int | None: ...

    def readinto1(self, buffer: memoryview) -> int:
        """Fill the beginning of *buffer* with what is there; 0 at the end."""


class Body:
    """The body of a request: *length* bytes, or (None) as many as its chunks hold (RFC 9112, section 7.1)."""

    def __init__(self, file: BufferedIOBase, length: int | None) -> None:
        self.length = length
        self.taken = 0
        self._file = file
        self._left = length or 0
        self._ended = length is not None

    def readinto1(self, buffer: memoryview) -> int:
        """Fill the beginning of *buffer*; 0 at the end. ConnectionError when the client stops before it."""
        if self._left == 0 and not self._ended:
            self._next_chunk()
        if self._left == 0:
            return 0
        count = self._file.readinto1(buffer[: min(len(buffer), self._left)])
        if count == 0:
            raise ConnectionError("the client stopped inside a body")
        self._left -= count
        self.taken += count
        if self._left == 0 and self.length is None:
            self._file.readline()
        return count

    def _next_chunk(self) -> None:
        line = self._file.readline()
        if not line:
            raise ConnectionError("the client stopped between chunks")
        self._left = int(line.split(b";")[0], 16)
        if self._left == 0:
            self._ended = True
            while self._file.readline().strip():
                continue


@dataclass
class Request:
    """One request; *target* is the raw path with the query, *path* without it."""

    method: str
    target: str
    headers: Message
    body: Body

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's last value per name."""
        return {k: v[-1] for k, v in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()}

    def read(self, limit: int = 16 << 20) -> bytes:
        """Return the whole body; ValueError when it is longer than *limit* bytes."""
        content = bytearray()
        piece = memoryview(bytearray(min(PIECE, self.body.length or PIECE) or 1))
        while count := self.body.readinto1(piece):
            content += piece[:count]
            if len(content) > limit:
                raise ValueError(f"body longer than {limit} bytes")
        return bytes(content)


@dataclass
class Response:
    """An answer; a streamed *body* must know its length."""

    status: int
    body: bytes | Source = b""
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Response]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _handle(self) -> None:
        request = Request(self.command, self.path, self.headers, self._body())
        try:
            response = self.server.answer(request)
        except CutConnection:
            self.close_connection = True
            return
        except ConnectionError:
            self.close_connection = True
            return
        except Exception:
            traceback.print_exc(file=sys.stderr)
            response = Response(500, b"the lab failed; its log has the traceback\n")
        self._drain(request)
        self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _body(self) -> Body:
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        return Body(self.rfile, None if chunked else int(self.headers.get("Content-Length") or 0))

    def _drain(self, request: Request) -> None:
        piece = memoryview(bytearray(64 << 10))
        done = 0
        while done < DRAIN:
            count = request.body.readinto1(piece)
            if not count:
                return
            done += count
        self.close_connection = True

    def _send(self, response: Response) -> None:
        length = len(response.body) if isinstance(response.body, bytes) else response.body.length
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in response.headers and response.status != 204:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(response.body, bytes):
            self.wfile.write(response.body)
            return
        piece = memoryview(bytearray(PIECE))
        while count := response.body.readinto1(piece):
            self.wfile.write(piece[:count])

    def log_message(self, *_: object) -> None:
        """Say nothing: the ledger keeps what tests need."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, address: tuple[str, int], answer: Answer, tls: ssl.SSLContext | None) -> None:
        self.answer = answer
        self._tls = tls
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking for the machine's own name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept; the handshake happens in the connection's own thread, on its first read."""
        connection, address = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, *_: object) -> None:
        """Stay quiet about clients that went away or do not trust the certificate."""
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, ssl.SSLError)):
            traceback.print_exc(file=sys.stderr)


def server(address: tuple[str, int], answer: Answer, tls: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    """Return a server bound to *address* (port 0: a free one) that answers by *answer*.

    Raises OSError when the address cannot be bound.
    """
    return _Server(address, answer, tls)
