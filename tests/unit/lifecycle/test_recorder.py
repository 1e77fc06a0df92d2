"""The recorder: what runs tell is in the file afterwards, and nothing ever comes back to them."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from capsule.lifecycle import reader, write_buffer, writer
from capsule.lifecycle.recorder import Recorder, open_recorder
from capsule.lifecycle.write_buffer import WriteBuffer
from tests.unit.lifecycle.conftest import REPOSITORY, created, ended, record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from capsule.lifecycle.write_buffer import Row


def test_an_attempt_is_a_row(recorder: Recorder, tmp_path: Path, notes: list[str]) -> None:
    made = created()
    end = ended(
        stdout="out", stderr="err", host_requests='[{"url": "http://x"}]', truncated_bytes=3
    )
    record(recorder, made, end)
    recorder.close()
    (node,) = reader.run(tmp_path, made.run).attempts
    row = node.attempt
    assert (row.id, row.task, row.file, row.state) == (made.id, "main", "hello.py", "completed")
    assert (row.compute, row.ram, row.timeout_ms) == (100, None, 5_000)
    assert (row.fuel_consumed, row.ram_used, row.duration_ms) == (50, 1 << 20, 2)
    assert (row.stdout, row.stderr, row.truncated_bytes) == ("out", "err", 3)
    assert (row.landlock, row.seccomp, row.how) == (7, 1, "cold")
    assert row.host_pid == os.getpid()
    assert node.requests == [{"url": "http://x"}]
    assert notes == []


def test_the_file_is_private(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, created(), ended())
    recorder.close()
    folder = tmp_path / "lifecycle"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.rglob("*"):
        assert not path.stat().st_mode & 0o077, path
    assert list((folder / "hosts").iterdir()) == []


def test_texts_that_no_utf8_can_say_are_kept_all_the_same(
    recorder: Recorder, tmp_path: Path, notes: list[str]
) -> None:
    made = created(file="odd\udcff.py", task="\ud800")
    record(recorder, made, ended(state="failed", message="a\0b\udfff", error_type="task_error"))
    recorder.close()
    row = reader.run(tmp_path, made.run).attempts[0].attempt
    assert (row.file, row.task) == ("odd\\udcff.py", "\\ud800")
    assert row.message == "a\0b\\udfff"
    assert notes == []


@pytest.mark.parametrize("name", ["a b", "50%", "what?x=1", "#1", "ü", "%41", "odd\udcff"])
def test_a_state_root_may_have_any_name(tmp_path: Path, name: str) -> None:
    with Recorder(tmp_path / name, pytest.fail) as recorder:
        record(recorder, created(), ended())
    assert len(reader.runs(tmp_path / name)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_has_not_ended_is_seen_while_it_goes_on(recorder: Recorder, tmp_path: Path) -> None:
    made = created()
    written = _written(recorder)
    record(recorder, made)
    assert written.wait(20)
    (node,) = reader.running(tmp_path)
    assert (node.attempt.state, node.attempt.ended_ns) == ("running", None)
    recorder.ended(made.id, ended())
    recorder.close()
    assert reader.running(tmp_path) == []


def _written(recorder: Recorder) -> threading.Event:
    """An event that is set when the recorder has written for the first time."""
    event, write = threading.Event(), recorder._write

    def watched(where: writer.Writer, rows: Sequence[Row]) -> bool:
        done = write(where, rows)
        event.set()
        return done

    recorder._write = watched  # type: ignore[method-assign, assignment]
    return event


@pytest.mark.parametrize("environ", [{"CAPSULE_RECORD": "0"}, {}])
def test_a_variable_turns_it_off(tmp_path: Path, environ: dict[str, str]) -> None:
    with open_recorder(tmp_path, pytest.fail, environ) as recorder:
        record(recorder, created(), ended())
    assert (tmp_path / "lifecycle").exists() is not bool(environ)
    assert len(reader.runs(tmp_path)) == (0 if environ else 1)


def test_nothing_is_made_where_nothing_is_recorded(tmp_path: Path) -> None:
    with open_recorder(tmp_path, pytest.fail, {}):
        pass
    assert list(tmp_path.iterdir()) == []
    assert reader.runs(tmp_path) == []
    assert reader.running(tmp_path) == []


def test_no_sqlite_is_imported_before_the_end() -> None:
    code = (
        "import sys, tempfile, pathlib; from capsule.lifecycle.recorder import Recorder;"
        "from tests.unit.lifecycle.conftest import created, ended, record;"
        "home = pathlib.Path(tempfile.mkdtemp(dir=sys.argv[1])); r = Recorder(home, print);"
        "from capsule.lifecycle import recorder; recorder._LINGER = 1000;"
        "record(r, created(), ended()); before = 'sqlite3' in sys.modules; r.close();"
        "print(before, 'sqlite3' in sys.modules)"
    )
    assert _ran(code, "/tmp") == "False True\n"


def _ran(code: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def test_a_program_that_forgets_to_close_loses_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from capsule.lifecycle.recorder import Recorder;"
        "from tests.unit.lifecycle.conftest import created, ended, record;"
        "record(Recorder(pathlib.Path(sys.argv[1]), print), created(), ended())"
    )
    assert _ran(code, str(tmp_path)) == ""
    assert [run.last.state for run in reader.runs(tmp_path)] == ["completed"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_records_for_itself(recorder: Recorder, tmp_path: Path) -> None:
    mine, theirs = created(), created()
    record(recorder, mine)
    child = os.fork()
    if not child:
        record(recorder, theirs, ended())
        recorder.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    recorder.ended(mine.id, ended())
    recorder.close()
    rows = {run.last.id: run.last for run in reader.runs(tmp_path)}
    assert {mine.id, theirs.id} == set(rows)
    assert (rows[mine.id].host_pid, rows[theirs.id].host_pid) == (os.getpid(), child)


def test_closing_ends_in_time_when_writing_does_not(
    tmp_path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(writer.Writer, "write", lambda *_: release.wait(60))
    recorder = Recorder(tmp_path, notes.append)
    record(recorder, created(), ended())
    recorder.close(0.01)
    assert notes == ["some runs are not recorded: there was no time to write them"]
    release.set()
    assert recorder._over.wait(60)


def test_an_end_that_comes_between_two_looks_is_seen(
    recorder: Recorder, tmp_path: Path, notes: list[str]
) -> None:
    """In the moment in which the thread has waited for it in vain, and before it goes on."""

    class Late(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            found = super().wait(timeout)
            if not found:
                self.set()
                recorder._work.set()
            return found

    recorder._closing = Late()
    record(recorder, created(), ended())
    assert recorder._over.wait(20)
    recorder.close()
    assert len(reader.runs(tmp_path, reader.Filters())) == 1
    assert notes == []


def test_a_mistake_of_the_writer_is_said_once_and_is_nobodys_problem(
    recorder: Recorder, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(writer.Writer, "write", broken)
    record(recorder, created(), ended())
    assert recorder._closing.wait(0) is False
    recorder.close()
    record(recorder, created(), ended())
    assert notes == ["runs are not recorded: ZeroDivisionError: oh"]


def test_who_is_told_may_fail_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer.Writer, "write", lambda *_: 1 / 0)

    def note(text: str) -> None:
        raise BrokenPipeError

    with Recorder(tmp_path, note) as recorder:
        record(recorder, created(), ended())


def test_details_go_first_when_there_is_too_much() -> None:
    kept = WriteBuffer(most_bytes=1000)
    made = [created() for _ in range(5)]
    for attempt in made:
        kept.created(attempt)
        kept.ended(attempt.id, ended(stdout="x" * 400))
    ends = [row.ended for row in kept.take()]
    assert [end is not None and end.stdout is None for end in ends] == [True] * 3 + [False] * 2
    assert kept.dropped == write_buffer.Dropped(details=3)
    assert kept.take() == []


def test_the_oldest_rows_go_when_there_are_too_many() -> None:
    kept = WriteBuffer(most_rows=3)
    made = [created() for _ in range(5)]
    for attempt in made:
        kept.created(attempt)
    assert [row.created for row in kept.take()] == made[2:]
    assert kept.dropped == write_buffer.Dropped(rows=2)
    # They go on all the same, and are written whole when they end.
    kept.ended(made[0].id, ended())
    assert [row.created for row in kept.take()] == [made[0]]


def test_what_was_dropped_is_said(
    tmp_path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Recorder(tmp_path, notes.append) as recorder:
        recorder._pending = WriteBuffer(most_bytes=10)
        record(recorder, created(), ended(stdout="x" * 100))
    assert recorder.dropped == write_buffer.Dropped(details=1)
    assert notes == ["some runs are not recorded whole: there were too many at once"]
    assert reader.runs(tmp_path)[0].last.state == "completed"


def test_any_client_can_read_it(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, created(), ended())
    recorder.close()
    connection = sqlite3.connect(tmp_path / "lifecycle" / "runs.db")
    try:
        assert connection.execute("SELECT task, state FROM attempts").fetchall() == [
            ("main", "completed")
        ]
    finally:
        connection.close()
