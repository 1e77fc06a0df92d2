"""Starting a program by the C library: all that `os.posix_spawn` does, but for the lock."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import pytest

from capsule.child_process.spawn import spawn

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere os.posix_spawn starts programs"
)


def output_of(*argv: str, **environment: str) -> tuple[int, str]:
    """Start a program and return its number and what it printed; it has to succeed."""
    program = shutil.which(argv[0])
    assert program is not None
    reader, writer = os.pipe()
    pid = spawn([program, *argv[1:]], environment, duplicates=[(writer, 1)], group=0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return pid, text


def test_it_leads_a_group_and_its_signals_are_as_usual() -> None:
    # This program ignores SIGPIPE, as each Python does, and blocks one more signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        pid, text = output_of("cat", "/proc/self/status")
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
    told = dict(line.split(":\t", 1) for line in text.splitlines())
    assert told["NSpgid"].split()[-1] == told["Pid"] == str(pid)
    assert int(told["SigBlk"], 16) == 0
    assert not int(told["SigIgn"], 16) & 1 << (signal.SIGPIPE - 1)


def test_its_environment_is_what_is_given() -> None:
    assert output_of("env", ONE="ä", TWO="")[1] == "ONE=ä\nTWO=\n"


def test_its_words_are_what_is_given() -> None:
    assert output_of("printf", "%s|", "", "a b", "ä")[1] == "|a b|ä|"


def test_what_cannot_be_started_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match="/nowhere/program"):
        spawn(["/nowhere/program"], {}, duplicates=[], group=0)
    with pytest.raises(ValueError, match="zero byte"):
        spawn(["/bin/sh", "a\0b"], {}, duplicates=[], group=0)
