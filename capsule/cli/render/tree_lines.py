"""Trees as lines: each task below the one that called it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.lifecycle.reader import Node


class Tree(Protocol):
    """What has more of its kind below it."""

    @property
    def below(self: T) -> Sequence[T]: ...


T = TypeVar("T", bound=Tree)


class TreeLine(NamedTuple):
    """An attempt, and what is drawn before its name."""

    stem: str
    node: Node


def tree_lines(nodes: Sequence[Node]) -> Iterator[TreeLine]:
    """Yield all attempts of some trees, each ahead of those below it."""
    for stem, node in stems(nodes):
        yield TreeLine(stem, node)


def stems(trees: Sequence[T]) -> Iterator[tuple[str, T]]:
    """Yield all that is in some trees, each ahead of what is below it, and what is drawn before it.

    >>> from types import SimpleNamespace as N
    >>> [stem for stem, _ in stems([N(below=[N(below=[]), N(below=[])])])]
    ['', '├─ ', '└─ ']
    """
    for tree in trees:
        yield "", tree
        yield from _below(tree, "")


def _below(tree: T, stem: str) -> Iterator[tuple[str, T]]:
    last = len(tree.below) - 1
    for place, child in enumerate(tree.below):
        yield stem + ("└─ " if place == last else "├─ "), child
        yield from _below(child, stem + ("   " if place == last else "│  "))


def number_of(attempt: str) -> str:
    """Return which attempt of its run one is, as its name ends.

    >>> number_of("19a5d0c8e3f2b417.12")
    '.12'
    """
    return "." + attempt.rpartition(".")[2]
