import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Hello from ${{ values.name }}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: exit(0))
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
