"""What a sandbox takes as `engine=`: something that does its batches on other machines.

The engines themselves are in `capsule.engines`, which imports this; nothing here imports them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Callable,
        Container,
        Generator,
        Iterable,
        Mapping,
        Sequence,
    )
    from typing import Any

    from capsule.pool.prepared_task import PreparedTask
    from capsule.runner import prepare
    from capsule.sdk.envelope import Envelope

    Arguments = tuple[Sequence[Any], Mapping[str, Any]]


class BatchRequest(NamedTuple):
    """A batch as it was asked for: a task that is prepared here, and what its runs have in common.

    `call` has the limits, mounts and secrets of all runs. `arguments` makes an item the arguments
    of a run, and raises `CapsuleError` for one that is none. At most `at_once` runs go on at once,
    None for as many as the engine has room for. Items at places in `skip` are left out, and those
    that are not `wanted`. `files` are what the run of an item has in its working folder.
    """

    prepared: PreparedTask
    call: prepare.Call
    arguments: Callable[[Any], Arguments]
    at_once: int | None = None
    skip: Container[int] = ()
    wanted: Callable[[Any], bool] = lambda _: True
    files: Callable[[Any], Mapping[str, bytes]] = lambda _: {}


class AwaitedBatch(Protocol):
    """A batch for a program that awaits."""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is at work, or will be."""
        ...

    def results(self, items: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Envelope]:
        """Give the envelopes in the order in which they come back, each with its index."""
        ...

    async def close(self) -> None:
        """End what is at work, and wait until nothing of it is left here."""


class ThreadedBatch(Protocol):
    """A batch for a program that does not await."""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is at work, or will be."""
        ...

    def results(self, items: Iterable[Any]) -> Generator[Envelope]:
        """Give the envelopes in the order in which they come back, each with its index."""
        ...

    def close(self) -> None:
        """End what is at work, and wait until nothing of it is left here."""


class Engine(Protocol):
    """Does batches, as `capsule.engines` has them."""

    def batch(self, asked: BatchRequest) -> AwaitedBatch:
        """Return a batch that begins when its results are taken."""
        ...

    def thread_batch(self, asked: BatchRequest) -> ThreadedBatch:
        """Return a batch that begins when its results are taken."""
        ...
