"""How much a sandbox's requests may take."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple


class Limits(NamedTuple):
    """The bounds of one sandbox's requests: sizes in bytes, times in seconds.

    `body` holds for the body of a request and for that of a response, `head` for all that comes
    before that of a response: interim answers, such as 100 Continue, may be any number. `seconds`
    is the whole time of an exchange from `open` on, with the time that the guest takes; `idle` is
    the longest silence of the other side; `connect` is for resolving, and again for connecting.
    `open` is how many exchanges may be open at once, `total` how many a task may ask for in all its
    attempts, refused ones included.
    """

    body: int = 1 << 30
    head: int = 256 << 10
    seconds: float = 300.0
    idle: float = 30.0
    connect: float = 10.0
    open: int = 16
    total: int = 1000
