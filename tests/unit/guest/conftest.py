"""A server on loopback, and a process in which the stand-ins are in place."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
LARGE = 20 << 20


class Handler(BaseHTTPRequestHandler):
    """Says what it was asked; some paths are special."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _chunked(self, pieces: Iterator[bytes], last: bytes = b"0\r\n\r\n") -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(last)

    def _handle(self) -> None:
        body = self._body()
        said = {"method": self.command, "path": self.path, "length": len(body)}
        said |= {"body": body[:100].decode("latin-1"), "headers": dict(self.headers.items())}
        match self.path.partition("?")[0].split("/")[1:]:
            case ["redirect", count]:
                to = f"/redirect/{int(count) - 1}" if int(count) > 1 else "/end"
                self._answer(302, b"elsewhere", Location=to)
            case ["gzip"]:
                self._answer(200, gzip.compress(b"x" * 10000), Content_Encoding="gzip")
            case ["status", code]:
                self.send_response(int(code))
                if code not in {"204", "304"}:
                    self.send_header("Content-Length", "0")
                self.end_headers()
            case ["large"]:
                self.send_response(200)
                self.send_header("Content-Length", str(LARGE))
                self.end_headers()
                for _ in range(LARGE >> 16):
                    self.wfile.write(bytes(1 << 16))
            case ["chunked"]:
                self._chunked(iter([b"one ", b"two ", b"three"]))
            case ["broken"]:
                self._chunked(iter([b"one "]), b"")
                self.close_connection = True
            case ["short"]:
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"only this")
                self.close_connection = True
            case _:
                self._answer(200, json.dumps(said).encode(), Content_Type="application/json")

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _handle  # noqa: N815 - as the class has it


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    """Serve on loopback, and say where."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def inside(port: int) -> Callable[[str], Any]:
    """Run code where the stand-ins are in place, and return what it says."""

    def run(code: str) -> Any:
        start = (
            f"import sys, json\nsys.path.insert(0, {str(HERE)!r})\n"
            f"import far_side\nfar = far_side.stand_in({port})\nsay = lambda x: print(json.dumps(x))\n"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", start + textwrap.dedent(code)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr
        return json.loads(done.stdout)

    return run
