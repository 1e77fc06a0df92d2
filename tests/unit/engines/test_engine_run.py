"""What is made of what a cluster says, also of one that says the wrong things."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from capsule.engines import engine_run
from capsule.engines.engine import Arrival
from capsule.engines.engine_run import EngineRun
from capsule.engines.job import Job, NodeOptions
from capsule.envelope import refusal
from capsule.errors import EngineError
from capsule.process.cancel import Cancellation
from capsule.sdk.engine import BatchRequest

if TYPE_CHECKING:
    from capsule.engines.engine import Tell


class ScriptedCluster:
    """Keeps what it was given; a test says what arrives."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.chunks: dict[int, list[Any]] = {}
        self.closed = 0

    def submit(self, number: int, chunk: bytes) -> None:
        items = json.loads(chunk)["items"]
        self.chunks[number] = [[index, json.loads(text)] for index, text in items]

    def close(self) -> None:
        self.closed += 1


class ScriptedEngine:
    """Opens one."""

    node = NodeOptions()

    def __init__(self, attempts: int = 2, *, retry_lost: bool = True, slots: int = 2) -> None:
        self.attempts, self.retry_lost = attempts, retry_lost
        self.cluster = ScriptedCluster(slots)

    def open(self, job: Job, tell: Tell) -> ScriptedCluster:
        return self.cluster


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> BatchRequest:
    job = Job(b"{}", b"", "main", None)
    monkeypatch.setattr(engine_run, "job_of", lambda *_: job)
    nothing: Any = None
    return BatchRequest(nothing, nothing, lambda item: ((item,), {}), skip={3})


def begun(engine: ScriptedEngine, asked: BatchRequest, items: int = 0) -> EngineRun:
    run = EngineRun(engine, asked)
    with Cancellation() as never:
        run.open(lambda _: None, never)
    for index in range(items):
        assert run.take(index, index) is None
    return run


def answer(*indexes: int, **more: Any) -> bytes:
    envelope = refusal("main", "task_error", "no") | {"success": True, "error": None}
    done = [[index, json.dumps(envelope)] for index in indexes]
    return json.dumps({"node": "x", "seconds": 0.1, "done": done, **more}).encode()


def test_items_go_out_and_come_back_with_their_index(asked: BatchRequest) -> None:
    engine = ScriptedEngine()
    run = begun(engine, asked, 2)
    assert engine.cluster.chunks == {0: [[0, [[0], {}]]], 1: [[1, [[1], {}]]]}
    assert not run.is_empty
    found = [run.arrived(Arrival(number, answer(number))) for number in (1, 0)]
    assert [[envelope.index for envelope in each] for each in found] == [[1], [0]]
    assert run.is_empty


def test_a_second_answer_is_none(asked: BatchRequest) -> None:
    run = begun(ScriptedEngine(), asked, 1)
    assert len(run.arrived(Arrival(0, answer(0)))) == 1
    assert run.arrived(Arrival(0, answer(0))) == []
    assert run.arrived(Arrival(0)) == []
    assert run.arrived(Arrival(77, answer(5))) == []


@pytest.mark.parametrize("indexes", [(1,), (0, 1), ()])
def test_answers_to_what_was_not_asked_end_the_batch(
    asked: BatchRequest, indexes: tuple[int, ...]
) -> None:
    run = begun(ScriptedEngine(), asked, 1)
    with pytest.raises(EngineError, match="a node answered"):
        run.arrived(Arrival(0, answer(*indexes)))


def test_what_is_lost_is_begun_again(asked: BatchRequest) -> None:
    engine = ScriptedEngine(attempts=2)
    run = begun(engine, asked, 1)
    assert run.arrived(Arrival(0)) == []
    assert engine.cluster.chunks[1] == [[0, [[0], {}]]]
    [failed] = run.arrived(Arrival(1))
    assert failed.error is not None
    assert failed.index == 0
    assert failed.error.error_type == "sandbox_crashed"
    assert failed.error.message == (
        "the worker process that had this item was lost; it may have run"
    )
    assert failed.execution.task_name == "main"
    assert run.is_empty


@pytest.mark.parametrize("lost", [None, b'{"begun": true, "node": "x"}'])
def test_nothing_is_begun_twice_where_that_is_not_wanted(
    asked: BatchRequest, lost: bytes | None
) -> None:
    engine = ScriptedEngine(attempts=4, retry_lost=False)
    run = begun(engine, asked, 1)
    [failed] = run.arrived(Arrival(0, lost))
    assert failed.error is not None
    assert "is not tried again (retry_lost=False)" in failed.error.message
    assert len(engine.cluster.chunks) == 1


