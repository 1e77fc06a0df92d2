"""Clients of HTTP, unchanged, in the real sandbox; the host is played by a module of the task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule.policy.resolve import CallerLimits
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.source import read_file
from tests.integration.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    Clients = Callable[..., Any]

pytestmark = pytest.mark.integration

NET = Path(__file__).parents[2] / "toolchain" / "guest" / "capsule_guest" / "net"

# Answers every operation; what takes a socket is imported again, over the stand-ins.
PLAYED = """
import gzip, importlib, json, sys, types
import capsule_guest

class CallError(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind, self.message = kind, message

asked, answers, coming = [], {}, []

def call(op, fields, data=b""):
    return globals()[op.replace("http.", "")](fields, data)

def ask(op, fields, data=b"", tell=None):
    try:
        coming.append((tell, call(op, fields, data)))
    except CallError as error:
        coming.append((tell, ({"error": error.kind, "message": error.message}, b"")))

def take():
    tell, answered = coming.pop(0)
    tell(answered)

def open(fields, data):
    asked.append(fields)
    if "refused" in fields["url"]:
        raise calls.CallError("refused", "refused.test is not among the allowed hosts")
    answers[len(asked)] = [fields, b"", None]
    return {"id": len(asked)}, b""

def write(fields, data):
    assert len(data) <= 64 << 10
    answers[fields["id"]][1] += data
    return {}, b""

def answer(fields, data):
    at = answers[fields["id"]]
    url, status, headers = at[0]["url"], 200, []
    if url.endswith("/redirect"):
        status, headers, body = 302, [["Location", "/end"], ["Content-Length", "5"]], b"moved"
    elif url.endswith("/large"):
        headers, body = [["Content-Length", str(100 << 20)]], 100 << 20
    elif url.endswith("/gzip"):
        headers, body = [["Content-Encoding", "gzip"]], gzip.compress(b"x" * 10000)
    else:
        body = json.dumps([at[0]["method"], url, len(at[1])]).encode()
    at[2] = body
    return {"status": status, "reason": "said", "headers": headers}, b""

def read(fields, data):
    at = answers[fields["id"]]
    if isinstance(at[2], int):
        most = min(at[2], fields["most"])
        at[2] -= most
        return {}, bytes(most)
    piece, at[2] = at[2][: fields["most"]], at[2][fields["most"] :]
    return {}, piece

def finish(fields, data):
    del answers[fields["id"]]
    return {}, b""

calls = sys.modules.get("capsule_guest.calls")
if calls is None:
    calls = sys.modules["capsule_guest.calls"] = types.ModuleType("capsule_guest.calls")
    calls.CallError = CallError
capsule_guest.calls = calls
calls.call, calls.ask, calls.take = call, ask, take
calls.outstanding = lambda: bool(coming)
calls.comes = lambda seconds=0: bool(coming)

OVER = {"_socket", "_ssl", "select", "selectors", "socket", "ssl", "http", "urllib", "asyncio", "_asyncio"}

def ready():
    if "_ssl" not in sys.modules:
        for name in [name for name in sys.modules if name.partition(".")[0] in OVER]:
            del sys.modules[name]
    importlib.import_module("capsule_guest.net").install()
"""

HTTP_CLIENT = """
import http.client
def main():
    client, found = http.client.HTTPSConnection("a.test"), []
    for method, body in (("GET", None), ("POST", b"abc"), ("PUT", b"x" * 200000), ("HEAD", None)):
        client.request(method, "/p", body)
        found.append(json.loads(client.getresponse().read() or "0"))
    return found
"""

URLLIB = """
import urllib.request
def main():
    with urllib.request.urlopen("https://a.test/redirect") as answer:
        found = [json.load(answer)]
    try:
        urllib.request.urlopen("https://refused.test/")
    except urllib.error.URLError as error:
        found += [type(error.reason).__name__, error.reason.strerror]
    total = 0
    with urllib.request.urlopen("http://a.test/large") as answer:
        while data := answer.read(1 << 16):
            total += len(data)
    return [*found, total]
"""

URLLIB3 = """
import urllib3
def main():
    with urllib3.PoolManager() as manager:
        found = [manager.request("GET", "https://a.test/p").json() for _ in range(3)]
        pool = manager.connection_from_url("https://a.test")
        return [found, pool.num_connections, pool.num_requests]
"""

REQUESTS = """
import requests
def main():
    with requests.Session() as session:
        found = [
            session.get("https://a.test/redirect").json(),
            session.post("http://a.test/p", data=(b"ab" for _ in range(9))).json(),
            len(session.get("https://a.test/gzip", verify=False).text),
        ]
        with session.get("https://a.test/large", stream=True) as answer:
            found.append(sum(map(len, answer.iter_content(1 << 16))))
        try:
            session.get("https://refused.test/")
        except requests.ConnectionError as error:
            found.append("not among the allowed hosts" in str(error))
    return found
"""

HTTPX = """
import httpx
def main():
    with httpx.Client(follow_redirects=True) as client:
        return [client.get("https://a.test/redirect").json(), client.post("http://a.test/", json=[1]).json()]
"""

HTTPX_ASYNC = """
import httpx
async def main():
    async with httpx.AsyncClient() as client:
        return [(await client.get(f"{kind}://a.test/")).json() for kind in ("http", "https", "https")]
"""

ASYNCIO = """
import asyncio
async def later(n):
    await asyncio.sleep(n / 100)
    return n
async def main():
    found = [await asyncio.gather(later(2), later(1)), await asyncio.to_thread(len, "abc")]
    for tls in (None, True):
        reader, writer = await asyncio.open_connection("a.test", 443, ssl=tls)
        writer.write(b"GET /p HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: close\\r\\n\\r\\n")
        found.append(json.loads((await reader.read()).splitlines()[-3]))
        writer.close()
    return found
"""


@pytest.fixture
def clients(toolchain_home: Path, tmp_path: Path) -> Clients:
    """Run a task with the stand-ins and what plays the host beside it; return what it found."""

    def run(source: str, *packages: str) -> Any:
        beside = tmp_path / "capsule_guest" / "net"
        beside.mkdir(parents=True)
        (beside.parent / "__init__.py").touch()
        for file in NET.glob("*.py"):
            (beside / file.name).write_bytes(file.read_bytes())
        names = [f"import capsule_guest.net.{file.stem}" for file in NET.glob("[a-z]*.py")]
        ship = "def ship():\n    " + "\n    ".join(names)
        (tmp_path / "played.py").write_text(PLAYED)
        listed = ", ".join(f'"{name}"' for name in packages)
        head = f"# /// script\n# dependencies = [{listed}]\n# ///\n" if packages else ""
        task = tmp_path / "client.py"
        task.write_text(f"{head}import json\nimport played\n{ship}\nplayed.ready()\n{source}\n")
        call = prepare.Call((), None, CallerLimits())
        order = prepare.order(read_file(task, tmp_path), call, toolchain_home, Silent())
        order = order._replace(policy=order.policy._replace(compute=10**12))
        envelope = Workbench(toolchain_home, tmp_path).run_order(order)
        assert envelope["error"] is None, envelope
        return envelope["result"]

    return run


def test_http_client(clients: Clients) -> None:
    url = "https://a.test/p"
    assert clients(HTTP_CLIENT) == [["GET", url, 0], ["POST", url, 3], ["PUT", url, 200000], 0]


def test_urllib(clients: Clients) -> None:
    said = "refused.test is not among the allowed hosts"
    end = ["GET", "https://a.test/end", 0]
    assert clients(URLLIB) == [end, "PermissionError", said, 100 << 20]


def test_urllib3(clients: Clients) -> None:
    assert clients(URLLIB3, "urllib3") == [[["GET", "https://a.test/p", 0]] * 3, 1, 3]


def test_requests(clients: Clients) -> None:
    assert clients(REQUESTS, "requests") == [
        ["GET", "https://a.test/end", 0],
        ["POST", "http://a.test/p", 18],
        10000,
        100 << 20,
        True,
    ]


def test_httpx(clients: Clients) -> None:
    assert clients(HTTPX, "httpx") == [
        ["GET", "https://a.test/end", 0],
        ["POST", "http://a.test/", 3],
    ]


def test_asyncio_goes_on(clients: Clients) -> None:
    assert clients(ASYNCIO) == [
        [2, 1],
        3,
        ["GET", "http://a.test:443/p", 0],
        ["GET", "https://a.test/p", 0],
    ]


def test_httpx_async(clients: Clients) -> None:
    assert clients(HTTPX_ASYNC, "httpx") == [
        ["GET", "http://a.test/", 0],
        ["GET", "https://a.test/", 0],
        ["GET", "https://a.test/", 0],
    ]
