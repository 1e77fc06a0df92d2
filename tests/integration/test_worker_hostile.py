"""`capsule worker`: lines that are wrong in every way, and lines that end in the middle of anything."""

from __future__ import annotations

import json
import random
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.integration.command import Command
from tests.integration.worker_client import FORMS, SECONDS, Client, connected, listening, on_streams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

SPIN = (
    "from capsule import task\n@task(compute=100_000_000_000_000)\n"
    "def main():\n    print('begun')\n    while True: pass\n"
)


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    command = Command(tmp_path, toolchain_home)
    command.write("hello.py", "def main(): return 'hello'\n")
    command.write("spin.py", SPIN)
    return command


@pytest.fixture(params=FORMS)
def client(request: pytest.FixtureRequest, capsule: Command) -> Iterator[Client]:
    with FORMS[request.param](capsule) as client:
        yield client


SESSION = "0" * 32
NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("line", "named", "said"),
    [
        ({"id": 1, "fiel": "hello.py"}, "id", "try: file"),
        ({"id": 1, "file": "hello.py", "straem": True}, "id", "try: stream"),
        ({"id": 1, "file": "hello.py", "stream": 1}, "id", '"stream" is true or false: 1'),
        ({"id": 1, "file": "hello.py", "code": "1"}, "id", '"code" does not go with "file"'),
        ({"id": 1, "file": "hello.py", "cancel": 2}, "cancel", '"id" does not go with "cancel"'),
        ({"id": 1, "file": "hello.py", "return": 2}, "return", '"id" does not go with "return"'),
        ({"id": 1, "open": {}, "file": "hello.py"}, "id", '"file" does not go with "open"'),
        ({"id": 1, "open": []}, "id", '"open" is an object: []'),
        ({"id": 1, "open": {}, "sesion": 1}, "id", "there is no field 'sesion' in \"open\""),
        ({"open": {}}, "id", 'needs an "id"'),
        ({"id": 1, "code": "1"}, "id", 'a line with "code" needs a "session"'),
        ({"id": 1, "sesion": SESSION, "code": "1"}, "id", "try: session"),
        ({"id": 1, "session": SESSION}, "id", "has one of code, fork, back, states"),
        ({"id": 1, "session": SESSION, "cod": "1"}, "id", "try: code"),
        ({"id": 1, "session": SESSION, "code": "1", "back": "2"}, "id", ": code, back"),
        ({"id": 1, "session": SESSION, "code": "1", "reseed": True}, "id", '"reseed" does not go'),
        ({"id": 1, "session": SESSION, "code": "1"}, "id", "there is no session '000"),
        ({"id": 1, "session": None, "code": "1"}, "id", "there is no session None"),
        ({"id": 1, "session": [1], "code": "1"}, "id", "there is no session [1]"),
        ({"id": 1, "session": {"a": []}, "close": True}, "id", "there is no session"),
        (b'{"id": ' + NESTED + b"}\n", "id", "not JSON"),
        (b'{"id": 1, "file": "hello.py", "args": ' + NESTED + b"}\n", "id", "not JSON"),
        (b'{"cancel": ' + NESTED + b"}\n", "id", "not JSON"),
        (b'{"return": 1, "value": ' + NESTED + b"}\n", "id", "not JSON"),
        (b'{"return": 1, "value": NaN}\n', "id", "NaN is not a JSON value"),
        (b'{"return": 1, "value": 1e999}\n', "id", "too large"),
        (b'{"id": 1, "id"\n', "id", "not JSON"),
        (b'{"id": 1} {"id": 2}\n', "id", "not JSON"),
        (b"\0\n", "id", "not JSON"),
        (b'"cancel"\n', "id", "a line is a JSON object"),
        ([{"cancel": 1}], "id", "a line is a JSON object"),
        (b'{"cancel": 1' + b"0" * 9_999 + b"}\n", "id", "not JSON"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_answered_once_and_nothing_else_is_lost(
    capsule: Command, line: object, named: str, said: str
) -> None:
    with on_streams(capsule) as client:
        client.send({"id": "spin", "file": "spin.py", "stream": True})
        assert client.line()["text"] == "begun\n"
        client.send(line)
        found = client.line()
        assert found.keys() == {named, "error"}
        assert found["error"]["error_type"] == "usage_error"
        assert said in found["error"]["message"]
        assert len(found["error"]["message"]) < 1_000
        client.send({"cancel": "spin"})
        assert client.answer("spin")["output"]["error"]["error_type"] == "cancelled"
        assert client.rest() == []


@pytest.mark.parametrize(
    ("begin", "piece", "end"),
    [
        (b'{"id": 1, "file": "hello.py", "args": [', b"[],", b"[]]}\n"),
        (b'{"return": 1, "value": [', b"{},", b"{}]}\n"),
        (b'{"id": 1, "open": {"imports": [', b'"",', b'""]}}\n'),
        (b'{"cancel": {', b'"":0,', b'"":0}}\n'),
    ],
)
def test_a_line_of_many_parts_costs_no_memory(
    capsule: Command, begin: bytes, piece: bytes, end: bytes
) -> None:
    with on_streams(capsule) as client:
        assert client.ask({"id": 0, "file": "hello.py"})["output"]["success"]
        host = psutil.Process(client.pid)
        before = host.memory_info().rss
        client.send(begin + piece * ((60 << 20) // len(piece)) + end)
        error = client.line()["error"]
        assert "too many parts" in error["message"]
        assert host.memory_info().rss - before < 200 << 20
        assert client.ask({"id": 2, "file": "hello.py"})["output"]["success"]


def test_large_arguments_go_in_and_out(client: Client, capsule: Command) -> None:
    capsule.write(
        "size.py",
        "from capsule import task\n@task(compute='HIGH')\n"
        "def main(text, values): return [len(text), sum(values)]\n",
    )
    args = ["x" * (20 << 20), [1] * 1_000_000]
    answer = client.ask({"id": 1, "file": "size.py", "args": args})
    assert answer["output"]["result"] == [20 << 20, 1_000_000], answer


WORDS = [
    "id", "file", "args", "kwargs", "mounts", "cwd", "limits", "untrusted", "stream", "tools", "open",
    "load", "session", "code", "fork", "reseed", "back", "states", "save", "read", "write", "text",
    "base64", "close", "cancel", "return", "value", "error", "call", "nothing", "", "\ud800", "__class__",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 10**30, "", "x", "\ud800", "\0", [], [[]], ["x"], {}, {"a": 1},
    {"text": "x"}, {"timeout": "1s"}, SESSION,
]  # fmt: skip


def test_lines_of_any_words_are_answered_one_by_one(client: Client) -> None:
    """Any fields with any values: each line has one answer, and the worker goes on."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)  # noqa: S311 - nobody need not guess it
    session = client.open()
    for _ in range(600):
        # Nothing that runs, and nothing that goes on: what is written to disk is not wanted either.
        names = draw.sample(WORDS, draw.randrange(1, 6))
        line = {name: draw.choice(VALUES) for name in names if name not in ("save", "open", "load")}
        if "session" in line and draw.random() < 0.5:
            line["session"] = session
        if line.get("close") is True and line.get("session") == session:
            continue
        client.send(line)
        found = client.line()
        named = next((name for name in ("cancel", "return") if name in line), "id")
        assert json.dumps(found[named]) == json.dumps(line.get(named)), (line, found)
    assert client.result(session, "1 + 1") == 2


UNFINISHED = {
    "half a line": [b'{"id": 1, "file": "hel'],
    "no end of the last line": [b'{"id": 2, "file": "hello.py"}'],
    "a run": [{"id": 2, "file": "hello.py", "stream": True}],
    "a run and its cancel": [{"id": 2, "file": "spin.py", "stream": True}, {"cancel": 2}],
    "an opening": [{"id": 2, "open": {}}],
    "an opening and its cancel": [{"id": 2, "open": {"imports": ["json", "csv"]}}, {"cancel": 2}],
    "a wrong line": [{"id": 1, "fil": "hello.py"}],
    "half of a long line": [b'{"id": 1, "args": ["' + b"x" * (1 << 20)],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lines", UNFINISHED.values(), ids=UNFINISHED)
def test_input_that_ends_in_the_middle(capsule: Command, lines: list[object], form: str) -> None:
    with FORMS[form](capsule) as client:
        client.send(*lines)
        found = [line for line in client.rest() if "stream" not in line]
        assert len(found) == 1
        assert found[0].get("id") in (None, 1, 2)


TURNS = {
    "a turn": {"code": "1 + 1"},
    "a fork": {"fork": None},
    "a save": {"save": "a.session"},
    "a file": {"write": "a", "text": "b"},
    "a close": {"close": True},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("asked", TURNS.values(), ids=TURNS)
def test_input_that_ends_in_the_middle_of_a_session(
    capsule: Command, asked: dict[str, object], form: str
) -> None:
    with FORMS[form](capsule) as client:
        session = client.open()
        client.send({"id": 1, "session": session, **asked})
        (answer,) = client.rest()
        assert answer["id"] == 1
        assert "error" not in answer


@pytest.mark.parametrize(
    "asked",
    [
        {"file": "spin.py", "stream": True},
        {"file": "call.py", "tools": ["f"]},
        {"open": {"imports": ["decimal"]}},
    ],
    ids=["run", "call", "opening"],
)
def test_a_connection_that_is_dropped_in_the_middle(
    capsule: Command, asked: dict[str, object]
) -> None:
    capsule.write("call.py", "from capsule import tools\ndef main(): return tools.f()\n")
    with listening(capsule) as (path, pid):
        begun: list[psutil.Process] = []
        for number in range(3):
            with connected(path, pid) as client:
                client.send({"id": 1, **asked})
                if "file" in asked:
                    client.line()
                    # Of later ones, some wait for a next run, which is not of the connection.
                    begun = begun or client.sandboxes()
                    assert begun, number
        assert psutil.wait_procs(begun, SECONDS)[1] == []
        with connected(path, pid) as client:
            assert client.result(client.open(), "1") == 1
            client.hang_up()
            assert client.reader.read() == b""
            if "open" in asked:
                assert psutil.wait_procs(client.sandboxes(), SECONDS)[1] == []


def test_connections_leave_no_threads(capsule: Command) -> None:
    """Nor descriptors: those that are dropped, and those that end as they should."""
    with listening(capsule) as (path, pid):
        host = psutil.Process(pid)

        def talk() -> None:
            with connected(path, pid) as client:
                session = client.open()
                assert client.result(session, "1") == 1
                client.send({"id": 1, "session": session, "code": "f()", "tools": ["f"]})
                client.line()
            with connected(path, pid) as client:
                assert client.result(client.open(), "1") == 1
                client.hang_up()
                assert client.reader.read() == b""

        for _ in range(3):
            talk()
        threads, descriptors = host.num_threads(), host.num_fds()
        for _ in range(10):
            talk()
        # The last may be about to end.
        while host.num_threads() > threads or host.num_fds() > descriptors:
            threading.Event().wait(0.01)
