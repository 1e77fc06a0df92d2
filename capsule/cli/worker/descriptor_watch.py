"""Being told of what happens at a descriptor, while something else is done."""

from __future__ import annotations

import os
import select
import threading
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def watch_descriptor(descriptor: int, events: int, tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` in a thread, once, when one of `events` or the end comes at a descriptor.

    The events are those of `select.poll`; with 0, the system tells of errors and of the end alone.
    Where there is no `poll` (Windows), nobody is told.
    """
    if not hasattr(select, "poll"):
        yield
        return
    stop_reader, stop_writer = os.pipe()
    poll = select.poll()
    poll.register(stop_reader, select.POLLIN)
    poll.register(descriptor, events)

    def wait() -> None:
        if stop_reader not in dict(poll.poll()):
            tell()

    thread = threading.Thread(target=wait, name="capsule-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.write(stop_writer, b"\0")
        thread.join()
        os.close(stop_reader)
        os.close(stop_writer)
