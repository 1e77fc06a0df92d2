"""The differences that are known: what, why, and the programs that show them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("differences.toml")


class Difference(NamedTuple):
    """One kind of difference, as docs/differences.md tells it."""

    title: str
    why: str
    programs: tuple[str, ...]


def differences(path: Path = FILE) -> list[Difference]:
    """Read them, in the order of the file."""
    found = [
        Difference(one["title"], one["why"].strip(), tuple(one["programs"]))
        for one in tomllib.loads(path.read_text())["difference"]
    ]
    keys = [key for one in found for key in one.programs]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"{path.name}: {twice[0]!r} is documented twice: leave one of them")
    return found
