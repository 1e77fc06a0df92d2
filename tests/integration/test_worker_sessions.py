"""`capsule worker`: sessions that lines open, go on in, fork, save and close."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from capsule import SessionSync
from tests.integration.command import Command
from tests.integration.worker_client import (
    FORMS,
    SECONDS,
    Client,
    connected,
    listening,
    on_streams,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Iterator[Command]:
    command = Command(tmp_path, toolchain_home)
    command.environ["GIVEN"] = "a value"
    command.write("hello.py", "def main(): return 'hello'\n")
    stores = toolchain_home / "cache" / "sessions"
    before = {path for path in stores.glob("*") if path.is_dir()}
    yield command
    # Whatever happened, no state is left on the disk.
    assert {path for path in stores.glob("*") if path.is_dir()} <= before


@pytest.fixture(params=FORMS)
def client(request: pytest.FixtureRequest, capsule: Command) -> Iterator[Client]:
    with FORMS[request.param](capsule) as client:
        yield client


def test_turns_go_on_and_answer_what_turns_answer(client: Client) -> None:
    session = client.open()
    client.send({"id": 1, "session": session, "code": "x = 41\nprint('out')", "stream": True})
    assert client.line() == {"id": 1, "stream": "stdout", "text": "out\n"}
    first = client.line()
    assert first.keys() == {"id", "output", "text", "displays", "files", "state"}
    assert first["output"].keys() == {"success", "result", "error", "execution"}
    assert first["output"]["execution"]["fuel_consumed"] > 0
    second = client.ask(
        {"id": 2, "session": session, "code": "open('f.txt', 'w').write('abc')\nx + 1"}
    )
    assert (second["output"]["result"], second["text"]) == (42, "42")
    assert second["files"] == [{"name": "f.txt", "size": 3, "change": "new"}]
    assert second["state"] != first["state"]
    third = client.ask({"id": 3, "session": session, "code": "x = 0\n{1, 2}"})
    assert (third["output"]["result"], third["text"]) == (None, "{1, 2}")
    failed = client.ask({"id": 4, "session": session, "code": "x = 7\n1 / 0"})
    assert failed["output"]["error"]["error_type"] == "task_error"
    assert failed["state"] != third["state"]
    assert client.result(session, "x") == 7


def test_displays_are_kinds_and_base64(client: Client) -> None:
    session = client.open()
    code = (
        "class Shown:\n"
        "    def _repr_html_(self): return '<b>é</b>'\n"
        "    def _repr_png_(self): return b'\\x89PNG\\xff'\n"
        "display(Shown())"
    )
    (shown,) = client.ask({"id": 1, "session": session, "code": code})["displays"]
    assert shown["text/html"] == "<b>é</b>"
    assert base64.b64decode(shown["image/png"], validate=True) == b"\x89PNG\xff"


def test_states_forks_and_going_back(client: Client) -> None:
    opened = client.ask({"id": 0, "open": {}})
    session = opened["session"]
    states = [
        client.ask({"id": n, "session": session, "code": f"x = {n}"})["state"] for n in range(3)
    ]
    answer = client.ask({"id": "s", "session": session, "states": True})
    assert answer == {"id": "s", "states": [opened["state"], *states], "state": states[-1]}
    fork = client.ask({"id": "f", "session": session, "fork": states[0]})
    assert fork["state"] == states[0]
    assert fork["session"] != session
    now = client.ask({"id": "n", "session": session, "fork": None, "reseed": True})
    assert client.ask({"id": "b", "session": session, "back": states[1]}) == {
        "id": "b",
        "state": states[1],
    }
    found = [client.result(each, "x") for each in (session, fork["session"], now["session"])]
    assert found == [1, 0, 2]
    for wrong, said in (("0" * 32, "no state"), ("../../x", "no name of a state")):
        for step in ("back", "fork"):
            error = client.ask({"id": "w", "session": session, step: wrong})["error"]
            assert error["error_type"] == "state_error"
            assert said in error["message"]
    assert client.result(session, "x") == 1


def test_files_come_and_go_in_lines(client: Client, capsule: Command) -> None:
    capsule.write("in.csv", "a,b\n")
    data = bytes(range(256))
    files = {
        "in.csv": "in.csv",
        "deep/x.bin": {"base64": base64.b64encode(data).decode()},
        "t.txt": {"text": "é"},
    }
    session = client.open(files=files)
    assert client.result(session, "open('in.csv').read() + open('t.txt').read()") == "a,b\né"
    answer = client.ask({"id": 1, "session": session, "read": "deep/x.bin"})
    assert base64.b64decode(answer["base64"]) == data
    answer = client.ask({"id": 2, "session": session, "write": "new.txt", "text": "later"})
    assert answer.keys() == {"id", "state"}
    assert client.result(session, "open('new.txt').read()") == "later"
    for wrong in ("gone", "../../etc/passwd", "/etc/passwd"):
        error = client.ask({"id": 3, "session": session, "read": wrong})["error"]
        assert "there is no file" in error["message"]
    for wrong in ("../x", "/../x", "a/../../x", "x/"):
        error = client.ask({"id": 4, "session": session, "write": wrong, "text": ""})["error"]
        assert "no name of a file" in error["message"]
    assert (capsule.folder / "in.csv").read_text() == "a,b\n"


def test_what_is_too_large_for_a_line_is_said(capsule: Command) -> None:
    with on_streams(capsule) as client:
        session = client.open()
        code = "f = open('big', 'wb')\nfor _ in range(33): f.write(bytes(1 << 20))\nf.close()"
        assert client.ask({"id": 1, "session": session, "code": code})["output"]["success"]
        error = client.ask({"id": 2, "session": session, "read": "big"})["error"]
        assert "has 34,603,008 bytes; a line brings 33,554,432 at most" in error["message"]
        assert "try: a folder of mounts" in error["message"]
        assert client.result(session, "1") == 1


def test_a_session_is_saved_and_loaded_elsewhere(client: Client, capsule: Command) -> None:
    session = client.open()
    client.result(session, "x = {'deep': [1]}\ng = iter(range(9)); next(g)")
    answer = client.ask({"id": 1, "session": session, "save": "work.session"})
    assert answer == {"id": 1, "save": "work.session"}
    loaded = client.ask({"id": 2, "load": "work.session", "open": {"timeout": "20s"}})
    assert client.result(loaded["session"], "[x, next(g)]") == [{"deep": [1]}, 1]
    with SessionSync.load(capsule.folder / "work.session") as there:
        assert there.run("x").result == {"deep": [1]}
    capsule.write("broken.session", "nonsense")
    for line, said in (
        ({"load": "broken.session"}, "is no state, or a damaged one"),
        ({"load": "gone.session"}, "gone.session"),
        ({"load": ""}, '"load" is the name of a file'),
        ({"load": 5}, '"load" is text'),
        ({"load": "work.session", "open": {"imports": ["json"]}}, 'does not go with "load"'),
        ({"load": "work.session", "open": {"files": {"a": "b"}}}, 'does not go with "load"'),
    ):
        assert said in client.ask({"id": 3, **line})["error"]["message"]


def test_a_turn_that_is_stopped_leaves_the_state_of_before(client: Client) -> None:
    session = client.open(compute=100_000_000_000_000)
    before = client.ask({"id": 0, "session": session, "code": "x = 1"})["state"]
    spin = "x = 2\nprint('begun')\nwhile True: pass"
    limited = {"id": 1, "session": session, "code": spin, "limits": {"timeout": "300ms"}}
    answer = client.ask(limited)
    assert answer["output"]["error"]["error_type"] == "timeout"
    assert answer["state"] == before
    client.send({"id": 2, "session": session, "code": spin, "stream": True})
    assert client.line()["text"] == "begun\n"
    # These wait for their turn behind it.
    client.send(
        {"id": 3, "session": session, "code": "x = 3"},
        {"id": 4, "session": session, "code": "x"},
        {"cancel": 3},
        {"cancel": 2},
    )
    answers = {answer["id"]: answer for answer in (client.line() for _ in range(3))}
    for number in (2, 3):
        assert answers[number]["output"]["error"]["error_type"] == "cancelled"
        assert answers[number].keys() == answer.keys()
    assert answers[2]["output"]["execution"]["stdout"] == "begun\n"
    assert answers[2]["state"] == before
    assert answers[4]["output"]["result"] == 1


def test_lines_of_one_session_go_in_order_and_wait_for_no_other(client: Client) -> None:
    slow, quick = client.open(), client.open()
    client.send({"id": "s", "session": slow, "code": "f()", "tools": ["f"]})
    call = client.next(lambda line: "call" in line)
    client.send(
        *({"id": n, "session": slow, "code": f"seen = [*globals().get('seen', []), {n}]"} for n in range(20)),
        {"id": "r", "session": slow, "code": "seen"},
    )  # fmt: skip
    assert client.result(quick, "1") == 1
    assert client.ask({"id": "q", "session": quick, "states": True})["states"]
    assert client.ask({"id": "h", "file": "hello.py"})["output"]["success"]
    assert client.earlier == []
    client.send({"return": call["call"], "value": None})
    assert client.answer("r")["output"]["result"] == list(range(20))


def test_a_closed_session_is_gone_and_its_processes_too(client: Client) -> None:
    session = client.open()
    assert client.result(session, "1") == 1
    client.send(
        {"id": 1, "session": session, "code": "2"},
        {"id": 2, "session": session, "close": True},
        {"id": 3, "session": session, "code": "3"},
        {"id": 4, "session": session, "close": True},
    )
    answers = {answer["id"]: answer for answer in (client.line() for _ in range(4))}
    assert answers[1]["output"]["result"] == 2
    assert answers[2] == {"id": 2, "close": True}
    for number in (3, 4):
        assert f"there is no session {session!r}" in answers[number]["error"]["message"]
    assert psutil.wait_procs(client.sandboxes(), SECONDS)[1] == []


def test_a_cancelled_close_closes_all_the_same(client: Client) -> None:
    session = client.open(compute=100_000_000_000_000)
    spin = "print('begun')\nwhile True: pass"
    client.send({"id": 1, "session": session, "code": spin, "stream": True})
    client.line()
    client.send({"id": 2, "session": session, "close": True}, {"cancel": 2}, {"cancel": 1})
    assert client.answer(1)["output"]["error"]["error_type"] == "cancelled"
    assert client.answer(2) == {"id": 2, "close": True}
    assert psutil.wait_procs(client.sandboxes(), SECONDS)[1] == []


def test_how_many_are_open_is_bounded_for_all_connections_together(capsule: Command) -> None:
    with (
        listening(capsule, "--max-sessions", "2") as (path, pid),
        connected(path, pid) as one,
        connected(path, pid) as two,
    ):
        session = one.open()
        two.open()
        more: list[dict[str, Any]] = [{"open": {}}, {"session": session, "fork": None}]
        for line in more:
            error = one.ask({"id": 1, **line})["error"]
            assert "2 sessions are open, which is the most" in error["message"]
        # What could not be opened is not counted.
        assert one.ask({"id": 2, "session": session, "close": True})["close"] is True
        assert "imports" in one.ask({"id": 3, "open": {"imports": ["a b"]}})["error"]["message"]
        session = one.open()
        two.hang_up()
        assert two.reader.read() == b""
        # Its connection has ended, and with it the session.
        assert "session" in one.ask({"id": 4, "session": session, "fork": None})


def test_the_sessions_of_another_connection_are_not_there(capsule: Command) -> None:
    with (
        listening(capsule) as (path, pid),
        connected(path, pid) as one,
        connected(path, pid) as two,
    ):
        session = one.open()
        state = one.ask({"id": 1, "session": session, "code": "secret = 5"})["state"]
        for line in ({"code": "secret"}, {"read": "x"}, {"states": True}, {"close": True}):
            error = two.ask({"id": 1, "session": session, **line})["error"]
            assert "on this connection" in error["message"]
        mine = two.open()
        assert "no state" in two.ask({"id": 2, "session": mine, "fork": state})["error"]["message"]
        assert one.result(session, "secret") == 5


@pytest.mark.parametrize("form", FORMS)
def test_the_end_of_input_closes_all_behind_the_last_answer(capsule: Command, form: str) -> None:
    with FORMS[form](capsule) as client:
        session = client.open()
        fork = client.ask({"id": 1, "session": session, "fork": None})["session"]
        client.send(
            {"id": 2, "session": session, "code": "x = 5"},
            {"id": 3, "session": session, "code": "x"},
            {"id": 4, "session": fork, "code": "6"},
            {"id": 5, "open": {}},
        )
        found = {answer["id"]: answer for answer in client.rest()}
        assert found.keys() == {2, 3, 4, 5}
        assert [found[number]["output"]["result"] for number in (2, 3, 4)] == [None, 5, 6]
        if form == "socket":
            assert psutil.wait_procs(client.sandboxes(), SECONDS)[1] == []


@pytest.mark.parametrize("form", FORMS)
def test_a_client_that_is_gone_ends_its_turns_and_sessions(
    capsule: Command, form: str, toolchain_home: Path
) -> None:
    with FORMS[form](capsule) as client:
        session = client.open(compute=100_000_000_000_000)
        client.send(
            {"id": 1, "session": session, "code": "print('begun')\nwhile True: pass", "stream": True},
            {"id": 2, "session": session, "code": "1"},
        )  # fmt: skip
        assert client.line()["text"] == "begun\n"
        sandboxes = client.sandboxes()
        client.reader.close()
        client.writer.close()
        if form == "streams":
            assert psutil.wait_procs([psutil.Process(client.pid)], SECONDS)[1] == []
    assert psutil.wait_procs(sandboxes, SECONDS)[1] == []


def test_a_signal_ends_all_sessions(capsule: Command) -> None:
    process: Any
    with listening(capsule) as (path, pid), connected(path, pid) as client:
        session = client.open(compute=100_000_000_000_000)
        client.send({"id": 1, "session": session, "code": "print(1)\nwhile True: pass", "stream": True})  # fmt: skip
        assert client.line()["text"] == "1\n"
        sandboxes = client.sandboxes()
        process = psutil.Process(pid)
        process.terminate()
        assert psutil.wait_procs([*sandboxes, process], SECONDS)[1] == []


def test_turns_stand_in_the_record(capsule: Command) -> None:
    with on_streams(capsule) as client:
        session = client.open()
        answer = client.ask({"id": 1, "session": session, "code": "1 + 1"})
        run = answer["output"]["execution"]["run_id"]
    shown = json.loads(capsule("trace", run, "--json").out)
    assert json.dumps(shown).count("session") > 0


def test_a_session_may_do_what_is_said_and_no_more(client: Client, capsule: Command) -> None:
    look = "import os\n[os.environ.get('GIVEN'), os.path.exists('/in/a')]"
    capsule.write("data/a", "")
    options = {"env_variables": ["GIVEN"], "mounts": ["data::/in:ro"]}
    assert client.result(client.open(**options), look) == ["a value", True]
    assert client.result(client.open(), look) == [None, False]
    # What the caller mounts holds, as on the command line.
    assert client.result(client.open(**options, untrusted=True), look) == [None, True]
    session = client.open(**options)
    answer = client.ask(
        {"id": 1, "session": session, "code": look, "limits": {"no_env": True, "no_files": True}}
    )
    assert answer["output"]["result"] == [None, False]
    answer = client.ask({"id": 2, "session": session, "code": look, "untrusted": True})
    assert answer["output"]["result"] == [None, True]


def test_ceilings_and_the_workers_own_words_hold(
    capsule: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = str(tmp_path_factory.mktemp("elsewhere"))
    capsule.write("capsule.toml", '[limits]\nmax_timeout = "2s"\nallowed_hosts = []\n')
    with on_streams(capsule, "--max-ram", "200MB", "--no-env", "--no-files") as client:
        for said, name in (
            ({"timeout": "5s"}, "max_timeout"),
            ({"timeout": "5s", "cwd": elsewhere}, "max_timeout"),
            ({"allowed_hosts": ["example.com"], "cwd": elsewhere}, "allowed_hosts"),
            ({"files": {"a": "hello.py"}}, "--no-files"),
        ):
            error = client.ask({"id": 1, "open": said})["error"]
            assert name in error["message"], error
        options = {"cwd": elsewhere, "env_variables": ["GIVEN"]}
        session = client.ask({"id": 2, "open": options})["session"]
        assert client.result(session, "__import__('os').environ.get('GIVEN')") is None
        session = client.ask({"id": 3, "open": {"cwd": elsewhere, "ram": "1GB"}})["session"]
        answer = client.ask({"id": 4, "session": session, "code": "x = 'b' * 300_000_000"})
        assert answer["output"]["error"]["error_type"] == "memory_exceeded"
        answer = client.ask({"id": 5, "session": session, "code": "import time; time.sleep(60)"})
        assert answer["output"]["error"]["error_type"] == "timeout"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ram": "5 XB"}, "5 XB"),
        ({"ram": True}, '"ram" is text or a number: True'),
        ({"compute": {"a": 1}}, '"compute" is text or a number'),
        ({"rma": "1GB"}, "there is no field 'rma' in \"open\""),
        ({"imports": "pandas"}, '"imports" is a list'),
        ({"imports": [5]}, '"imports" is a list of texts, and 5 is none'),
        ({"imports": ["a b"]}, "'a b' is no name of a module"),
        ({"imports": ["import_of_what_is_not_there"]}, "No module named"),
        ({"files": []}, '"files" is an object'),
        ({"files": {"x": 5}}, "\"files\": 'x' is a path, or an object with content: 5"),
        ({"files": {"x": {"text": "a", "base64": ""}}}, 'is "text" or "base64"'),
        ({"files": {"x": {"base64": "!"}}}, "\"base64\" of 'x'"),
        ({"files": {"x": "gone.csv"}}, "gone.csv"),
        ({"files": {"../x": {"text": ""}}}, "no name of a file"),
        ({"limits": {"tmeout": "5s"}}, "tmeout"),
        ({"limits": []}, '"limits" is an object'),
        ({"mounts": ["nowhere"]}, "does not exist"),
        ({"allowed_files": [5]}, "allowed_files"),
        ({"cwd": 5}, '"cwd" is text'),
        ({"untrusted": "no"}, '"untrusted" is true or false'),
    ],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(
    capsule: Command, options: dict[str, Any], said: str
) -> None:
    with on_streams(capsule) as client:
        error = client.ask({"id": 1, "open": options})["error"]
        assert said in error["message"]
        assert client.result(client.open(), "1") == 1
