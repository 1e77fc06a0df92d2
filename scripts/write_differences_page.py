"""Write docs/differences.md from what was measured: `python -m scripts.write_differences_page`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import differences_page_texts as texts
from scripts.parity import measured
from scripts.parity.differences import differences
from scripts.parity.outcome import Outcome, table
from scripts.parity.program_files import groups

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scripts.parity.differences import Difference
    from scripts.parity.measured import Measured
    from scripts.parity.outcome import Result

PAGE = Path(__file__).parents[1] / "docs" / "differences.md"
# Longer programs are named, and stand in their file.
_LONGEST = 110


def page() -> str:
    """Return the whole page."""
    return "\n".join(_blocks(measured.read(), differences()))


def _blocks(found: Measured, known: Sequence[Difference]) -> Iterator[str]:
    sources = {one.key: one.source for group in groups() for one in group.programs}
    results = {one.key: one for one in found.results}
    yield texts.INTRO
    yield from _table(("", "inside", "outside"), _versions(found))
    yield texts.COUNTS
    yield from _table(*_counted(found))
    yield "## The differences\n"
    yield from _table(("what", "programs"), _contents(known))
    yield texts.ELSEWHERE
    for one in known:
        yield f"### {one.title}\n"
        yield f"{one.why}\n"
        yield from _table(
            ("program", "inside", "outside", "by how much"),
            # The suite names what is documented and does not differ; it has no figures.
            [_difference(results[key], sources[key]) for key in one.programs if key in results],
        )
    yield texts.WITHIN
    yield from _table(("tolerance", "programs", "the most that differs", "in"), _within(found))
    yield texts.NEXT


def _versions(found: Measured) -> list[tuple[str, ...]]:
    names = {"python": "CPython", "sklearn": "scikit-learn"}
    return [
        (names.get(name, name), found.inside[name], version)
        for name, version in found.outside.items()
    ]


def _counted(found: Measured) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    heads, *rows = table(found.counts)
    titles = {group.name: group.title for group in groups()}
    lines = [
        (_linked(name, titles[name]) if name in titles else f"**{name}**", *cells)
        for name, *cells in rows
    ]
    return heads, lines


def _linked(name: str, title: str) -> str:
    return f"[{name}](../scripts/parity/programs/{name}.py): {title.rstrip('.')}"


def _contents(known: Sequence[Difference]) -> list[tuple[str, ...]]:
    return [(f"[{one.title}](#{_anchor(one.title)})", f"{len(one.programs)}") for one in known]


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _difference(result: Result, source: str) -> tuple[str, ...]:
    lines = [line for line in source.splitlines() if line.strip()]
    group, _, name = result.key.partition("/")
    short = len(lines) == 1 and len(source) <= _LONGEST
    program = _code(source) if short else f"{name} (in {group})"
    return (program, _code(result.inside), _code(result.outside), result.figure)


def _within(found: Measured) -> list[tuple[str, ...]]:
    rows: dict[str, list[Result]] = {}
    for one in found.results:
        if one.outcome is Outcome.WITHIN:
            rows.setdefault(one.tolerance, []).append(one)
    lines: list[tuple[str, ...]] = []
    for tolerance, results in sorted(rows.items(), key=lambda row: _size(row[0])):
        most = max(results, key=lambda one: _size(one.figure))
        lines.append((tolerance, f"{len(results)}", most.figure, most.key))
    return lines


def _size(figure: str) -> tuple[bool, float]:
    number = figure.split(maxsplit=1)[0]
    return ("ulp" not in figure, float(number) if number[0].isdigit() else 0.0)


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def _table(heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    yield "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
