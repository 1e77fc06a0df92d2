"""Landlock's numbers, and what is left to a process that is anything but wasmtime."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.confine import isolation_layers, landlock, linux
from capsule.confine.access import Access
from capsule.confine.elf import loader_of
from capsule.process import posix
from capsule.process.cancel import Cancellation
from tests.unit.confine.wider_calls import widen

if TYPE_CHECKING:
    from collections.abc import Callable

SHELL = Path("/bin/sh")
needs_landlock = pytest.mark.skipif(
    isolation_layers.standing().landlock == 0, reason="this kernel has no Landlock to test"
)


@pytest.fixture(autouse=True)
def _shells(monkeypatch: pytest.MonkeyPatch) -> None:
    widen(monkeypatch)


@pytest.mark.parametrize(
    ("version", "attributes"),
    [
        (1, "ff1f000000000000"),
        (2, "ff3f000000000000"),
        (3, "ff7f000000000000"),
        (4, "ff7f0000000000000300000000000000"),
        (5, "ffff0000000000000300000000000000"),
        (6, "ffff00000000000003000000000000000300000000000000"),
        (99, "ffff00000000000003000000000000000300000000000000"),
    ],
)
def test_all_that_an_abi_can_refuse_is_refused(version: int, attributes: str) -> None:
    assert landlock.ruleset_attributes(version).hex() == attributes


def test_a_sandbox_may_execute_only_its_program_and_the_loader(tmp_path: Path) -> None:
    rules = linux.rules_for(Access(SHELL, read=(tmp_path,)))
    executable = {rule.path for rule in rules if rule.rights & landlock.EXECUTE}
    assert executable == {SHELL, loader_of(SHELL)}
    writable = {rule.path for rule in rules if rule.rights & landlock.WRITE_FILE}
    assert writable == set()


def test_a_loader_may_read_where_its_libraries_are(tmp_path: Path) -> None:
    rules = linux.rules_for(Access(SHELL, read=(tmp_path,)))
    readable = {str(rule.path) for rule in rules if rule.rights & landlock.READ_FILE}
    assert {"/lib", "/usr/lib", "/etc/ld.so.cache", "/etc/ld-musl-x86_64.path"} <= readable


def test_a_start_that_is_interrupted_leaves_nothing() -> None:
    interrupted = threading.Event()
    started: list[int] = []

    def interrupt(_number: int, _frame: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    def spawn() -> int:
        # A signal that comes just before a wait begins does not end it: another one does.
        while not interrupted.wait(0.05):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        started.append(os.posix_spawn(SHELL, [str(SHELL), "-c", "read x"], {}))
        return started[0]

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            linux.spawn_confined(Access(SHELL, read=()), spawn, version=0, filtered=False)
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(ChildProcessError):
        os.waitpid(started[0], os.WNOHANG)


def confined(script: str, access: Access, version: int | None = None) -> bytes:
    """Run a shell script behind the walls and return what it printed."""
    standing = (
        isolation_layers.standing()
        if version is None
        else isolation_layers.IsolationLayers(version)
    )

    def spawn(start: Callable[[], int]) -> int:
        return isolation_layers.put_up(standing, access, start)

    out = b""
    with Cancellation() as never, posix.start([str(SHELL), "-c", script], {}, spawn) as process:
        while not (arrival := process.wait(time.monotonic() + 20, never)).ended:
            assert not arrival.timed_out
            out += arrival.stdout
    return out


@needs_landlock
@pytest.mark.parametrize("version", range(1, isolation_layers.standing().landlock + 1))
def test_a_shell_in_place_of_wasmtime_gets_nowhere(tmp_path: Path, version: int) -> None:
    (allowed := tmp_path / "allowed").mkdir()
    (allowed / "file").write_text("allowed content")
    (tmp_path / "secret").write_text("secret content")
    script = f"""
