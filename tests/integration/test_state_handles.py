"""A state that has a handle goes on behind memory that is not what it began with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.process.cancel import Cancellation
from capsule.sessions import opening
from capsule.sessions.state_handles import StateHandles

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


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
