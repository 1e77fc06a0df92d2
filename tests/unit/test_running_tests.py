"""The suite itself: it finds signals as it needs them however it is started, and nothing hangs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SENT = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)


def as_in_a_background() -> None:
    """What a script does to its background, `nohup` to its program, and some runners to all."""
    for number in (*SENT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [*SENT, signal.SIGUSR1, signal.SIGALRM])


def suite(folder: Path, source: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run tests from a file under the settings of all tests, started in a background."""
    (folder / "test_it.py").write_text(source)
    settings = ("-c", str(REPOSITORY / "pyproject.toml"), "--rootdir", str(folder))
    plugins = ("-p", "tests.conftest", "-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *settings, *plugins, *words, "test_it.py"],
        cwd=folder,
        env={"PYTHONPATH": str(REPOSITORY)},
        preexec_fn=as_in_a_background,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


SIGNALS = """
import signal, subprocess, sys
import pytest

def test_an_interrupt_is_an_exception():
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)

@pytest.mark.parametrize("name", ["SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM", "SIGUSR1"])
def test_it_ends_a_program(name):
    number = getattr(signal, name)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as program:
        program.send_signal(number)
        assert program.wait() == -number

def test_a_program_sees_how_its_own_ends():
    program = "import subprocess; print(subprocess.run(['false']).returncode)"
    assert subprocess.check_output([sys.executable, "-c", program]) == b"1\\n"

@pytest.mark.parametrize("name", ["SIGQUIT", "SIGHUP", "SIGTERM"])
def test_who_ignored_it_outlives_it(name):
    signal.raise_signal(getattr(signal, name))
"""


def test_signals_are_set_however_the_suite_is_started(tmp_path: Path) -> None:
    done = suite(tmp_path, SIGNALS)
    assert "10 passed" in done.stdout, done.stdout + done.stderr


HANGS = """
import threading
import pytest

def stands_still():
    threading.Event().wait()

@pytest.fixture
def thread():
    threading.Thread(target=stands_still, daemon=True).start()

def test_it_hangs(thread):
    threading.Event().wait()

def test_the_next(): pass
"""


def test_a_test_that_hangs_fails_with_all_stacks(tmp_path: Path) -> None:
    done = suite(tmp_path, HANGS, "--timeout", "1")
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "in stands_still" in done.stdout
    assert "test_it.py:13: " in done.stdout


FIXTURE_HANGS = """
import threading
import pytest

@pytest.fixture(scope="session")
def home():
    threading.Event().wait()

def test_it_needs_it(home): pass
"""


def test_a_fixture_that_hangs_is_an_error(tmp_path: Path) -> None:
    done = suite(tmp_path, FIXTURE_HANGS, "--timeout", "1")
    assert "1 error" in done.stdout, done.stdout + done.stderr


HELD_UP = """
import threading

def test_it_hangs_twice():
    threading.Thread(target=stands_still, daemon=True).start()
    try:
        threading.Event().wait()
    finally:
        threading.Event().wait()

def stands_still():
    threading.Event().wait()
"""
TEARDOWN = """
import threading
import pytest

@pytest.fixture
def stands_still():
    yield
    threading.Event().wait()

def test_it_fails(stands_still): assert False
"""


@pytest.mark.parametrize("source", [HELD_UP, TEARDOWN])
def test_what_holds_up_a_failure_ends_the_run_with_all_stacks(tmp_path: Path, source: str) -> None:
    done = suite(tmp_path, source, "--timeout", "1", "-o", "last_resort=2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "in stands_still" in done.stderr
    assert "Timeout" in done.stderr