read line < {allowed}/file; echo "read: $line"
read line < {tmp_path}/secret && echo "leak: $line"
read line < /etc/passwd && echo "leak: $line"
read line < /proc/1/status && echo "leak: $line"
echo x > {allowed}/new && echo "leak: wrote"
echo x >> {allowed}/file && echo "leak: appended"
echo x > {tmp_path}/new && echo "leak: wrote outside"
echo x > /dev/shm/capsule-leak && echo "leak: wrote to shm"
/bin/ls / && echo "leak: executed"
{sys.executable} -c 'print("leak")'
for f in {tmp_path}/*; do [ -f "$f" ] && [ -r "$f" ] && read l < "$f" && echo "leak: $f"; done
echo end
"""
    said = confined(script, Access(SHELL, read=(allowed,)), version).decode()
    assert said == "read: allowed content\nend\n"
    assert (allowed / "file").read_text() == "allowed content"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["allowed", "file", "secret"]


@needs_landlock
def test_a_folder_that_became_a_link_is_not_reached(tmp_path: Path) -> None:
    """Between the check of a policy and the start, another sandbox may have moved folders."""
    folder = tmp_path.resolve() / "folder"
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret\n")
    folder.symlink_to("outside")
    script = f"read line < {folder}/file && echo leak; echo x > {folder}/new && echo leak; echo end"
    for access in (
        Access(SHELL, read=(folder,), nofollow=frozenset([folder])),
        Access(SHELL, read=(), write=(folder,), nofollow=frozenset([folder])),
    ):
        assert confined(script, access) == b"end\n"
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["file"]
    assert b"leak" in confined(script, Access(SHELL, read=(folder,)))


@needs_landlock
@pytest.mark.skipif(isolation_layers.standing().landlock < 4, reason="the kernel cannot refuse TCP")
def test_no_connection_can_be_made() -> None:
    python = Path(sys.executable).resolve()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        script = (
            "import socket\n"
            "try:\n"
            f"    socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)\n"
            "    print('leak')\n"
            "except PermissionError:\n"
            "    print('refused')\n"
        )
        access = Access(python, read=(Path(sys.base_prefix),))
        rules = [*linux.rules_for(access), landlock.Rule(Path("/usr"), landlock.READ)]
        done: list[subprocess.CompletedProcess[bytes]] = []

        def restricted() -> None:
            landlock.Ruleset(rules, isolation_layers.standing().landlock).restrict_this_thread()
            done.append(
                subprocess.run(
                    [python, "-ISc", script], capture_output=True, check=False, timeout=20, env={}
                )
            )

        thread = threading.Thread(target=restricted)
        thread.start()
        thread.join()
        assert done[0].stdout == b"refused\n", done[0].stderr
        with pytest.raises(TimeoutError):
            server.accept()


@needs_landlock
def test_the_program_itself_stays_free(tmp_path: Path) -> None:
    assert confined("echo hi", Access(SHELL, read=())) == b"hi\n"
    (tmp_path / "free").write_text("still writable")
    assert Path("/etc/passwd").read_text()


@needs_landlock
def test_a_wall_that_cannot_be_raised_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def refuse(*_: object) -> None:
        raise OSError(95, "not supported")

    def start() -> int:
        started.append(1)
        return 1

    monkeypatch.setattr(landlock.Ruleset, "restrict_this_thread", refuse)
    with pytest.raises(OSError, match="not supported"):
        isolation_layers.put_up(isolation_layers.standing(), Access(SHELL, read=()), start)
    assert started == []


def test_the_loader_of_a_program(tmp_path: Path) -> None:
    loader = loader_of(Path(sys.executable).resolve())
    assert loader is not None
    assert loader.exists()
    for content in (b"", b"#!/bin/sh\n", b"\x7fELF\x02" + bytes(100), b"\x7fELF\x01" + bytes(100)):
        (tmp_path / "file").write_bytes(content)
        assert loader_of(tmp_path / "file") is None
