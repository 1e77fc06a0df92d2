"""The answers of CPython outside to a few programs, kept so that a test needs no second Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.parity.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scripts.parity.outcome import Result
    from scripts.parity.program_files import Group

FILE = Path(__file__).with_name("stored_answers.json")
NUMBER = 60


def chosen(results: Sequence[Result]) -> list[str]:
    """Choose programs at even distances among those that answer alike.

    >>> from scripts.parity.outcome import Result
    >>> chosen([Result(f"g/{n}", Outcome.EQUAL, "none") for n in range(6000)])[:2]
    ['g/0', 'g/101']
    """
    alike = [one.key for one in results if one.outcome in (Outcome.EQUAL, Outcome.WITHIN)]
    last = len(alike) - 1
    return [alike[number * last // (NUMBER - 1)] for number in range(NUMBER)]


def write(answers: Mapping[str, str], keys: Sequence[str], path: Path = FILE) -> None:
    """Keep the answers to the programs of these keys, a line for each."""
    lines = [f"{json.dumps(key)}: {answers[key]}" for key in keys]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def refresh(answers: Mapping[str, str], path: Path = FILE) -> None:
    """Renew what is kept of these answers, and keep the rest."""
    kept = read(path)
    write({**kept, **answers}, [*kept], path)


def read(path: Path = FILE) -> dict[str, str]:
    """Read the answers, as the execution gives them, by the keys of their programs."""
    return {key: json.dumps(answer) for key, answer in json.loads(path.read_text()).items()}


def part(groups: Sequence[Group], keys: Sequence[str]) -> list[Group]:
    """Take the programs of these keys out of their groups."""
    found = []
    for group in groups:
        programs = tuple(one for one in group.programs if one.key in keys)
        if programs:
            found.append(group._replace(programs=programs))
    return found
