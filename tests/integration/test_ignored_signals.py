"""What was ignored when a command began stays ignored: `nohup`, and a script's background."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.command import Command
from tests.integration.test_worker import listening

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

SECONDS = 60
ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
# Says that it is up, and ends when it is told.
PATIENT = """
import os, time
from capsule import task
@task(name="main", allowed_files=["data"])
def main(n):
    if n == 0: return n
    print("up")
    while not os.path.exists("data/go"): time.sleep(0.01)
    return n
"""


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    command = Command(tmp_path, toolchain_home)
    command.environ["CAPSULE_SOCKET"] = str(tmp_path / "s" / "w")
    command.write("project/patient.py", PATIENT)
    command.folder = tmp_path / "project"
    (command.folder / "data").mkdir()
    return command


@contextmanager
def ignoring(
    capsule: Command, ignored: Iterable[signal.Signals], *words: str
) -> Iterator[subprocess.Popen[bytes]]:
    def ignore() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    with capsule.popen(*words, preexec_fn=ignore) as process:
        try:
            yield process
        finally:
            process.kill()


def goes_on(capsule: Command, process: subprocess.Popen[bytes], number: int) -> list[bytes]:
    """Send a signal to a run that waits, then have it end; return what it printed."""
    assert process.stderr is not None
    assert process.stderr.readline() == b"up\n"
    process.send_signal(number)
    capsule.write("data/go", "")
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert b"interrupted" not in err
    return out.splitlines()


@pytest.mark.parametrize("ignored", [*[(number,) for number in ENDING], ENDING])
def test_a_run_goes_on(capsule: Command, ignored: tuple[signal.Signals, ...]) -> None:
    with ignoring(capsule, ignored, "run", "patient.py", "1", "--result") as process:
        assert goes_on(capsule, process, ignored[0]) == [b"1"]


@pytest.mark.parametrize("number", ENDING)
def test_a_run_in_a_worker_goes_on(capsule: Command, number: signal.Signals) -> None:
    with (
        listening(capsule),
        ignoring(capsule, [number], "run", "patient.py", "1", "--result") as process,
    ):
        assert goes_on(capsule, process, number) == [b"1"]


def test_a_batch_goes_on(capsule: Command) -> None:
    capsule.write("items.jsonl", "0\n1\n")
    words = ("run", "patient.py", "--map", "items.jsonl", "--concurrency", "1")
    with ignoring(capsule, [signal.SIGHUP], *words) as process:
        assert process.stdout is not None
        # The first answer is there, and the other one waits.
        assert json.loads(process.stdout.readline())["result"] == 0
        process.send_signal(signal.SIGHUP)
        capsule.write("data/go", "")
        out, err = process.communicate(timeout=SECONDS)
        assert (process.returncode, json.loads(out)["result"]) == (0, 1), err


@pytest.mark.parametrize("number", ENDING[1:])
def test_the_others_end_it(capsule: Command, number: signal.Signals) -> None:
    """As of a job in a script's background, where SIGINT is ignored."""
    with ignoring(capsule, [signal.SIGINT], "run", "patient.py", "1") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(number)
        out, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 130
        assert json.loads(out)["error"]["error_type"] == "cancelled"


def test_a_worker_goes_on_and_sigterm_ends_it(capsule: Command) -> None:
    capsule.write("data/go", "")
    with ignoring(capsule, [signal.SIGINT, signal.SIGHUP], "worker", "--listen") as worker:
        assert worker.stderr is not None
        assert worker.stderr.readline().startswith(b"capsule: listening at ")
        worker.send_signal(signal.SIGINT)
        worker.send_signal(signal.SIGHUP)
        done = capsule("run", "patient.py", "1", "--result")
        assert (done.code, done.out) == (0, "1\n")
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SECONDS) == 0