def test_a_node_that_refuses_ends_the_batch_and_is_named(asked: BatchRequest) -> None:
    run = begun(ScriptedEngine(), asked, 2)
    run.arrived(Arrival(0, answer(0)))
    said = {"code": "toolchain_error", "message": "there is no index", "hint": "import one"}
    refused = json.dumps({"refused": said, "node": "node-7"}).encode()
    with pytest.raises(EngineError) as raised:
        run.arrived(Arrival(1, refused))
    assert raised.value.message == (
        "the node node-7 refuses the task: there is no index; of the batch, 1 items are done, and"
        " 1 that were given out are not"
    )
    assert raised.value.hint == (
        "import one; then go on with what is left: --resume OUTPUT, or skip= with what is done"
    )


def test_trouble_says_how_far_the_batch_came(asked: BatchRequest) -> None:
    run = begun(ScriptedEngine(), asked, 2)
    run.arrived(Arrival(0, answer(0)))
    with pytest.raises(
        EngineError, match=r"it is gone; of the batch, 1 items are done, and 1 that"
    ):
        run.arrived(Arrival(-1, trouble=EngineError("it is gone")))


def test_items_that_are_no_json_do_not_go_out(asked: BatchRequest) -> None:
    engine = ScriptedEngine()
    run = begun(engine, asked)
    refused = run.take(5, {1})
    assert refused is not None
    assert refused.error is not None
    assert (refused.index, refused.error.error_type) == (5, "usage_error")
    assert engine.cluster.chunks == {}
    assert run.is_left_out(3, "x")
    assert not run.is_left_out(4, "x")


def test_it_lets_go_of_the_cluster_once(asked: BatchRequest) -> None:
    engine = ScriptedEngine()
    run = begun(engine, asked)
    run.close()
    run.close()
    assert engine.cluster.closed == 1


ENVELOPE = refusal("main", "task_error", "no")


@pytest.mark.parametrize(
    "said",
    [
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"node": 5, "seconds": 0.1, "done": []}',
        answer(0, seconds=float("nan")),
        answer(0, seconds=-1),
        answer(0, seconds="soon"),
        answer(0, done=[[0, "no JSON"]]),
        answer(0, done=[[0, "{}"]]),
        answer(0, done=[["0", json.dumps(ENVELOPE)]]),
        answer(0, done=[[0, json.dumps({**ENVELOPE, "success": "no"})]]),
        answer(0, done=[[0, json.dumps({**ENVELOPE, "success": True})]]),
        answer(0, done=[[0, json.dumps({**ENVELOPE, "error": None})]]),
        answer(0, done=[[0, json.dumps({**ENVELOPE, "execution": {}})]]),
        answer(0, done=[[0, json.dumps({**ENVELOPE, "error": {"error_type": 1}})]]),
        answer(0, refused={"message": None, "hint": None}),
    ],
)
def test_what_is_no_answer_ends_the_batch_and_says_how_far_it_came(
    asked: BatchRequest, said: bytes
) -> None:
    run = begun(ScriptedEngine(), asked, 2)
    run.arrived(Arrival(1, answer(1)))
    with pytest.raises(EngineError, match=r"no answer.*1 items are done, and 1 that") as raised:
        run.arrived(Arrival(0, said))
    assert "--resume" in str(raised.value)


def test_an_answer_that_is_nested_too_deeply_fails_alone(asked: BatchRequest) -> None:
    run = begun(ScriptedEngine(slots=1), asked)
    for index in (0, 1):
        run.take(index, index)
    deep = json.dumps(ENVELOPE).replace("null", "[" * 100_000 + "]" * 100_000, 1)
    found = run.arrived(Arrival(0, answer(0, done=[[0, deep]])))
    assert found[0].error is not None
    assert (found[0].index, found[0].error.error_type) == (0, "protocol_error")
    assert run.arrived(Arrival(1, answer(1)))[0].success


def test_a_cluster_without_workers_is_given_work(asked: BatchRequest) -> None:
    engine = ScriptedEngine(slots=1)
    run = begun(engine, asked, 1)
    engine.cluster.slots = 0
    run.arrived(Arrival(0, answer(0, seconds=0.001)))
    run.take(1, 1)
    assert engine.cluster.chunks.keys() == {0, 1}
