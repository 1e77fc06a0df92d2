"""What plays the host for the guest's network code: `capsule_guest.calls`, over real sockets.

It is run in a process of its own, where the stand-ins then take the place of the real modules.
"""

from __future__ import annotations

import http.client
import importlib
import itertools
import sys
import types
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

GUEST = Path(__file__).parents[3] / "toolchain" / "guest"
LARGEST = 64 << 10
# Names that lead nowhere; every other leads to the server of the test.
FAILURES = {
    "refused.test": ("refused", "refused.test is not among the allowed hosts"),
    "slow.test": ("failed", "the server's answer timed out"),
    "closed.test": ("failed", "Connection refused"),
    "gone.test": ("failed", "the name does not resolve"),
}
# What is imported anew once the stand-ins are in place.
REPLACED = ("_socket", "_ssl", "select", "selectors", "socket", "ssl", "http", "urllib", "asyncio")


class CallError(Exception):
    """Raised when the host refuses or fails."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


class Far:
    """Performs the operations, and keeps what was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[dict[str, Any]] = []
        self.open: dict[int, dict[str, Any]] = {}
        self.most = 0
        self._numbers = itertools.count(1)

    def call(
        self, op: str, fields: dict[str, Any], data: bytes = b""
    ) -> tuple[dict[str, Any], bytes]:
        assert len(data) <= LARGEST
        found: tuple[dict[str, Any], bytes] = getattr(self, op.replace(".", "_"))(fields, data)
        return found

    def http_open(self, fields: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        self.asked.append(fields)
        number = next(self._numbers)
        host = urlsplit(fields["url"]).hostname
        if FAILURES.get(str(host), ("", ""))[0] == "refused":
            raise CallError(*FAILURES[str(host)])
        self.open[number] = {**fields, "sent": 0, "host": host}
        return {"id": number}, b""

    def _begun(self, at: dict[str, Any], *, body: bool) -> http.client.HTTPConnection:
        if "connection" not in at:
            connection = at["connection"] = http.client.HTTPConnection("127.0.0.1", self.port)
            url = urlsplit(at["url"])
            path = url.path + (f"?{url.query}" if url.query else "")
            connection.putrequest(at["method"], path, skip_host=True, skip_accept_encoding=True)
            names = {name.lower() for name, _ in at["headers"]}
            assert not names & {"connection", "transfer-encoding", "te", "upgrade", "keep-alive"}
            for name, value in at["headers"]:
                connection.putheader(name, value)
            at["chunked"] = body and "content-length" not in names
            if at["chunked"]:
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
        found: http.client.HTTPConnection = at["connection"]
        return found

    def http_write(self, fields: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        at = self.open[fields["id"]]
        connection = self._begun(at, body=True)
        connection.send(b"%x\r\n%b\r\n" % (len(data), data) if at["chunked"] else data)
        return {}, b""

    def http_answer(self, fields: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        at = self.open[fields["id"]]
        if at["host"] in FAILURES:
            raise CallError(*FAILURES[at["host"]])
        connection = self._begun(at, body=False)
        if at["chunked"]:
            connection.send(b"0\r\n\r\n")
        answer = at["answer"] = connection.getresponse()
        headers = [[name, value] for name, value in answer.getheaders()]
        return {"status": answer.status, "reason": answer.reason, "headers": headers}, b""

    def http_read(self, fields: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        assert 0 < fields["most"] <= LARGEST
        try:
            return {}, self.open[fields["id"]]["answer"].read(fields["most"])
        except http.client.IncompleteRead as error:
            raise CallError("failed", f"the answer broke off: {error}") from None

    def http_finish(self, fields: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        at = self.open.pop(fields["id"])
        if "answer" in at:
            at["answer"].close()
        if "connection" in at:
            at["connection"].close()
        return {}, b""


def stand_in(port: int) -> Far:
    """Put the stand-ins in place, with this as their host."""
    far = Far(port)
    sys.path.insert(0, str(GUEST))
    calls: Any = types.ModuleType("capsule_guest.calls")
    calls.call, calls.CallError = far.call, CallError
    # What is asked without waiting is asked by event loops alone, which are not played here.
    calls.outstanding = lambda: False
    sys.modules["capsule_guest.calls"] = calls
    guest: Any = importlib.import_module("capsule_guest")
    guest.calls = calls
    for name in [name for name in sys.modules if name.partition(".")[0] in REPLACED]:
        del sys.modules[name]
    importlib.import_module("capsule_guest.net").install()
    return far
