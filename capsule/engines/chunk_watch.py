"""Ending the chunks of a worker process that nobody wants any more.

No engine tells a thread that its work was cancelled, or that whoever wanted it is gone: it can be
asked. One thread asks for all chunks of the process, while there are any.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from capsule.process.cancel import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How often it is asked, in seconds.
_INTERVAL = 0.2

_changed = threading.Condition()
_chunks: dict[Cancellation, Callable[[], bool]] = {}
_watching = False


@contextmanager
def watched(wanted: Callable[[], bool]) -> Iterator[Cancellation]:
    """Give what is cancelled once `wanted` says no."""
    with Cancellation() as stop:
        _begin(stop, wanted)
        try:
            yield stop
        finally:
            with _changed:
                del _chunks[stop]


def _begin(stop: Cancellation, wanted: Callable[[], bool]) -> None:
    global _watching  # noqa: PLW0603 - there is one for the process
    with _changed:
        _chunks[stop] = wanted
        if not _watching:
            _watching = True
            threading.Thread(target=_watch, name="capsule-chunks", daemon=True).start()
        _changed.notify_all()


def _watch() -> None:
    """Ask for each chunk, again and again; without any, wait for one."""
    while True:
        with _changed:
            _changed.wait_for(lambda: _chunks)
            for stop, wanted in _chunks.items():
                if not stop.cancelled and not wanted():
                    stop.cancel()
            _changed.wait(_INTERVAL)
