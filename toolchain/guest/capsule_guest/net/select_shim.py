"""`select` that knows the sockets here: their numbers mean nothing to the system."""

from __future__ import annotations

import time

from capsule_guest import calls
from capsule_guest.net.connection import FIRST_NUMBER, by_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_IN, _OUT, _GONE = 1, 4, 32
# What the interpreter has, filled in when `select` is loaded.
_below: dict = {}


def _number(file) -> int:  # type: ignore[no-untyped-def]
    number = file if isinstance(file, int) else file.fileno()
    if number < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({number})")
    return int(number)


class Poll:
    """What `select.poll()` returns; while it watches no socket it costs no more than that."""

    def __init__(self) -> None:
        self._real = _below["poll"]()
        self._watched: dict[int, int] = {}
        self.poll = self._real.poll

    def register(self, fd, eventmask=None) -> None:  # type: ignore[no-untyped-def]
        number = _number(fd)
        mask = _IN | 2 | _OUT if eventmask is None else eventmask
        if number < FIRST_NUMBER:
            self._real.register(number, mask)
            return
        self._watched[number] = mask
        self.poll = self._poll

    def modify(self, fd, eventmask) -> None:  # type: ignore[no-untyped-def]
        number = _number(fd)
        if number < FIRST_NUMBER:
            self._real.modify(number, eventmask)
        elif number in self._watched:
            self._watched[number] = eventmask
        else:
            raise FileNotFoundError(2, "No such file or directory")

    def unregister(self, fd) -> None:  # type: ignore[no-untyped-def]
        number = _number(fd)
        if number < FIRST_NUMBER:
            self._real.unregister(number)
            return
        del self._watched[number]
        if not self._watched:
            self.poll = self._real.poll

    def _poll(self, timeout=None):  # type: ignore[no-untyped-def]
        seconds = None if timeout is None or timeout < 0 else timeout / 1000
        ready = _waited_for(self._found, seconds)
        return ready + self._real.poll(0 if ready else timeout)

    def _found(self) -> list[tuple[int, int]]:
        found = ((number, _ready(number), mask) for number, mask in self._watched.items())
        return [
            (number, seen & (mask | _GONE)) for number, seen, mask in found if seen & (mask | _GONE)
        ]


def _waited_for(found, seconds):  # type: ignore[no-untyped-def]
    """Return what `found` does, while the host's answers come for so many seconds."""
    end = None if seconds is None else time.monotonic() + seconds
    while not (ready := found()) and calls.outstanding():
        if end is not None and not calls.comes(max(end - time.monotonic(), 0)):
            break
        calls.take()
    return ready


def _ready(number: int) -> int:
    connection = by_number(number)
    if connection is None:
        return _GONE
    return _OUT | (_IN if connection.readable() else 0)


def _select(rlist, wlist, xlist, timeout=None):  # type: ignore[no-untyped-def]
    """Do as `select.select` does, for sockets here and the system's files."""
    if timeout is not None and timeout < 0:
        raise ValueError("timeout must be non-negative")
    mine: list[tuple[list, int]] = []
    rest: list[list] = []
    for files, event in ((rlist, _IN), (wlist, _OUT), (xlist, 0)):
        files = list(files)  # noqa: PLW2901 - it may be read only once
        ours = [file for file in files if _number(file) >= FIRST_NUMBER]
        mine.append((ours, event))
        rest.append([file for file in files if file not in ours])

    def found() -> list[list]:
        ready = [[file for file in ours if _ready(_number(file)) & each] for ours, each in mine]
        return ready if any(ready) else []

    ready = _waited_for(found, timeout) if any(ours for ours, _ in mine) else []
    if not any(rest):
        if not ready:
            _pause(timeout)
        return tuple(ready) if ready else ([], [], [])
    more = _below["select"](*rest, 0 if ready else timeout)
    return tuple(one + other for one, other in zip(ready or ([], [], []), more, strict=True))


def _pause(seconds) -> None:  # type: ignore[no-untyped-def]
    if seconds is None:
        raise RuntimeError(
            "select() would never end: nothing that it waits for can come, and there is no timeout"
        )
    time.sleep(seconds)


def fill(module: ModuleType) -> None:
    """Replace what waits in `select`; what only this interpreter's system knows is left out."""
    global _IN, _OUT, _GONE  # numbers that differ between systems
    _below.update(poll=module.poll, select=module.select)
    _IN, _OUT, _GONE = module.POLLIN, module.POLLOUT, module.POLLNVAL
    vars(module).update(poll=Poll, select=_select)
    for name in ("epoll", "kqueue", "devpoll"):
        vars(module).pop(name, None)
