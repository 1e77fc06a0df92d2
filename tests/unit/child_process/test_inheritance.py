"""Nothing that the caller has open is open in what is started, on every way that starts something."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.child_process import descriptor_table, parent_death_macos, spawn
from capsule.child_process.child_pipes import start_with_pipes
from capsule.confine import isolation_layers
from capsule.confine.access import Access
from capsule.confine.isolation_layers import IsolationLayers
from capsule.process import posix
from capsule.process.cancel import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capsule.process.process_protocol import Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is open is read from /proc")

CAT = Path("/bin/cat").resolve()
STANDING = isolation_layers.standing()


@pytest.fixture(params=[3, 1100])
def leaking(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """A secret, a socket as a server hands it on, and a terminal: open, and to be inherited."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if request.param >= soft and hard != resource.RLIM_INFINITY and hard <= request.param + 50:
        pytest.skip("no more descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, request.param + 50), hard))
    (tmp_path / "secret").write_text("s3cret")
    with ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        terminal, other = os.openpty()
        mine = [os.open(tmp_path / "secret", os.O_RDONLY), listening.fileno(), terminal, other]
        while len(mine) < request.param:
            mine.append(os.dup(mine[0]))
        for number in mine:
            os.set_inheritable(number, True)
        try:
            yield
        finally:
            for number in mine:
                if number != listening.fileno():
                    os.close(number)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_in(pid: int) -> dict[int, str]:
    """What a process has open, by its number."""
    folder = Path(f"/proc/{pid}/fd")
    return {int(link.name): str(link.readlink()) for link in folder.iterdir()}


def open_here() -> set[int]:
    """What this program has open, without the look itself."""
    found = set()
    for number in range(2000):
        with suppress(OSError):
            os.fstat(number)
            found.add(number)
    return found


def answering(process: Process) -> int:
    """Wait until a program is what it was started as, and return its number."""
    with Cancellation() as never:
        process.send(b"x")
        assert process.wait(time.monotonic() + 20, never).stdout == b"x"
    return process.pid


def assert_three_pipes_and(pid: int, *more: int) -> None:
    found = open_in(pid)
    assert sorted(found) == [0, 1, 2, *more], found
    assert all(name.startswith("pipe:") for name in found.values()), found


@pytest.mark.parametrize(
    "layers",
    [STANDING, IsolationLayers(0), STANDING._replace(seccomp=False), STANDING._replace(landlock=0)],
    ids=["walls", "none", "landlock", "seccomp"],
)
def test_a_sandbox_has_three_streams_and_its_tie(leaking: None, layers: IsolationLayers) -> None:
    def confined(start: Callable[[], int]) -> int:
        return isolation_layers.put_up(layers, Access(CAT, read=()), start)

    with posix.start([str(CAT)], {}, confined) as process:
        assert_three_pipes_and(answering(process), 3)


@pytest.fixture(params=["close_range", "unshare", "neither"])
def old_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A C library that cannot close the rest, and kernels that have one way or no way to a table."""
    monkeypatch.setattr(spawn, "_closefrom", None)
    if request.param != "close_range":
        monkeypatch.setattr(descriptor_table, "_CLOSE_RANGE", 100_000)
    if request.param == "neither":
        monkeypatch.setattr(descriptor_table, "_CLONE_FILES", 1)  # which the kernel refuses


@pytest.mark.parametrize("layers", [STANDING, IsolationLayers(0)], ids=["walls", "none"])
def test_an_old_library_hands_nothing_on(
    leaking: None, old_library: None, layers: IsolationLayers
) -> None:
    before = open_here()

    def confined(start: Callable[[], int]) -> int:
        return isolation_layers.put_up(layers, Access(CAT, read=()), start)

    with posix.start([str(CAT)], {}, confined) as process:
        assert_three_pipes_and(answering(process), 3)
    assert open_here() == before


def test_a_table_of_its_own_is_closed_without_proc(
    leaking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: str) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(spawn, "_closefrom", None)
    monkeypatch.setattr(descriptor_table, "_CLOSE_RANGE", 100_000)
    before = open_here()
    with monkeypatch.context() as without:
        without.setattr(os, "listdir", none)
        process = posix.start([str(CAT)], {}, lambda start: start())
    with process:
        assert_three_pipes_and(answering(process), 3)
    assert open_here() == before


@pytest.mark.parametrize("closefrom", [True, False])
def test_what_another_thread_opens_meanwhile_stays_out(
    monkeypatch: pytest.MonkeyPatch, closefrom: bool
) -> None:
    if not closefrom:
        monkeypatch.setattr(spawn, "_closefrom", None)
    done = threading.Event()

    def open_and_close() -> None:
        # As a library in C does: without Python's flag that keeps it from being inherited.
        libc = ctypes.CDLL(None)
        while not done.is_set():
            for number in [libc.open(b"/dev/null", os.O_RDONLY) for _ in range(50)]:
                libc.close(number)

    thread = threading.Thread(target=open_and_close)
    thread.start()
    try:
        for _ in range(30):
            with posix.start([str(CAT)], {}, lambda start: start()) as process:
                assert_three_pipes_and(answering(process), 3)
    finally:
        done.set()
        thread.join()


def until_it_waits(pid: int) -> None:
    """Return when a process sleeps, as it does while it reads from a pipe."""
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        assert time.monotonic() < deadline
        os.sched_yield()


def test_the_shell_that_waits_has_its_streams_alone(leaking: None) -> None:
    dog = parent_death_macos.Watchdog()
    try:
        # Until it waits, its loader has libraries open.
        until_it_waits(dog.group)
        assert sorted(open_in(dog.group)) == [0, 1, 2]
    finally:
        dog.close()


def test_a_compiler_or_installer_has_its_streams_alone(leaking: None) -> None:
    child = start_with_pipes([str(CAT)], {}, stdin=True)
    try:
        assert_three_pipes_and(child.pid)
    finally:
        child.kill()
        child.communicate()


def test_what_is_handed_over_under_a_low_number_arrives() -> None:
    """The ends of the pipes may have any numbers, those of the streams too."""
    script = (
        "import os, sys, time; sys.path.insert(0, sys.argv[1]); os.close(0); os.close(2)\n"
        "from capsule.child_process import spawn; from capsule.process import posix\n"
        "from capsule.process.cancel import Cancellation\n"
        "spawn._closefrom = spawn._closefrom if sys.argv[2] == 'new' else None\n"
        "with Cancellation() as c, posix.start(['/bin/cat'], {}, lambda s: s()) as p:\n"
        "    p.send(b'hello')\n"
        "    os.write(1, p.wait(time.monotonic() + 20, c).stdout)\n"
    )
    root = str(Path(__file__).parents[3])
    for library in ("new", "old"):
        done = subprocess.run(
            [sys.executable, "-c", script, root, library],
            stdout=subprocess.PIPE,
            check=True,
            timeout=30,
        )
        assert done.stdout == b"hello"


def test_what_is_open_cannot_be_asked_for_by_number(leaking: None) -> None:
    """What a program in the sandbox's place sees of it: nothing but its streams and its tie."""
    python = Path(sys.executable).resolve()
    tried = "import os\nfor n in range(4, 2000):\n try: os.fstat(n); print(n)\n except OSError: 0"
    out = b""
    with (
        Cancellation() as never,
        posix.start([str(python), "-SEsc", tried], {}, lambda start: start()) as process,
    ):
        while not (arrival := process.wait(time.monotonic() + 20, never)).ended:
            out += arrival.stdout
    assert out == b""
