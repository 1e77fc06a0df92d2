"""Processes of both systems: started, fed, read, ended, and nothing left behind."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from capsule.process import posix, windows
from capsule.process.cancel import Cancellation
from capsule.process.wakeup_pipe import WakeupPipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capsule.process.process_protocol import Process

    Start = Callable[[str], Process]


def start_posix(script: str) -> Process:
    argv = [sys.executable, "-SEsc", script]
    return posix.start(argv, {}, lambda spawn: spawn())


def start_windows(script: str) -> Process:
    return windows.start([sys.executable, "-SEsc", script], {})


@pytest.fixture(params=[start_posix, start_windows])
def start(request: pytest.FixtureRequest) -> Start:
    chosen: Start = request.param
    return chosen


@pytest.fixture
def never() -> Iterator[Cancellation]:
    with Cancellation() as cancellation:
        # Its descriptors are there from now on, and not counted as what a process leaves.
        cancellation.fileno()
        yield cancellation


def soon() -> float:
    return time.monotonic() + 20


def read_all(process: Process, never: Cancellation) -> tuple[bytes, bytes]:
    stdout, stderr = bytearray(), bytearray()
    while not (arrival := process.wait(soon(), never)).ended:
        assert not arrival.timed_out
        stdout += arrival.stdout
        stderr += arrival.stderr
    return bytes(stdout), bytes(stderr)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def test_output_and_status(start: Start, never: Cancellation) -> None:
    with start("import sys; print('o'); print('e', file=sys.stderr); sys.exit(7)") as process:
        assert read_all(process, never) == (b"o\n", b"e\n")
        assert process.reap(soon(), never) == 7
    assert is_gone(process.pid)


def test_what_is_sent_arrives_while_output_flows(start: Start, never: Cancellation) -> None:
    size = 1_000_000
    script = (
        "import sys; data = sys.stdin.buffer.read(1000000)\nsys.stdout.buffer.write(data[::-1] * 3)"
    )
    with start(script) as process:
        process.send(b"ab" * (size // 2))
        stdout, _ = read_all(process, never)
    assert stdout == b"ba" * (3 * size // 2)


def test_sending_to_a_process_that_does_not_read(start: Start, never: Cancellation) -> None:
    with start("pass") as process:
        process.send(bytes(1_000_000))
        assert read_all(process, never) == (b"", b"")
        assert process.reap(soon(), never) == 0


def test_the_environment_is_what_was_given(start: Start, never: Cancellation) -> None:
    with start("import os; print(dict(os.environ))") as process:
        stdout, _ = read_all(process, never)
    assert b"PATH" not in stdout
    assert b"HOME" not in stdout


def test_a_deadline_is_kept(start: Start, never: Cancellation) -> None:
    with start("import time; time.sleep(1e6)") as process:
        begin = time.monotonic()
        arrival = process.wait(begin + 0.2, never)
        assert arrival.timed_out
        assert 0.2 <= time.monotonic() - begin < 5
        assert process.end() < 0
    assert is_gone(process.pid)


def test_a_cancellation_wakes_a_wait(start: Start) -> None:
    with Cancellation() as cancellation, start("import time; time.sleep(1e6)") as process:
        timer = threading.Thread(target=cancellation.cancel)
        timer.start()
        assert process.wait(None, cancellation).cancelled
        timer.join()
    assert is_gone(process.pid)


def test_a_wait_in_another_thread_is_woken_again_and_again(
    start: Start, never: Cancellation
) -> None:
    script = "import time; time.sleep(1e6)"
    with (
        ThreadPoolExecutor(1) as other,
        WakeupPipe(never) as wakeup,
        start(script) as process,
    ):
        for _ in range(20):
            waiting = other.submit(process.wait, None, wakeup)
            wakeup.wake()
            assert waiting.result(20).cancelled
            wakeup.clear()
        # What was only a call is nothing that the process said.
        assert process.is_quiet()


def test_output_that_nobody_reads_is_left(start: Start) -> None:
    begin = time.monotonic()
    with start("while True: print('x' * 100_000)") as process:
        while process.is_quiet():
            assert time.monotonic() < begin + 20
    assert is_gone(process.pid)


def test_leaving_the_block_ends_the_process(start: Start) -> None:
    with pytest.raises(ZeroDivisionError), start("import time; time.sleep(1e6)") as process:
        1 / 0  # noqa: B018
    assert is_gone(process.pid)


def test_a_process_that_stays_without_streams_is_killed(start: Start, never: Cancellation) -> None:
    with start("import os, time; os.close(1); os.close(2); time.sleep(1e6)") as process:
        read_all(process, never)
        assert process.reap(time.monotonic() + 0.2, never) < 0
    assert is_gone(process.pid)


def test_nothing_is_left_open(start: Start, never: Cancellation) -> None:
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(20):
        with start("print('x')") as process:
            process.wait(soon(), never)
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before


def test_a_program_that_does_not_exist(start: Start, never: Cancellation) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        posix.start(["/nowhere/wasmtime"], {}, lambda spawn: spawn())
    with pytest.raises(FileNotFoundError):
        windows.start(["/nowhere/wasmtime"], {})
    assert len(os.listdir("/proc/self/fd")) == before


def test_without_a_pidfd(monkeypatch: pytest.MonkeyPatch, never: Cancellation) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    with start_posix("import sys; sys.exit(3)") as process:
        read_all(process, never)
        assert process.reap(soon(), never) == 3
    with start_posix("import os, time; os.close(1); os.close(2); time.sleep(1e6)") as process:
        read_all(process, never)
        assert process.reap(time.monotonic() + 0.2, never) == -9


def test_the_process_has_a_group_of_its_own(never: Cancellation) -> None:
    with start_posix("import os; print(os.getpgid(0) == os.getpid())") as process:
        assert read_all(process, never) == (b"True\n", b"")


def test_pipes_stay_off_the_standard_descriptors() -> None:
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); os.close(0); os.close(1)\n"
        "from capsule.process import posix; from capsule.process.cancel import Cancellation\n"
        "import time\n"
        "with Cancellation() as c, posix.start(['/bin/echo', 'hi'], {}, lambda s: s()) as p:\n"
        "    out = b''\n"
        "    while not (a := p.wait(time.monotonic() + 20, c)).ended: out += a.stdout\n"
        "os.write(2, out)\n"
    )
    import subprocess

    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", script, root], capture_output=True, timeout=30, check=True
    )
    assert done.stderr == b"hi\n"


def test_what_a_process_says_last_comes_in_one_piece(start: Start, never: Cancellation) -> None:
    with start("import os\nfor number in range(200): os.write(2, b'x')") as process:
        process.rest(soon(), never)
        if sys.platform == "linux" and start is start_posix:
            assert process.wait(soon(), never).stderr == b"x" * 200
        else:
            assert read_all(process, never) == (b"", b"x" * 200)


def test_resting_ends_when_it_is_cancelled(start: Start) -> None:
    with Cancellation() as cancellation, start("import time; time.sleep(1e6)") as process:
        cancellation.cancel()
        process.rest(soon(), cancellation)
        assert process.wait(soon(), cancellation).cancelled
