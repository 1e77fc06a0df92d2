"""The thread of a Ray worker that is interrupted; `conftest` needs Ray."""

from __future__ import annotations

import _thread
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from capsule.engines import node, ray_worker
from tests.engines.clusters import until

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMES = 200


class _Context:
    """What Ray says of the task: it interrupts before this is asked."""

    def is_canceled(self) -> bool:
        return False


def test_an_interruption_ends_the_chunk_whenever_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray interrupts the thread that it called, which may still be starting the other one."""
    ends: Counter[bool] = Counter()
    begun = threading.Event()

    def until_nobody_wants_it(*_: Any, wanted: Callable[[], bool], **__: Any) -> bytes:
        begun.set()
        # What `ray.cancel` does in a worker.
        _thread.interrupt_main()
        try:
            until(lambda: not wanted(), "end of the interest", 10)
        except AssertionError:
            ends[False] += 1
        else:
            ends[True] += 1
        return b""

    monkeypatch.setattr("ray.get_runtime_context", _Context)
    monkeypatch.setattr(node, "run_chunk", until_nobody_wants_it)
    monkeypatch.setattr(node, "lacks_artifact", lambda _: False)
    for _ in range(_TIMES):
        begun.clear()
        with pytest.raises(KeyboardInterrupt):
            ray_worker.run_chunk(b"{}", b"", [], None)
        assert begun.is_set()
    until(lambda: ends.total() == _TIMES, "end of all")
    assert ends == {True: _TIMES}
