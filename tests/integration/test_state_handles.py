"""A state that has a handle goes on behind memory that is not what it began with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from capsule.process.cancel import Cancellation
from capsule.sessions import opening
from capsule.sessions.state_file import StateError
from capsule.sessions.state_handles import StateHandles
from capsule.snapshot import eviction

pytestmark = pytest.mark.integration

_BEGINS = """
import sys
from pathlib import Path
from capsule.process.cancel import Cancellation
from capsule.sessions import opening
from capsule.sessions.state_handles import StateHandles

with Cancellation() as stop:
    begun = opening.opened(opening.Wanted(imports=["colorsys"], options={}), stop)
    left = begun.run("x = 1", stop).kept.result()
    print(StateHandles(Path(sys.argv[1])).keep(begun.contents_of(left), begun.base))
    print(begun.base.choice.snapshot.image)
    begun.close()
"""


def test_a_state_goes_on_where_the_memory_of_all_sessions_is_another(
    toolchain_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    handles = StateHandles(toolchain_home)
    with Cancellation() as stop:
        begun = opening.opened(opening.Wanted(imports=["statistics"], options={}), stop)
        try:
            left = begun.run("import statistics\nnumbers = [1, 2, 6]", stop).kept.result()
            handle = handles.keep(begun.contents_of(left), begun.base)
            other = opening.opened(opening.Wanted(options={}), stop)
            # As with packages that another server has: what turns begin with differs.
            state = handles.load(handle)._replace(imports=())
            fitted = handles.fitted(state, other.base)
            assert begun.base.choice.snapshot.image != other.base.choice.snapshot.image
            other.close()
            resumed = opening._started(other.base, fitted)
            try:
                answered = resumed.run("statistics.mean(numbers)", stop)
                assert answered.envelope["error"] is None
                assert answered.envelope["result"]["value"] == 3
            finally:
                resumed.close()
        finally:
            begun.close()


def test_a_state_ends_with_the_memory_that_its_session_began_with(
    toolchain_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cache prune` leaves the state, and takes what it builds on as any other entry."""
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    # The snapshot is held for as long as the program that began the session runs.
    program = [sys.executable, "-c", _BEGINS, str(toolchain_home)]
    begun = subprocess.run(program, capture_output=True, text=True, check=True, timeout=120)
    handle, image = begun.stdout.split()
    entry = Path(image).parent
    for mark in entry.iterdir():
        os.utime(mark, (0, 0))
    decades = 20 * 365 * 86400.0
    bounds = eviction.Bounds(decades, sys.maxsize, sys.maxsize)
    assert [kept.path for kept in eviction.prune(toolchain_home / "cache", bounds)] == [entry]
    handles = StateHandles(toolchain_home)
    with Cancellation() as stop:
        other = opening.opened(opening.Wanted(imports=["colorsys"], options={}), stop)
        try:
            with pytest.raises(StateError, match="what this state builds on is no longer in the"):
                handles.fitted(handles.load(handle), other.base)
        finally:
            other.close()
