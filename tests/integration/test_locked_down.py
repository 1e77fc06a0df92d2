"""Machines on which things that are usual elsewhere are missing or bounded.

Each line works, or ends in one message that names the cause; and the next run is as if it had not
been.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.command import REPOSITORY, Command, Done

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them"),
]

HELLO = "def main(n=3): return n\n"


@pytest.fixture
def command(tmp_path: Path, toolchain_home: Path) -> Command:
    """A command whose home has the toolchain, and nothing else yet."""
    home = tmp_path / "home"
    shutil.copytree(toolchain_home / "toolchain", home / "toolchain", symlinks=True)
    command = Command(tmp_path, home)
    command.environ["CAPSULE_SOCKET"] = str(tmp_path / "none")
    command.write("hello.py", HELLO)
    return command


def bounded(command: Command, limit: Callable[[], object], *words: str) -> Done:
    with command.popen(*words, preexec_fn=limit) as process:
        out, err = process.communicate(timeout=300)
    assert b"Traceback" not in err, err.decode()
    assert b"defect of capsule" not in err, err.decode()
    return Done(process.returncode, out.decode(), err.decode())


def works(command: Command) -> None:
    assert command("run", "hello.py", "--result").out == "3\n"


LIMITS: dict[str, tuple[Callable[[], object], str]] = {
    "6 open files": (
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6)),
        "raise the limit on open files of this program: ulimit -n",
    ),
    "address space": (
        lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
        "raise the limit on address space: ulimit -v unlimited",
    ),
}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("warm", [False, True], ids=["first", "later"])
def test_a_limit_is_named_and_leaves_nothing(command: Command, name: str, *, warm: bool) -> None:
    limit, said = LIMITS[name]
    if warm:
        works(command)
    done = bounded(command, limit, "run", "hello.py", "--result", "-q")
    assert done.code in (2, 3)
    assert f"  try: {said}" in done.err
    assert done.err.count("try:") == 1
    assert "damaged" not in done.err
    works(command)


def test_a_umask_that_takes_everything(command: Command) -> None:
    for _ in range(2):
        done = bounded(command, lambda: os.umask(0o777), "run", "hello.py", "--result", "-q")
        assert (done.code, done.out) == (0, "3\n")
    works(command)


@pytest.mark.parametrize("home", ["", None], ids=["empty", "none"])
def test_no_home(command: Command, home: str | None) -> None:
    del command.environ["HOME"]
    if home is not None:
        command.environ["HOME"] = home
    works(command)
    # The state is where the system says that the user is at home, and never at the root.
    code = "from capsule.paths import state_root; print(state_root())"
    environ = {**command.environ}
    del environ["CAPSULE_HOME"]
    said = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    import pwd

    assert said.stdout.strip() == f"{pwd.getpwuid(os.getuid()).pw_dir}/.local/share/capsule"


def test_a_home_of_the_user_that_can_only_be_read(command: Command, tmp_path: Path) -> None:
    # wasmtime itself would make a folder there when it compiles.
    (tmp_path / "user").write_text("no folder")
    works(command)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can take a file system away"
)
@pytest.mark.parametrize("missing", ["/proc", "/dev"])
def test_without(command: Command, missing: str) -> None:
    mounted = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", missing], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this system lets nobody mount: {mounted.stderr.decode()}")
    script = f"mount -t tmpfs none {missing} && exec {sys.executable} -m capsule run hello.py -q"
    for _ in range(2):
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script],
            cwd=command.folder,
            env={**command.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert b"another processor" not in done.stderr
    works(command)


def test_a_pipe_as_the_settings_of_the_project(command: Command) -> None:
    os.mkfifo(command.folder / "capsule.toml")
    done = command("run", "hello.py")
    assert done.code == 2
    assert "capsule.toml: it is no regular file" in done.err


def test_no_thread_can_be_started(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import _thread, sys, threading
def refuse(*_, **__): raise RuntimeError("can't start new thread")
_thread.start_new_thread = _thread.start_joinable_thread = refuse
threading._start_new_thread = threading._start_joinable_thread = refuse
from capsule.cli.main import main
sys.argv = ["capsule", "run", "hello.py", "--result", "-q"]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=command.folder,
        env=command.environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (2, 3)
    assert "try: raise the limit on processes and threads of this user: ulimit -u" in done.stderr
    assert "defect" not in done.stderr
    works(command)
