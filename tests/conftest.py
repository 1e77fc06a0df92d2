"""For all tests: signals as a program finds them in a shell's foreground, and an end for what hangs."""

from __future__ import annotations

import faulthandler
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from types import FrameType

# What tests send, or wait for.
_SENT = ("SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM", "SIGCHLD")
_STDERR = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run of its own say how long it is patient."""
    parser.addini("last_resort", "seconds after a test's bound until the run ends", default="120")


def pytest_configure(config: pytest.Config) -> None:
    """Set what is inherited from whoever started this, and hand it on to no program of a test."""
    _receive_signals()
    # How long an example takes says how busy the machine is.
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    # A copy, before output is captured.
    config.stash[_STDERR] = os.dup(2)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the copy, where there is one."""
    if _STDERR in config.stash:
        os.close(config.stash[_STDERR])


def _receive_signals() -> None:
    """Undo what a script does to what it starts in its background, and `nohup` to its program.

    An ignored or blocked signal is so in every child too, and a Python that finds SIGINT ignored
    has no KeyboardInterrupt.
    """
    for number in (getattr(signal, name) for name in _SENT if hasattr(signal, name)):
        if signal.getsignal(number) == signal.SIG_IGN:
            # A handler, and not the default: it ends at an exec, and those who asked for a run
            # that outlives their terminal keep it.
            interrupt = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if interrupt else _go_on)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _go_on(_number: int, _frame: FrameType | None) -> None:
    pass


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Bound what pytest-timeout cannot end: its failure is an exception that a test may hold up."""
    _bound(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Bound it anew: at a failure pytest gives up all bounds, and the fixtures still have to end."""
    _bound(item)


def pytest_runtest_logfinish() -> None:
    """Give it up, the test is over."""
    faulthandler.cancel_dump_traceback_later()


def _bound(item: pytest.Item) -> None:
    marker, config = item.get_closest_marker("timeout"), item.config
    own = marker.args[0] if marker else config.getoption("timeout") or config.getini("timeout")
    seconds = float(own or 0)
    if seconds:
        seconds += float(config.getini("last_resort"))
        faulthandler.dump_traceback_later(seconds, exit=True, file=config.stash[_STDERR])
