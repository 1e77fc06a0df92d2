"""`capsule worker`: output that comes while a run goes on, and runs that are cancelled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.integration.command import Command
from tests.integration.worker_client import FORMS, SECONDS, Client, connected, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    command = Command(tmp_path, toolchain_home)
    command.environ["GIVEN"] = "a value"
    command.write("hello.py", "def main(n=3):\n    print('said')\n    return 'hello ' * int(n)\n")
    command.write(
        "spin.py",
        "import sys\nfrom capsule import task\n@task(compute=100_000_000_000_000)\ndef main():\n    print('begun')\n    print('badly', file=sys.stderr)\n"
        "    while True: pass\n",
    )
    return command


@pytest.fixture(params=FORMS)
def client(request: pytest.FixtureRequest, capsule: Command) -> Iterator[Client]:
    with FORMS[request.param](capsule) as client:
        yield client


def test_what_is_printed_comes_while_the_run_goes_on(client: Client, capsule: Command) -> None:
    """The run goes on only when its first line was read: its answer cannot have been first."""
    capsule.write(
        "talk.py",
        "import sys\nfrom capsule import tools\ndef main():\n    print('first \\u00e9')\n"
        "    print('badly', file=sys.stderr)\n    tools.go_on()\n    print('last')\n    return 1\n",
    )
    client.send({"id": "a", "file": "talk.py", "stream": True, "tools": ["go_on"]})
    call = client.next(lambda line: "call" in line)
    assert client.earlier == [
        {"id": "a", "stream": "stdout", "text": "first é\n"},
        {"id": "a", "stream": "stderr", "text": "badly\n"},
    ]
    client.send({"return": call["call"], "value": None})
    assert client.line() == {"id": "a", "stream": "stdout", "text": "last\n"}
    answer = client.line()
    assert answer.keys() == {"id", "output"}
    assert answer["output"]["execution"]["stdout"] == "first é\nlast\n"


def test_without_stream_there_are_no_lines_of_output(client: Client) -> None:
    for said in ({}, {"stream": False}, {"stream": None}):
        assert client.ask({"id": 1, "file": "hello.py", **said})["output"]["success"]
    assert client.earlier == []


def test_much_output_comes_whole_and_in_pieces(client: Client, capsule: Command) -> None:
    capsule.write("much.py", "def main():\n    for n in range(20): print('\\u20ac' * 99_999)\n")
    answer = client.ask({"id": 1, "file": "much.py", "stream": True})
    assert answer["output"]["success"], answer
    assert "left_out" not in answer
    texts = [line["text"] for line in client.earlier]
    assert "".join(texts) == ("€" * 99_999 + "\n") * 20
    assert max(map(len, texts)) <= 1 << 16


def test_who_reads_slowly_makes_the_task_wait_and_the_worker_keeps_little(
    client: Client, capsule: Command
) -> None:
    capsule.write(
        "flood.py",
        "from capsule import task\n@task(compute='HIGH')\ndef main():\n"
        "    for n in range(300): print('x' * 1_000_000)\n",
    )
    assert client.ask({"id": 0, "file": "hello.py"})["output"]["success"]
    host = psutil.Process(client.pid)
    before = host.memory_info().rss
    client.send({"id": 1, "file": "flood.py", "stream": True})
    size = most = 0
    while "output" not in (line := client.line()):
        size += len(line["text"])
        most = max(most, host.memory_info().rss)
    assert line["output"]["success"], line["output"]["error"]
    assert size == 300 * 1_000_001
    assert most - before < 100 << 20


def test_who_reads_nothing_keeps_no_run_beyond_its_time(client: Client, capsule: Command) -> None:
    capsule.write(
        "flood.py",
        "def main():\n    print('begun')\n    while True: print('x' * 10_000)\n",
    )
    client.send({"id": 1, "file": "flood.py", "stream": True, "limits": {"timeout": "1s"}})
    assert client.line()["text"] == "begun\n"
    (sandbox,) = client.sandboxes()
    # Nothing is read until it is gone.
    assert psutil.wait_procs([sandbox], SECONDS)[1] == []
    answer = client.answer(1)
    assert answer["output"]["error"]["error_type"] in ("timeout", "fuel_exhausted")
    assert answer["left_out"] > 0
    assert answer["output"]["execution"]["stdout"].startswith("begun\n")
    streamed = "".join(line["text"] for line in client.earlier)
    assert streamed.startswith("xxx")
    assert client.ask({"id": 2, "file": "hello.py"})["output"]["success"]


def test_who_reads_nothing_holds_up_no_other_connection(capsule: Command) -> None:
    capsule.write(
        "flood.py",
        "from capsule import task\n@task(compute=100_000_000_000_000)\ndef main():\n"
        "    while True: print('x' * 10_000)\n",
    )
    with (
        listening(capsule) as (path, pid),
        connected(path, pid) as one,
        connected(path, pid) as two,
    ):
        one.send(*({"id": n, "file": "flood.py", "stream": True} for n in range(4)))
        one.line()
        for number in range(10):
            assert two.ask({"id": number, "file": "hello.py"})["output"]["success"]
        session = two.open()
        assert two.result(session, "1 + 1") == 2
        # What stalls is ended by a line, though none of it was read.
        one.send(*({"cancel": n} for n in range(4)))
        answers = [one.next(lambda line: "output" in line) for _ in range(4)]
        assert all(each["output"]["error"]["error_type"] == "cancelled" for each in answers)
        assert any(each.get("left_out") for each in answers)


def test_a_cancelled_run_says_what_it_had_printed(client: Client) -> None:
    client.send({"id": [7], "file": "spin.py", "stream": True})
    assert [client.line()["text"], client.line()["text"]] == ["begun\n", "badly\n"]
    sandboxes = client.sandboxes()
    client.send({"cancel": [7]})
    answer = client.answer([7])
    output = answer["output"]
    assert (output["success"], output["error"]["error_type"]) == (False, "cancelled")
    assert output["execution"]["stdout"] == "begun\n"
    assert output["execution"]["stderr"] == "badly\n"
    assert psutil.wait_procs(sandboxes[:1], SECONDS)[1] == []
    # The id is free again.
    assert client.ask({"id": [7], "file": "hello.py", "stream": True})["output"]["success"]


def test_cancelling_one_leaves_the_others(client: Client, capsule: Command) -> None:
    capsule.write("wait.py", "from capsule import tools\ndef main(): return tools.wait()\n")
    client.send(
        {"id": 1, "file": "spin.py", "stream": True},
        {"id": 2, "file": "wait.py", "tools": ["wait"]},
    )
    call = client.next(lambda line: "call" in line)
    client.send({"cancel": 1})
    assert client.answer(1)["output"]["error"]["error_type"] == "cancelled"
    client.send({"return": call["call"], "value": "went on"})
    assert client.answer(2)["output"]["result"] == "went on"


def test_what_waits_for_its_turn_is_cancelled_at_once(capsule: Command) -> None:
    capsule.environ["CAPSULE_MAX_RUNNING"] = "1"
    with FORMS["streams"](capsule) as client:
        client.send({"id": 1, "file": "spin.py", "stream": True})
        client.line()
        client.send({"id": 2, "file": "hello.py"}, {"id": 3, "file": "hello.py"}, {"cancel": 2})
        answer = client.answer(2)
        assert answer["output"]["error"] == {
            "error_type": "cancelled",
            "message": "it was cancelled before anything of it ran",
        }
        client.send({"cancel": 1})
        assert client.answer(1)["output"]["error"]["error_type"] == "cancelled"
        assert client.answer(3)["output"]["success"]


def test_a_cancel_of_what_is_not_running_is_an_error_and_nothing_else(client: Client) -> None:
    assert client.ask({"id": 1, "file": "hello.py"})["output"]["success"]
    client.send({"id": "spin", "file": "spin.py", "stream": True})
    client.line()
    client.line()
    for wrong in (1, 2, "1", None, "Spin", ["spin"], True, {"id": "spin"}):
        client.send({"cancel": wrong})
        line = client.line()
        assert line.keys() == {"cancel", "error"}
        assert json.dumps(line["cancel"]) == json.dumps(wrong)
        assert line["error"]["error_type"] == "usage_error"
        assert "is running" in line["error"]["message"]
    client.send({"cancel": "spin"}, {"cancel": "spin"})
    lines = [client.line(), client.line()]
    (answer,) = [line for line in lines if "output" in line]
    (twice,) = [line for line in lines if "cancel" in line]
    assert answer["output"]["error"]["error_type"] == "cancelled"
    assert "no request 'spin' is running" in twice["error"]["message"]


def test_an_id_that_runs_is_not_taken_twice_by_what_streams(client: Client) -> None:
    client.send({"id": 1, "file": "spin.py", "stream": True})
    client.line()
    client.line()
    for line in ({"stream": True}, {}, {"tools": ["f"]}):
        client.send({"id": 1, "file": "hello.py", **line})
        assert "a request 1 is running already" in client.line()["error"]["message"]
    for unnamed in ({}, {"id": None}, {"id": "x" * 2_000}):
        client.send({**unnamed, "file": "hello.py", "stream": True})
        assert 'needs an "id"' in client.line()["error"]["message"]
    client.send({"cancel": 1})
    assert client.answer(1)["output"]["error"]["error_type"] == "cancelled"


def test_plain_requests_may_share_an_id_as_ever(client: Client, capsule: Command) -> None:
    client.send(*({"id": 1, "file": "hello.py"} for _ in range(10)))
    assert all(client.answer(1)["output"]["success"] for _ in range(10))
    client.send({"file": "hello.py"}, {"file": "hello.py"})
    assert all(client.answer(None)["output"]["success"] for _ in range(2))


def test_untrusted_narrows_as_the_option_does(client: Client, capsule: Command) -> None:
    capsule.write(
        "asks.py",
        "import os\nfrom capsule import task\n@task(allowed_files=['./data'], "
        "env_variables=['GIVEN'])\ndef main(): return sorted(os.listdir('/')), 'GIVEN' in os.environ\n",
    )
    capsule.write("data/a", "")
    names, given = client.ask({"id": 1, "file": "asks.py"})["output"]["result"]
    assert ("data" in names, given) == (True, True)
    for said in ({"untrusted": True}, {"limits": {"untrusted": True}}):
        answer = client.ask({"id": 2, "file": "asks.py", **said})
        assert (
            answer["output"]["result"] == [["tmp"], False]
            or "data" not in (answer["output"]["result"][0])
        )
    client.send({"id": 3, "file": "asks.py", "untrusted": "yes"})
    assert "\"untrusted\" is true or false: 'yes'" in client.line()["error"]["message"]


def test_the_workers_own_words_bound_every_request(capsule: Command, tmp_path: Path) -> None:
    capsule.write("free/hello.py", "def main(): return open('/in/a').read()\n")
    capsule.write("free/a", "content")
    words = ("--timeout", "300ms", "--no-files")
    with FORMS["streams"](capsule, *words) as client:
        answer = client.ask({"id": 1, "file": "spin.py", "limits": {"timeout": "30s"}})
        assert answer["output"]["error"]["error_type"] == "timeout"
        answer = client.ask({"id": 2, "file": "hello.py", "cwd": "free", "mounts": [".::/in:ro"]})
        assert answer["output"]["success"] is False
    assert "--listen takes commands" in capsule("worker", "--listen", "--no-net").err
    assert "--max-sessions" in capsule("worker", "--max-sessions", "-1").err


def test_no_command_goes_past_the_workers_own_words(capsule: Command) -> None:
    for words, takes in (((), True), (("--no-net",), False), (("--max-fuel", "LOW"), False)):
        with listening(capsule, *words) as (path, _):
            capsule.environ["CAPSULE_SOCKET"] = path
            with capsule.popen("run", "spin.py") as process:
                assert process.stderr is not None
                assert process.stderr.readline() == b"begun\n"
                assert (psutil.Process(process.pid).children() == []) is takes
                process.kill()


def test_ceilings_around_the_worker_hold_for_files_elsewhere(
    capsule: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "slow.py").write_text(
        "from capsule import task\n@task(timeout='20s')\ndef main(): return 1\n"
    )
    capsule.write("capsule.toml", '[limits]\nmax_timeout = "1s"\n')
    with FORMS["streams"](capsule) as client:
        answer = client.ask({"id": 1, "file": "slow.py", "cwd": str(elsewhere)})
        assert "max_timeout" in answer["error"]["message"]
        answer = client.ask({"id": 2, "file": str(elsewhere / "slow.py")})
        assert "max_timeout" in answer["error"]["message"]
