"""Which tests are excused on Windows under wine, and why: `excused.toml`."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = Path(__file__).with_name("excused.toml")
KINDS = ("posix", "wine", "windows", "time")


@dataclass(frozen=True, slots=True)
class Excuse:
    """Tests by patterns of their names, why, and of what kind that is: see `excused.toml`.

    `runs` is whether they are tried all the same, so that one that passes is told. Of those with
    `every`, the first of so many in a file is a test like any other. Those with `error` are excused
    only where they fail with such words.
    """

    tests: tuple[str, ...]
    kind: str
    reason: str
    runs: bool = True
    every: int = 0
    error: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"

    def fits(self, test: str) -> bool:
        """Say whether it excuses the test of this name."""
        return any(fnmatchcase(test, _literal(pattern)) for pattern in self.tests)


def _literal(pattern: str) -> str:
    # Brackets are those of a test's parameters, and no set of characters.
    return pattern.replace("[", "[[]")


def load(file: Path = FILE) -> list[Excuse]:
    """Read the file. Raises `ValueError` for what is not understood."""
    found = []
    for entry in tomllib.loads(file.read_text(encoding="utf-8"))["excused"]:
        excuse = Excuse(
            tuple(entry.pop("tests")),
            entry.pop("kind"),
            entry.pop("reason"),
            entry.pop("runs", True),
            entry.pop("every", 0),
            entry.pop("error", ""),
        )
        if entry or excuse.kind not in KINDS or not excuse.tests or not excuse.reason:
            raise ValueError(f"{file.name}: not understood: {excuse} {entry}")
        found.append(excuse)
    return found


def excuse_of(test: str, excuses: list[Excuse], error: str = "") -> Excuse | None:
    """Return the first that fits the test of this name, and the error that it failed with."""
    fitting = (each for each in excuses if each.fits(test) and each.error in error)
    return next((each for each in fitting if bool(each.error) == bool(error)), None)


def excused(tests: Iterable[str], excuses: list[Excuse]) -> dict[str, Excuse]:
    """Return those of all collected tests, by name, that are excused.

    >>> one_in_two = Excuse(("a.py*",), "time", "alike", runs=False, every=2)
    >>> list(excused(["a.py::x[1]", "a.py::x[2]", "a.py::x[3]", "b.py::y"], [one_in_two]))
    ['a.py::x[2]']
    """
    found, seen = {}, Counter[tuple[Excuse, str]]()
    for test in tests:
        excuse = excuse_of(test, excuses)
        if excuse is None:
            continue
        # By file: so it is the same test, whichever files are asked for.
        place = excuse, test.partition("::")[0]
        if not excuse.every or seen[place] % excuse.every:
            found[test] = excuse
        seen[place] += 1
    return found
