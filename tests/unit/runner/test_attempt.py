"""How an attempt ends, for everything that a peer on the wire can do."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from capsule.confine import scratch
from capsule.runner.limit_messages import Limits
from capsule.runner.memory_budget import Hold, RunMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.process.cancel import Cancellation
    from tests.unit.runner.conftest import FakeSandbox

FINISH = "close(); drain()"


def test_a_result_with_all_that_belongs_to_it(sandbox: FakeSandbox) -> None:
    done = sandbox.attempt(
        f"assert request() == b'request'; send(STDOUT, b'out'); send(STDERR, b'err');"
        f"send(RESULT, b'[1]'); {FINISH}"
    )
    assert done.outcome.error_type is None
    assert done.outcome.result == [1]
    assert (done.stdout, done.stderr, done.left_out) == ("out", "err", 0)
    assert done.memory == 640 << 16
    assert done.fuel is not None
    assert done.fuel > 1_900_000_000
    assert (bytes(sandbox.seen.out), bytes(sandbox.seen.err)) == (b"out", b"err")


def test_a_result_that_would_take_too_much_memory(sandbox: FakeSandbox) -> None:
    script = f"send(RESULT, b'[' + b'{{}},' * 5_000_000 + b'0]'); {FINISH}"
    outcome = sandbox.attempt(script).outcome
    assert (outcome.error_type, outcome.result) == ("task_error", None)
    assert "too many parts" in outcome.message


def test_a_result_that_is_text(sandbox: FakeSandbox) -> None:
    assert sandbox.attempt(f"send(TEXT, b'a\"b'); {FINISH}").outcome.result == 'a"b'


def test_what_the_guest_writes_to_descriptor_2_is_its_stderr(sandbox: FakeSandbox) -> None:
    done = sandbox.attempt(f"os.write(2, b'raw'); send(RESULT, b'1'); {FINISH}")
    assert (done.outcome.result, done.stderr) == (1, "raw")


@pytest.mark.parametrize(
    ("script", "error_type", "message"),
    [
        ("raw(b'garbage')", "protocol_error", "unknown kind"),
        ("raw(HEADER.pack(STDOUT, 2**32 - 1))", "protocol_error", "4294967295 bytes"),
        ("raw(HEADER.pack(STDOUT, 10) + b'abc')", "protocol_error", "middle of a frame"),
        ("raw(b'\\x10\\x01')", "protocol_error", "middle of a frame"),
        ("send(RESULT, b'1'); send(RESULT, b'2')", "protocol_error", "after its answer"),
        ("send(RESULT, b'{'); " + FINISH, "protocol_error", "not JSON"),
        ("send(RESULT, b'NaN'); " + FINISH, "protocol_error", "not JSON"),
        ("send(TEXT, b'\\xff'); " + FINISH, "protocol_error", "not UTF-8"),
        ("send(FAILURE, b'{}'); " + FINISH, "protocol_error", "failure"),
        ("close(); drain()", "protocol_error", "before its answer"),
        ("send(RESULT, b'1'); close(); os._exit(0)", "protocol_error", "went on"),
        ("send(RESULT, b'1'); close(); trap('unreachable')", "protocol_error", "went on"),
        ("send(RESULT, b'1'); drain()", "protocol_error", "without a whole answer"),
        ("drain()", "protocol_error", "without a whole answer"),
        ("os._exit(0)", "sandbox_crashed", "exited with status 0"),
        ("os._exit(7)", "sandbox_crashed", "exited with status 7"),
        ("os.kill(os.getpid(), 11)", "sandbox_crashed", "signal 11"),
        ("trap('call stack exhausted', '0x1 - x')", "sandbox_crashed", "call stack exhausted"),
        ("raw(b'\\x10'); trap('call stack exhausted')", "sandbox_crashed", "call stack exhausted"),
        (
            "trap('all fuel consumed by WebAssembly', '0x1 - x')",
            "fuel_exhausted",
            'compute="MEDIUM"',
        ),
        (
            'send(FAILURE, b\'{"error_type": "memory_exceeded", "message": "m"}\'); ' + FINISH,
            "memory_exceeded",
            "WebAssembly's 4GB",
        ),
        (
            'send(FAILURE, b\'{"error_type": "task_error", "message": "boom"}\'); ' + FINISH,
            "task_error",
            "boom",
        ),
    ],
)
def test_every_other_end_has_its_type(
    sandbox: FakeSandbox, script: str, error_type: str, message: str
) -> None:
    outcome = sandbox.attempt(script).outcome
    assert (outcome.error_type, outcome.result) == (error_type, None)
    assert message in outcome.message


@pytest.mark.parametrize(
    "script",
    [
        "while True: pass",
        "time.sleep(1e6)",
        "os.close(1); os.close(2); time.sleep(1e6)",
        "while True: send(STDOUT, bytes(60000))",
        "while True: os.write(2, bytes(60000))",
    ],
)
def test_a_deadline_ends_everything(sandbox: FakeSandbox, script: str) -> None:
    begin = time.monotonic()
    done = sandbox.attempt(script, limits=Limits(10**8, None, 300))
    assert time.monotonic() - begin < 10
    if "os.close" in script:
        assert done.outcome.error_type == "sandbox_crashed"
    else:
        assert (done.outcome.error_type, done.outcome.message) == (
            "timeout",
            f"the task was stopped after {done.duration_ms:,} of 300 ms, "
            'timeout="300ms" by default: timeout="3s" allows 10x',
        )
    assert (done.fuel, done.memory) == (None, None)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("os._exit(0)", "exited with status 0"),
        ("time.sleep(1e6)", "the task was stopped after"),
        ("send(STDOUT, b'more'); time.sleep(1e6)", "the task was stopped after"),
        ("trap('all fuel consumed by WebAssembly', '0x1 - x')", "of 1.0e8 fuel"),
        ("trap('call stack exhausted', '0x1 - x')", "call stack exhausted"),
        ("os.kill(os.getpid(), 11)", "signal 11"),
    ],
)
def test_an_answer_is_kept_when_the_end_of_the_program_is_cut_short(
    sandbox: FakeSandbox, script: str, why: str
) -> None:
    done = sandbox.attempt(f"send(RESULT, b'1'); {script}", limits=Limits(10**8, None, 300))
    assert (done.outcome.error_type, done.outcome.result) == (None, 1)
    assert "did not come to its end" in done.stderr
    assert why in done.stderr


def test_an_answer_in_time_is_not_lost_to_a_slow_meter(sandbox: FakeSandbox) -> None:
    script = "send(RESULT, b'1'); close(); time.sleep(0.5); drain()"
    done = sandbox.attempt(script, limits=Limits(10**8, None, 400))
    assert (done.outcome.error_type, done.outcome.result) == (None, 1)


def test_a_closing_frame_does_not_buy_time(sandbox: FakeSandbox) -> None:
    script = "send(RESULT, b'1'); close(); time.sleep(1e6)"
    done = sandbox.attempt(script, limits=Limits(10**8, None, 300))
    assert done.outcome.error_type == "protocol_error"
    assert done.duration_ms < 5_000


def test_cancelling_ends_a_sandbox_at_once(sandbox: FakeSandbox) -> None:
    class CancelWhenItSpeaks:
        def stdout(self, data: bytes) -> None:
            sandbox.cancellation.cancel()

        def stderr(self, data: bytes) -> None: ...

    sandbox.seen = CancelWhenItSpeaks()  # type: ignore[assignment]
    done = sandbox.attempt("send(STDOUT, b'here'); time.sleep(1e6)")
    assert done.outcome.error_type == "cancelled"


def test_cancelling_from_another_thread(sandbox: FakeSandbox) -> None:
    speaking = threading.Event()
    sandbox.seen.stdout = lambda data: speaking.set()  # type: ignore[method-assign]

    def cancel() -> None:
        speaking.wait(20)
        sandbox.cancellation.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    done = sandbox.attempt("send(STDOUT, b'here'); time.sleep(1e6)")
    thread.join()
    assert done.outcome.error_type == "cancelled"


def test_a_large_request_reaches_a_peer_that_talks_meanwhile(sandbox: FakeSandbox) -> None:
    done = sandbox.attempt(
        "send(STDOUT, b'x' * 60000)\n"
        "got = 0\n"
        "while got < 7: got += len(os.read(0, 3))\n"
        f"send(RESULT, str(got).encode()); {FINISH}"
    )
    assert done.outcome.result == 7


def test_a_flood_on_descriptor_2_is_counted(sandbox: FakeSandbox) -> None:
    done = sandbox.attempt(
        f"for _ in range(200): os.write(2, b'z' * 10000)\nsend(RESULT, b'1'); {FINISH}"
    )
    assert done.outcome.result == 1
    assert done.left_out + done.stderr.count("z") == 2_000_000


# A large answer, of which the first part comes.
ANNOUNCE = "raw(HEADER.pack(TEXT, 1 << 20) + b'x')\n"


def taken() -> tuple[RunMemory, Hold]:
    """Memory of a run that another answer takes, and what it holds."""
    memory = RunMemory(answers=1 << 20)
    hold = memory.answers.hold()
    assert hold.try_resize(1 << 20)
    return memory, hold


def once_it_waits(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> threading.Thread:
    """Do something while an answer waits for room, and has been refused some already."""
    refused = threading.Semaphore(0)
    resize = Hold.resize

    def counted(hold: Hold, size: int, deadline: float | None, stop: Cancellation) -> bool:
        if resize(hold, size, deadline, stop):
            return True
        refused.release()
        return False

    def wait() -> None:
        for _ in range(3):
            refused.acquire(timeout=20)
        do()

    monkeypatch.setattr(Hold, "resize", counted)
    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_sandbox_that_waits_for_room_fills_no_disk(
    sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "MAX_BYTES", 1 << 20)
    script = f"{ANNOUNCE}fill(2 << 20); time.sleep(1e6)"
    limits = Limits(10**8, None, 15_000)
    outcome = sandbox.attempt(script, limits=limits, memory=taken()[0]).outcome
    assert (outcome.error_type, "more than 1 MB" in outcome.message) == ("policy_error", True)


def test_a_deadline_ends_a_sandbox_that_waits_for_room(sandbox: FakeSandbox) -> None:
    limits, (memory, _) = Limits(10**8, None, 500), taken()
    done = sandbox.attempt(f"{ANNOUNCE}time.sleep(1e6)", limits=limits, memory=memory)
    assert done.outcome.error_type == "timeout"
    assert done.duration_ms < 5_000
    assert memory.answers.taken == 1 << 20


def test_cancelling_ends_a_sandbox_that_waits_for_room(
    sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = once_it_waits(monkeypatch, sandbox.cancellation.cancel)
    done = sandbox.attempt(f"{ANNOUNCE}time.sleep(1e6)", memory=taken()[0])
    thread.join()
    assert done.outcome.error_type == "cancelled"
    assert done.duration_ms < 10_000


def test_an_answer_that_waited_for_room_arrives(
    sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, other = taken()
    thread = once_it_waits(monkeypatch, other.release)
    done = sandbox.attempt(f"{ANNOUNCE}raw(b'x' * ((1 << 20) - 1)); {FINISH}", memory=memory)
    thread.join()
    assert done.outcome.result == "x" * (1 << 20)
