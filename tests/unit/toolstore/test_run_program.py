"""Programs that capsule waits for, and does not leave behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from capsule.toolstore import run_program

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[3]
SHELL = "/bin/sh"


def test_what_a_program_says_and_how_it_ends() -> None:
    outcome = run_program.run([SHELL, "-c", "echo out; echo err >&2; exit 3"], {})
    assert outcome == run_program.ProgramResult(3, "out\n", "err\n")


def test_a_program_that_is_killed_has_the_signal_as_its_status() -> None:
    assert run_program.run([SHELL, "-c", "kill -9 $$"], {}).status == -9


def test_nothing_is_on_its_standard_input() -> None:
    assert run_program.run(["/bin/cat"], {}) == run_program.ProgramResult(0, "", "")


def test_it_gets_the_environment_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    code = "import os; print(sorted(os.environ))"
    outcome = run_program.run([sys.executable, "-I", "-c", code], {"A": "1", "LC_ALL": "C"})
    assert "'A'" in outcome.stdout
    assert "SECRET" not in outcome.stdout


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        run_program.run(["/nowhere/pip"], {})


def test_more_output_than_a_pipe_holds() -> None:
    outcome = run_program.run(
        [sys.executable, "-I", "-c", "print('x' * 1_000_000)"], {}, lambda: None
    )
    assert len(outcome.stdout) == 1_000_001


def test_it_is_watched_while_it_runs(tmp_path: Path) -> None:
    """The program waits for a line that only the watcher writes."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    told: list[int] = []

    def watch() -> None:
        if not told:
            fifo.write_text("go\n")
        told.append(1)

    outcome = run_program.run([SHELL, "-c", f"read line < {fifo}; echo got $line"], {}, watch)
    assert outcome.stdout == "got go\n"
    assert told


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_exception_kills_the_program_and_what_it_started(
    tmp_path: Path, error: type[BaseException]
) -> None:
    """Each of them holds the writing end of a pipe; the end of file proves that they are dead."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    ends: list[int] = []

    def watch() -> None:
        ends.append(os.open(fifo, os.O_RDONLY))  # waits until the program has opened it as well
        raise error

    script = f"exec 3> {fifo}; /bin/sleep 100 & /bin/sleep 100"
    with pytest.raises(error):
        run_program.run([SHELL, "-c", script], {}, watch)
    try:
        readable, _, _ = select.select(ends, [], [], 10)
        assert readable == ends
        assert os.read(ends[0], 1) == b""
        with pytest.raises(ChildProcessError):  # it was reaped: this process has no children
            os.waitpid(-1, os.WNOHANG)
    finally:
        os.close(ends[0])


# A host that waits for a program, which has started another.
_HOST = """
import sys
from capsule.toolstore import run_program
def watched():
    print("watched", flush=True)
run_program.run(["/bin/sh", "-c", sys.argv[1]], {"PATH": "/bin:/usr/bin"}, watched)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_a_program_and_what_it_started_end_with_this_one(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Each of them holds the writing end of a pipe; the end of file proves that they are dead."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = f"exec 4> {fifo}; /bin/sleep 100 & echo on >&4; /bin/sleep 100"
    host = subprocess.Popen(
        [sys.executable, "-c", _HOST, script],
        env={"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
    )
    assert host.stdout is not None
    with fifo.open("rb") as end, host.stdout:
        assert end.readline() == b"on\n"
        # A program that has only just begun is not tied to this one yet.
        assert host.stdout.readline() == b"watched\n"
        host.send_signal(number)
        host.wait(20)
        readable, _, _ = select.select([end], [], [], 20)
        assert readable == [end]
        assert end.read() == b""


def test_a_program_that_has_ended_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    run_program.run(["/bin/true"], {})
    with pytest.raises(FileNotFoundError):
        run_program.run(["/nowhere/pip"], {})
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_tail_of_a_complaint() -> None:
    said = "first\n\n  second\nsecond\n[notice] A new release of pip\nthird\n"
    assert run_program.tail(said) == "first; second; third"
    assert run_program.tail(said, 1) == "third"
    assert run_program.tail("") == ""
    assert run_program.tail("x" * 5_000) == "x" * 400 + "..."


def test_the_bare_environment_holds_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYSTEMROOT", raising=False)
    monkeypatch.setenv("SECRET", "1")
    assert run_program.bare_environment() == {"RUST_BACKTRACE": "0"}
    monkeypatch.setenv("SYSTEMROOT", "C:\\Windows")
    assert run_program.bare_environment() == {"RUST_BACKTRACE": "0", "SYSTEMROOT": "C:\\Windows"}


class _ToldError(Exception):
    pass


@pytest.fixture
def idle() -> Iterator[None]:
    """A thread that waits: the system may give it a signal in place of the main thread."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.usefixtures("idle")
def test_no_program_is_left_by_a_signal_that_comes_while_it_starts() -> None:
    def tell(*_: object) -> None:
        raise _ToldError

    before = signal.signal(signal.SIGINT, tell)
    try:
        # The signal comes as soon as there is a program: within its start, or close behind, by chance.
        for _ in range(200):
            with pytest.raises(_ToldError):
                run_program.run([SHELL, "-c", "kill -INT $PPID; exec sleep 1000"], {})
        assert signal.getsignal(signal.SIGINT) is tell
    finally:
        signal.signal(signal.SIGINT, before)
    left = psutil.Process().children()
    for process in left:
        process.kill()
        process.wait()
    assert left == []
