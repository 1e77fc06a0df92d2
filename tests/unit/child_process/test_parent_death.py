"""What ties a sandbox to its host: it is ended when the host is gone, however that ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from capsule.child_process import parent_death_macos
from capsule.child_process.parent_death_linux import ParentDeathPipe
from capsule.child_process.parent_death_macos import Watchdog
from capsule.process import posix

REPOSITORY = Path(__file__).parents[3]
SECONDS = 20

# A host with two sandboxes, one of which sleeps and one of which spins.
HOST = """
import sys
from capsule.process import posix
posix._KERNEL_TELLS = {kernel_tells}
scripts = "import time; time.sleep(1e9)", "while True: pass"
started = [posix.start([sys.executable, "-c", script], {{}}, lambda spawn: spawn())
    for script in scripts]
print(*(process.pid for process in started), flush=True)
sys.stdin.read()
"""


def gone(pid: int) -> bool:
    """Wait until a process that may be nobody's child is gone, and say whether it is."""
    try:
        psutil.Process(pid).wait(SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.mark.parametrize("kernel_tells", [True, False])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_sandbox_outlives_its_host(kernel_tells: bool, number: signal.Signals) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST.format(kernel_tells=kernel_tells)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY)},
    )
    assert host.stdout is not None
    pids = [int(pid) for pid in host.stdout.readline().split()]
    assert len(pids) == 2
    assert all(psutil.pid_exists(pid) for pid in pids)
    host.send_signal(number)
    host.communicate(timeout=SECONDS)
    assert all(gone(pid) for pid in pids)


def test_a_sandbox_that_ends_by_itself_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    process = posix.start(["/bin/true"], {}, lambda spawn: spawn())
    process.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_start_that_fails_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        posix.start(["/nothing/there"], {}, lambda spawn: spawn())
    assert len(os.listdir("/proc/self/fd")) == before


def test_closing_the_pipe_kills_what_is_tied_to_it() -> None:
    parent_death = ParentDeathPipe(*os.pipe())
    pid = os.posix_spawn(
        "/bin/sleep",
        ["sleep", "1000"],
        {},
        file_actions=[(os.POSIX_SPAWN_DUP2, parent_death.theirs, 3)],
    )
    parent_death.tie(pid)
    assert os.waitpid(pid, os.WNOHANG) == (0, 0)
    parent_death.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_a_watchdog_that_was_killed_is_replaced() -> None:
    first = parent_death_macos.group()
    try:
        assert parent_death_macos.group() == first
        os.kill(first, signal.SIGKILL)
        psutil.Process(first).wait(SECONDS)
        assert parent_death_macos.group() != first
    finally:
        kept, parent_death_macos._watchdogs[:] = list(parent_death_macos._watchdogs), []
        os.close(kept[0]._writer)
        kept[-1].close()


def test_a_watchdog_kills_its_group_alone() -> None:
    dog, other = Watchdog(), Watchdog()
    spawn = ["/bin/sleep", ["sleep", "1000"], {}]
    mine = os.posix_spawn(*spawn, setpgroup=dog.group)  # type: ignore[arg-type]
    theirs = os.posix_spawn(*spawn, setpgroup=other.group)  # type: ignore[arg-type]
    dog.close()
    assert os.waitstatus_to_exitcode(os.waitpid(mine, 0)[1]) == -signal.SIGKILL
    assert os.waitpid(theirs, os.WNOHANG) == (0, 0)
    other.close()
    os.waitpid(theirs, 0)
