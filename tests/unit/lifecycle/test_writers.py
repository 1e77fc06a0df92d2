"""Many programs that write at once, and some that are killed while they do."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from capsule.lifecycle import owner_locks, owner_process, reader
from capsule.lifecycle.owner_process import Host, OwnerPresence, is_gone
from capsule.lifecycle.reader import HOST_DIED, Filters
from capsule.lifecycle.writer import Writer
from tests.unit.lifecycle.conftest import go, row, told

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.lifecycle.conftest import Program

PROGRAMS, THREADS, EACH = 8, 25, 5
WRITES = """
import sys, threading
from pathlib import Path
from capsule.lifecycle.recorder import Recorder
from tests.unit.lifecycle.conftest import created, ended, record
home, threads, each = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
def work():
    with Recorder(home, print) as recorder:
        for _ in range(each):
            record(recorder, created(), ended(stdout="x" * 1000))
        recorder.close(60)
all_of_them = [threading.Thread(target=work) for _ in range(threads)]
print("ready", flush=True)
sys.stdin.read()
for thread in all_of_them: thread.start()
for thread in all_of_them: thread.join()
"""


def test_two_hundred_writers_lose_nothing(tmp_path: Path, program: Program) -> None:
    programs = [program(WRITES, tmp_path, THREADS, EACH) for _ in range(PROGRAMS)]
    assert [told(process) for process in programs] == ["ready\n"] * PROGRAMS
    for process in programs:
        go(process)
    assert [process.communicate(timeout=120)[0] for process in programs] == [""] * PROGRAMS
    found = reader.runs(tmp_path, Filters(limit=10_000))
    assert len(found) == PROGRAMS * THREADS * EACH
    assert {run.last.state for run in found} == {"completed"}
    assert len({run.last.host for run in found}) == PROGRAMS * THREADS
    assert list((tmp_path / "lifecycle" / "hosts").iterdir()) == []


GOES_ON = """
import itertools, sys
from pathlib import Path
from capsule.lifecycle.writer import Writer
from tests.unit.lifecycle.conftest import created, ended, row
from capsule.lifecycle.write_buffer import Row
store = Writer(Path(sys.argv[1]) / "lifecycle")
for count in itertools.count():
    rows = [[row(stdout="x" * 3000), Row(created(task="open")), row()] for _ in range(20)]
    store.write(sum(rows, []))
    print(count, flush=True)
"""


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_a_writer_that_is_killed_leaves_nothing_running(
    tmp_path: Path, program: Program, rounds: int
) -> None:
    killed = [program(GOES_ON, tmp_path) for _ in range(3)]
    for process in killed:
        for _ in range(rounds):
            told(process)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert reader.running(tmp_path) == []
    died = reader.runs(tmp_path, Filters(task="open", limit=10_000))
    assert len(died) >= 20 * 3 * rounds
    for run in died:
        assert (run.last.state, run.last.error_type) == ("failed", HOST_DIED)
        assert run.last.message == "the program that ran it ended before it did"
        assert run.last.ended_ns is None
    checked = Writer(tmp_path / "lifecycle")
    checked.write([row()])
    assert checked._connection is not None
    assert checked._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    states = checked._connection.execute("SELECT DISTINCT state FROM attempts").fetchall()
    assert sorted(states) == [("completed",), ("failed",)]
    checked.close()


WAITS = """
import sys
from pathlib import Path
from capsule.lifecycle.write_buffer import Row
from capsule.lifecycle.writer import Writer
from tests.unit.lifecycle.conftest import created, ended
store = Writer(Path(sys.argv[1]) / "lifecycle")
made = created()
store.write([Row(made)])
print(made.run, flush=True)
sys.stdin.read()
store.write([Row(made, None, ended())])
store.close()
"""


def test_what_a_living_program_runs_is_running(tmp_path: Path, program: Program) -> None:
    process = program(WAITS, tmp_path)
    run = told(process).strip()
    (node,) = reader.running(tmp_path)
    assert (node.attempt.run, node.attempt.host_pid) == (run, process.pid)
    go(process)
    assert process.wait(60) == 0
    assert reader.running(tmp_path) == []
    assert reader.run(tmp_path, run).attempts[0].attempt.state == "completed"


def test_the_end_of_an_attempt_that_was_given_up_for_lost_counts(tmp_path: Path) -> None:
    """A reader that could not see a program may have thought that it was gone."""
    attempt = row()
    kept = Writer(tmp_path / "lifecycle")
    kept.write([attempt._replace(ended=None)])
    assert kept._connection is not None
    kept._connection.execute("UPDATE attempts SET state = 'failed', error_type = 'host_died'")
    kept.write([attempt])
    kept.close()
    (summary,) = reader.runs(tmp_path)
    assert (summary.last.state, summary.last.error_type) == ("completed", None)


def test_a_program_is_told_from_another_one_of_its_number(tmp_path: Path) -> None:
    with OwnerPresence(tmp_path) as mine:
        assert not is_gone(tmp_path, mine.host)
        place, _, started = mine.host.started.rpartition("/")
        assert place
        assert is_gone(tmp_path, mine.host._replace(started=f"{place}/{started}0"))
    assert list((tmp_path / "hosts").iterdir()) == []


@pytest.mark.parametrize("place", ["", "another-boot/4026531836"])
def test_a_program_whose_number_means_nothing_here_is_known_by_its_lock(
    tmp_path: Path, place: str
) -> None:
    mine = OwnerPresence(tmp_path)
    elsewhere = mine.host._replace(pid=1, started=f"{place}/5")
    assert not is_gone(tmp_path, elsewhere)
    owner_process.sweep(tmp_path)
    assert not is_gone(tmp_path, elsewhere)
    mine.close()
    assert is_gone(tmp_path, elsewhere)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_zombie_is_gone(tmp_path: Path) -> None:
    with OwnerPresence(tmp_path) as mine:
        child = os.fork()
        if not child:
            signal.pause()
        place = mine.host.started.rpartition("/")[0]
        theirs = Host("zombie", child, f"{place}/{owner_process._start_of(child)}")
        assert not is_gone(tmp_path, theirs)
        os.kill(child, signal.SIGKILL)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert is_gone(tmp_path, theirs)
        os.waitpid(child, 0)
        assert is_gone(tmp_path, theirs)


def test_a_lock_that_is_taken_and_one_that_was_swept_away(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    handle = owner_locks.take(path)
    assert handle is not None
    assert owner_locks.take(path) is None
    assert not owner_locks.sweep(path)
    with pytest.raises(TimeoutError), owner_locks.held(path, 0):
        pass
    os.close(handle)
    assert owner_locks.sweep(path)
    assert not path.exists()
    assert owner_locks.sweep(path)
