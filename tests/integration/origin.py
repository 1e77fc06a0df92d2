"""A server on loopback that network tests talk to, with and without TLS."""

from __future__ import annotations

import gzip
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path

PIECE = bytes(range(256)) * 256
LARGE = 100 << 20
# Seconds until a request is answered that waits for another, which does not come.
LONG = 20


class Handler(BaseHTTPRequestHandler):
    """Answers by path, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    server: Origin

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        return

    def do_GET(self) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        if self.path.startswith("/to/"):
            self._redirect(self.path.removeprefix("/to/"))
        elif self.path == "/large":
            self._head(200, {"Content-Length": str(LARGE)})
            for _ in range(LARGE // len(PIECE)):
                self.wfile.write(PIECE)
        elif self.path == "/chunked":
            self._head(200, {"Transfer-Encoding": "chunked"})
            for piece in (b"one ", b"two ", b"three"):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/gzip":
            self._answer(gzip.compress(b"unpacked"), {"Content-Encoding": "gzip"})
        elif self.path.startswith("/meet/"):
            # Answered when so many are asked for at the same time.
            self._answer(b"met" if self.server.meet(int(self.path.split("/")[2])) else b"alone")
        elif self.path == "/hold":
            self.server.released.wait(LONG)
            self._answer(b"held")
        elif self.path == "/release":
            self.server.released.set()
            self._answer(b"released")
        elif self.path == "/headers":
            self._answer(str(self.headers).encode(), {"Set-Cookie": "session=s3cr3t"})
        else:
            self._answer(b"hello " + self.path.encode())

    do_HEAD = do_DELETE = do_GET  # noqa: N815

    def do_POST(self) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        size = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while count := int(self.rfile.readline(), 16):
                body += self.rfile.read(count)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(size)
        self._answer(b"%d " % len(body) + body[:100])

    do_PUT = do_POST  # noqa: N815

    def _redirect(self, url: str) -> None:
        self._head(302, {"Location": url, "Content-Length": "0"})

    def _answer(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(200, {"Content-Length": str(len(body)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class Origin(ThreadingHTTPServer):
    """A server of `Handler`; `seen` is what it was asked."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[str] = []
        self.released = threading.Event()
        self._meetings: dict[int, threading.Barrier] = {}
        self.tls = tls is not None
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Where it is, by name."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.server_port}"

    def meet(self, count: int) -> bool:
        """Wait until so many are here at once; say whether they were."""
        barrier = self._meetings.setdefault(count, threading.Barrier(count))
        try:
            barrier.wait(LONG)
        except threading.BrokenBarrierError:
            return False
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        return  # a client that goes away, or does not like the certificate

    def __enter__(self) -> Origin:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


def authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a new authority and a server's context with a certificate of it."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("localhost").configure_cert(context)
    return folder / "ca.pem", context
