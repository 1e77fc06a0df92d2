"""The words after `python -m scripts.bench`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.sides import commit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def parse(
    words: Sequence[str], parts: Collection[str], comparable: Collection[str]
) -> argparse.Namespace:
    """Return what the words say; end the program with a message where they say nothing.

    `only` is the names of the parts to measure: all of them where none is named.
    """
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Print one table of measurements from one run.",
        # nox looks for the whole words.
        allow_abbrev=False,
    )
    parser.add_argument("--peer", type=Path, help="a virtual environment with the peer in it")
    parser.add_argument(
        "--session-peers", type=Path, help="a virtual environment with the peers of sessions in it"
    )
    parser.add_argument(
        "--alternatives", type=Path, help="a virtual environment with what else there is in it"
    )
    parser.add_argument("--lab", type=Path, help="the design's lab, prove.py")
    names = [*parts, *(name for name in comparable if name not in parts)]
    parser.add_argument("--only", nargs="+", choices=names, help="parts of the table")
    parser.add_argument(
        "--against",
        type=commit,
        metavar="REV",
        help="compare with this older revision, by turns, in place of all else",
    )
    parser.add_argument(
        "--kept", type=Path, help="where environments and homes of --against are kept"
    )
    said = parser.parse_args(words)
    if said.against is None:
        if alone := [name for name in said.only or () if name not in parts]:
            parser.error(f"argument --only: {', '.join(alone)} can only be compared: --against REV")
        said.only = said.only or list(parts)
        return said
    if said.kept is None:
        parser.error("argument --against: it needs --kept, which nox gives")
    if said.peer or said.session_peers or said.alternatives or said.lab:
        parser.error("argument --against: neither a peer nor a lab is compared with a revision")
    if refused := [name for name in said.only or () if name not in comparable]:
        parser.error(
            f"argument --only: {', '.join(refused)} cannot be compared with a revision; "
            f"what can is {', '.join(comparable)}"
        )
    said.only = said.only or list(comparable)
    return said
