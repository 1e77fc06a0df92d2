"""`capsule ps`, of runs that go on in other processes: on a terminal, in a pipe, in JSON."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.records import SECONDS, changes, command_with_a_record, flat

if sys.platform != "win32":
    import pty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.command import Command

pytestmark = pytest.mark.integration


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    return command_with_a_record(toolchain_home, tmp_path)


@contextmanager
def watching(capsule: Command) -> Iterator[Iterator[list[dict[str, Any]]]]:
    process = capsule.popen("ps", "--watch")
    with process:
        try:
            yield changes(process)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            assert process.stderr.read() == b""
            assert process.wait(SECONDS) == 0


@contextmanager
def running(capsule: Command, seen: Iterator[list[dict[str, Any]]]) -> Iterator[int]:
    """Run the endless tasks; both are seen to run when the block begins."""
    process = capsule.popen("run", "endless.py", stdout=subprocess.DEVNULL)
    with process:
        try:
            for rows in seen:
                if [row["state"] for row in flat(rows)] == ["running", "running"]:
                    break
            yield process.pid
        finally:
            process.kill()


def test_nothing_runs(capsule: Command) -> None:
    done = capsule("ps")
    assert (done.code, done.out, done.err) == (0, "", "capsule: nothing is running\n")
    assert capsule("ps", "--json").out == "[]\n"
    assert capsule.on_terminal("ps").out == "capsule: nothing is running\n"


def test_a_run_of_another_process(capsule: Command) -> None:
    with watching(capsule) as seen:
        assert next(seen) == []
        with running(capsule, seen) as pid:
            (row,) = json.loads(capsule("ps", "--json").out)
            assert (row["task"], row["file"], row["host_pid"]) == ("main", "endless.py", pid)
            (below,) = row["below"]
            assert (below["task"], below["parent"], below["ram"]) == ("below", row["id"], 64 << 20)
            for shown in (capsule("ps"), capsule.on_terminal("ps")):
                heading, first, second = shown.out.splitlines()
                assert heading == f"{row['run']}  pid {pid}  endless.py"
                assert re.fullmatch(r"  \.1  main      running  .{7}  fuel HIGH", first)
                assert re.fullmatch(
                    r"  \.2  └─ below  running  .{7}  fuel MEDIUM, ram 64 MB, timeout 1h", second
                )
                assert shown.code == 0
        # It was killed, and could not say so: whoever looks next does.
        assert next(seen) == []
    assert capsule("ps", "--json").out == "[]\n"
    (row,) = json.loads(capsule("trace", "--json").out)
    assert (row["state"], row["error_type"]) == ("failed", "host_died")
    text = capsule("trace", "latest").out
    assert "host_died: the program that ran it ended before it did" in text
    assert "█?" in text


def test_a_terminal_is_redrawn_until_a_signal(capsule: Command) -> None:
    mine, theirs = pty.openpty()
    process = capsule.popen("ps", "--watch", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    with process, watching(capsule) as seen:
        try:
            with running(capsule, seen):
                while b"below" not in shown:
                    shown += os.read(mine, 65536)
            while b"nothing is running" not in shown.rpartition(b"below")[2]:
                shown += os.read(mine, 65536)
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 0
            shown += os.read(mine, 65536)
        finally:
            process.kill()
            os.close(mine)
    # Another screen, and back.
    assert shown.startswith(b"\x1b[?1049h\x1b[H")
    assert shown.endswith(b"\x1b[?1049l")
    assert "└─ below".encode() in shown


def test_stdout_was_closed_before_it_began(capsule: Command) -> None:
    with capsule.popen("ps", "--watch", stdout=None, preexec_fn=lambda: os.close(1)) as process:
        _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (0, b"")


def test_nobody_reads_what_is_watched(capsule: Command) -> None:
    process = capsule.popen("ps", "--watch")
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"[]\n"
        process.stdout.close()
        assert process.wait(SECONDS) == 0
