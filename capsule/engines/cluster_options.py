"""What a program says of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsule.engines.job import NodeOptions
from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.sdk.said_values import path_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping


class DaskOptions(NamedTuple):
    """A scheduler's address, or a client of the program's own, and what a run takes of a worker.

    `wait` is how long a batch waits for workers, in seconds, where there are none.
    """

    address: Any
    resources: Mapping[str, float]
    wait: float
    retry_lost: bool


class RayOptions(NamedTuple):
    """A cluster's address, None for that of this machine, and what a run takes of a node.

    `memory` is in bytes, None for what the task may use; the others are those of `DaskOptions`.
    """

    address: str | None
    num_cpus: float
    memory: int | None
    resources: Mapping[str, float]
    wait: float
    retry_lost: bool


def resources_of(said: Mapping[str, Any] | None) -> dict[str, float]:
    """Return what a run takes of resources. Raises `UsageError` for what is no amount.

    >>> resources_of({"GPU": 1})
    {'GPU': 1}
    """
    found = dict(said or {})
    for name, amount in found.items():
        is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
        if not is_number or not amount > 0:
            raise UsageError(f"resources={{{shown(name)}: {shown(amount)}}}: more than 0 is needed")
    return found


def node_options(
    home: str | os.PathLike[str] | None, toolchain: str | os.PathLike[str] | None
) -> NodeOptions:
    """Return what a program says of the nodes of its cluster. Raises `UsageError` for no path."""
    return NodeOptions(
        None if home is None else path_of("home", home),
        None if toolchain is None else path_of("toolchain", toolchain),
    )
