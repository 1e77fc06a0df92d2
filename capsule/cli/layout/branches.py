"""Trees as lines: each task below the one that called it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.named import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.lifecycle.reader import Node


class Branch(NamedTuple):
    """An attempt, and what is drawn before its name."""

    stem: str
    node: Node


def branches(nodes: Sequence[Node]) -> Iterator[Branch]:
    """Yield all attempts of some trees, each ahead of those below it."""
    for node in nodes:
        yield Branch("", node)
        yield from _below(node, "")


def _below(node: Node, stem: str) -> Iterator[Branch]:
    last = len(node.below) - 1
    for place, child in enumerate(node.below):
        yield Branch(stem + ("└─ " if place == last else "├─ "), child)
        yield from _below(child, stem + ("   " if place == last else "│  "))


def number_of(attempt: str) -> str:
    """Return which attempt of its run one is, as its name ends.

    >>> number_of("19a5d0c8e3f2b417.12")
    '.12'
    """
    return "." + attempt.rpartition(".")[2]
