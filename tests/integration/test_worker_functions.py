"""`capsule worker`: functions that a client offers, called from inside and answered by lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil
import pytest

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

CALLS = """\
import asyncio
from capsule import ToolError, task, tools


@task(timeout="60s", compute=100_000_000_000_000)
def main(how, *args, **kwargs):
    try:
        if how == "describe":
            return tools.describe()
        if how == "together":
            return asyncio.run(together(*args))
        if how == "many":
            return [tools.f(n) for n in range(*args)][-1]
        return tools.f(*args, **kwargs)
    except ToolError as error:
        return {"type": error.type, "message": error.message}


async def together(count):
    return await asyncio.gather(*[tools.f.aio(n) for n in range(count)])
"""
HELLO = "def main(): return 'hello'\n"


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    command = Command(tmp_path, toolchain_home)
    command.write("calls.py", CALLS)
    command.write("hello.py", HELLO)
    return command


@pytest.fixture(params=FORMS)
def client(request: pytest.FixtureRequest, capsule: Command) -> Iterator[Client]:
    with FORMS[request.param](capsule) as client:
        yield client


def called(client: Client, *args: Any, identity: object = 1, **more: Any) -> dict[str, Any]:
    """Have a task call `f` of the client, and return the line of the call."""
    client.send({"id": identity, "file": "calls.py", "args": args, "tools": ["f"], **more})
    return client.next(lambda line: "call" in line)


def test_a_call_is_asked_back_and_its_answer_is_what_it_gives(client: Client) -> None:
    call = called(client, "one", 1, [None, "é", 1.5], kwargs={"key": {"a": True}})
    number = call.pop("call")
    assert call == {
        "id": 1, "name": "f", "args": [1, [None, "é", 1.5]], "kwargs": {"key": {"a": True}},
    }  # fmt: skip
    client.send({"return": number, "value": {"of": ["any", None]}})
    answer = client.answer(1)
    assert answer["output"]["result"] == {"of": ["any", None]}
    (entry,) = answer["output"]["execution"]["host_calls"]
    assert (entry["name"], entry["outcome"]) == ("f", "returned")


@pytest.mark.parametrize(
    ("error", "arrives"),
    [
        ({"type": "KeyError", "message": "'plum'"}, ("KeyError", "'plum'")),
        ({"message": "only this"}, ("Exception", "only this")),
        ({"type": "CallError", "message": ""}, ("CallError", "")),
        ({}, ("Exception", "")),
        ({"type": "my.own Error", "message": "x" * 9_000}, ("my.own Error", "x" * 4_000)),
    ],
)
def test_an_error_of_the_client_arrives_as_type_and_message(
    capsule: Command, error: dict[str, str], arrives: tuple[str, str]
) -> None:
    with on_streams(capsule) as client:
        call = called(client, "one")
        client.send({"return": call["call"], "error": error})
        output = client.answer(1)["output"]
        assert (output["result"]["type"], output["result"]["message"]) == arrives
        assert output["execution"]["host_calls"][0]["outcome"] == "raised"


def test_a_schema_is_what_code_inside_is_told(client: Client) -> None:
    schema = {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "what to look for"},
            "limit": {"type": "integer"},
            "any": {},
        },
        "required": ["query"],
    }
    tools = [
        {"name": "search", "description": "Search the shop.", "schema": schema},
        {"name": "odd", "schema": {"properties": {"a b": {"description": "no name"}}}},
        "plain",
    ]
    answer = client.ask({"id": 1, "file": "calls.py", "args": ["describe"], "tools": tools})
    said = answer["output"]["result"]
    assert "def search(*, query: str, limit: int = ..., any=...):" in said
    assert "Search the shop.\\nquery: what to look for" in said
    assert "def odd(*args, **kwargs):" in said
    assert "def plain(*args, **kwargs):" in said


def test_calls_overlap_and_are_answered_in_any_order(client: Client) -> None:
    client.send({"id": 1, "file": "calls.py", "args": ["together", 5], "tools": ["f"]})
    calls = [client.next(lambda line: "call" in line) for _ in range(5)]
    assert len({call["call"] for call in calls}) == 5
    for call in reversed(calls):
        client.send({"return": call["call"], "value": call["args"][0] * 10})
    assert client.answer(1)["output"]["result"] == [0, 10, 20, 30, 40]


def test_no_request_waits_for_the_functions_of_another(client: Client) -> None:
    waiting = [called(client, "one", identity=number) for number in range(5)]
    for number in range(5):
        assert client.ask({"id": f"h{number}", "file": "hello.py"})["output"]["success"]
    for number, call in reversed(list(enumerate(waiting))):
        client.send({"return": call["call"], "value": number})
        assert client.answer(number)["output"]["result"] == number


def test_calls_are_answered_however_many_requests_wait(capsule: Command) -> None:
    """Reading must not stop at the requests, when what ends them comes behind them."""
    capsule.environ["CAPSULE_MAX_RUNNING"] = "2"
    with on_streams(capsule) as client:
        calls = [called(client, "one", identity=number) for number in range(2)]
        # The thousand that may wait are those two, and these.
        client.send(*({"id": f"h{n}", "file": "hello.py"} for n in range(1_010)))
        refused = [client.line() for _ in range(12)]
        assert {line["id"] for line in refused} == {f"h{n}" for n in range(998, 1_010)}
        assert all("wait for their answers" in line["error"]["message"] for line in refused)
        client.send(*({"return": call["call"], "value": None} for call in calls))
        answers = [client.line() for _ in range(1_000)]
        assert all(answer["output"]["success"] for answer in answers)
        assert client.ask({"id": "again", "file": "hello.py"})["output"]["success"]


def test_who_only_writes_comes_to_a_halt_and_loses_nothing(capsule: Command) -> None:
    lines = "".join(f'{{"id": {n}, "file": "hello.py"}}\n' for n in range(1_100))
    done = capsule("worker", stdin=lines)
    assert done.out.count('"success": true') == 1_100


def test_a_client_that_never_answers_keeps_no_run_beyond_its_time(client: Client) -> None:
    call = called(client, "one", limits={"timeout": "500ms"})
    output = client.answer(1)["output"]
    assert output["error"]["error_type"] == "timeout"
    client.send({"return": call["call"], "value": 1})
    line = client.line()
    assert line["return"] == call["call"]
    assert "waits for an answer" in line["error"]["message"]
    assert client.ask({"id": 2, "file": "hello.py"})["output"]["success"]


def test_a_run_that_waits_for_its_client_is_cancelled(client: Client) -> None:
    called(client, "one")
    sandboxes = client.sandboxes()
    client.send({"cancel": 1})
    assert client.answer(1)["output"]["error"]["error_type"] == "cancelled"
    assert psutil.wait_procs(sandboxes[:1], SECONDS)[1] == []


def test_answers_that_nobody_waits_for(client: Client) -> None:
    call = called(client, "one")
    number = call["call"]
    for wrong in (0, -1, number + 1, str(number), True, None, 1.0, [number], 10**30):
        client.send({"return": wrong, "value": 1})
        line = client.line()
        assert line.keys() == {"return", "error"}
        assert line["return"] == wrong
        assert line["error"]["error_type"] == "usage_error"
    for wrong in (
        {"value": 1, "error": {}},
        {},
        {"error": None},
        {"error": "text"},
        {"error": {"type": 5}},
        {"error": {"type": "x" * 101}},
        {"error": {"type": "a\nb"}},
        {"error": {"kind": "KeyError"}},
        {"value": 1, "id": 1},
    ):
        client.send({"return": number, **wrong})
        assert client.line()["return"] == number
    # The call has waited for a right one, and takes one.
    client.send({"return": number, "value": "first"}, {"return": number, "value": "second"})
    lines = [client.line(), client.line()]
    (answer,) = [line for line in lines if "output" in line]
    (twice,) = [line for line in lines if "return" in line]
    assert answer["output"]["result"] == "first"
    assert f"no call {number} waits for an answer" in twice["error"]["message"]


def test_bounds_are_those_of_functions_of_the_host(client: Client, capsule: Command) -> None:
    call = called(client, "one")
    client.send({"return": call["call"], "value": "x" * (9 << 20)})
    assert "at most 8,388,608" in client.answer(1)["output"]["result"]["message"]
    client.send({"id": 1, "file": "calls.py", "args": ["many", 1_001], "tools": ["f"]})
    for _ in range(1_000):
        call = client.next(lambda line: "call" in line)
        client.send({"return": call["call"], "value": None})
    said = client.answer(1)["output"]["result"]
    assert said == {"type": "refused", "message": "a run may call host functions 1,000 times"}


def test_what_is_no_json_fails_inside_and_is_not_written(client: Client, capsule: Command) -> None:
    """The guest says so itself; this one does not."""
    capsule.write(
        "nan.py",
        "import json\nfrom capsule_guest import calls\nfrom capsule import tools\ndef main():\n"
        "    calls._encode = json.JSONEncoder().encode\n    found = []\n"
        "    for value in (float('nan'), [float('inf')]):\n"
        "        try: calls.call('tool', {'name': 'f', 'args': [value], 'kwargs': {}})\n"
        "        except calls.CallError as error: found.append([error.kind, str(error)[:27]])\n"
        "    return [*found, ascii(tools.f('\\ud800'))]\n",
    )
    client.send({"id": 1, "file": "nan.py", "tools": ["f"]})
    line = client.line()
    assert line.get("args") == ["\ud800"], line
    client.send({"return": line["call"], "value": "\ud800"})
    failed = ["failed", "the arguments are not JSON:"]
    assert client.answer(1)["output"]["result"] == [failed, failed, "'\\ud800'"]


def test_without_functions_there_are_none(client: Client) -> None:
    none: list[dict[str, Any]] = [{}, {"tools": []}, {"tools": None}]
    for said in none:
        answer = client.ask({"id": 1, "file": "calls.py", "args": ["one"], **said})
        assert "there is no host function 'f'" in answer["output"]["error"]["message"]


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ("f", '"tools" is a list'),
        ({"f": {}}, '"tools" is a list'),
        ([5], '"tools"[0] is a name or an object: 5'),
        (["f", {}], "\"tools\"[1]: None cannot be the name"),
        ([{"name": "f", "parameters": {}}], "there is no field 'parameters' in \"tools\"[0]"),
        ([{"name": "f", "descriptoin": ""}], "try: description"),
        ([{"name": "f", "description": 5}], '"description" is text: 5'),
        ([{"name": "f", "schema": []}], '"schema" is an object'),
        ([{"name": "f", "schema": {"properties": {"a": 1}}}], "the schema of 'a' is an object"),
        (["a b"], "'a b' cannot be the name of a function"),
        (["_f"], "'_f' cannot be the name"),
        (["class"], "'class' cannot be the name"),
        (["f", "f"], "the name 'f' is there twice"),
        (["describe"], "capsule's own"),
        ([f"f{n}" for n in range(257)], '"tools" has 257 functions; at most 256'),
    ],
)  # fmt: skip
def test_functions_that_cannot_be_are_refused(capsule: Command, tools: Any, said: str) -> None:
    with on_streams(capsule) as client:
        client.send({"id": 1, "file": "hello.py", "tools": tools})
        client.send({"id": 2, "open": {}, "tools": tools})
        for identity in (1, 2):
            error = client.answer(identity)["error"]
            assert said in error["message"]
            assert error["error_type"] == "usage_error"


def test_at_the_end_of_input_open_calls_fail_and_later_ones_too(client: Client) -> None:
    called(client, "one")
    called(client, "many", 3, identity=2)
    answers = client.rest()
    found = {answer["id"]: answer["output"]["result"] for answer in answers}
    assert found.keys() == {1, 2}
    for said in found.values():
        assert said["type"] == "failed"
        assert "its lines have ended" in said["message"]


def test_the_calls_of_another_connection_are_not_answered(capsule: Command) -> None:
    with (
        listening(capsule) as (path, pid),
        connected(path, pid) as one,
        connected(path, pid) as two,
    ):
        call = called(one, "one")
        two.send({"return": call["call"], "value": "stolen"}, {"cancel": 1})
        assert "waits for an answer" in two.line()["error"]["message"]
        assert "no request 1 is running" in two.line()["error"]["message"]
        one.send({"return": call["call"], "value": "mine"})
        assert one.answer(1)["output"]["result"] == "mine"


def test_a_session_has_the_functions_that_it_was_opened_with(client: Client) -> None:
    answer = client.ask({"id": 0, "open": {"timeout": "20s"}, "tools": ["f"]})
    session = answer["session"]

    def turn(code: str, value: Any, **more: Any) -> Any:
        client.send({"id": "t", "session": session, "code": code, **more})
        call = client.next(lambda line: "call" in line)
        assert call["id"] == "t"
        client.send({"return": call["call"], "value": value})
        return client.answer("t")["output"]["result"]

    assert turn("x = f(1)\nx", 5) == 5
    assert turn("x + g(1)", 6, tools=["g"]) == 11
    assert turn("f(2) + x", 1) == 6
    fork = client.ask({"id": 1, "session": session, "fork": None})["session"]
    session = fork
    assert turn("f(3) + x", 2) == 7
    none = client.ask({"id": 2, "session": fork, "code": "f(1)", "tools": []})
    assert none["output"]["success"] is False
