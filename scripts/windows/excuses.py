"""Which tests are excused on Windows under wine, and why: `excused.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

FILE = Path(__file__).with_name("excused.toml")
KINDS = ("posix", "wine", "windows", "time")


@dataclass(frozen=True, slots=True)
class Excuse:
    """Tests by patterns of their names, why, and of what kind that is: see `excused.toml`.

    `runs` is whether they are tried all the same, so that one that passes is told.
    """

    tests: tuple[str, ...]
    kind: str
    reason: str
    runs: bool = True

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
        )
        if entry or excuse.kind not in KINDS or not excuse.tests or not excuse.reason:
            raise ValueError(f"{file.name}: not understood: {excuse} {entry}")
        found.append(excuse)
    return found


def excuse_of(test: str, excuses: list[Excuse]) -> Excuse | None:
    """Return the first that fits the test of this name."""
    return next((excuse for excuse in excuses if excuse.fits(test)), None)
