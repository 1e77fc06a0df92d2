"""`capsule doctor`: what works on this machine, and what to do about the rest."""

from __future__ import annotations

from textwrap import wrap

from capsule.cli.commands.doctor_checks import CHECKS, look
from capsule.cli.runtime.exit_codes import BROKEN
from capsule.message_text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.cli.commands.doctor_checks import Row
    from capsule.cli.terminal.console import Console

_SIGNS = {"ok": "ok  ", "warning": "warn", "failed": "FAIL"}
_WIDTH = 80


def command(console: Console, *, as_json: bool) -> int:
    """Print a row for each check; the exit code says whether tasks can run here."""
    rows = [look(check) for check in CHECKS]
    if as_json:
        console.document([row._asdict() for row in rows])
    else:
        for row in rows:
            for line in _lines(row):
                console.out(line)
    return BROKEN if any(row.state == "failed" for row in rows) else 0


def _lines(row: Row) -> Iterator[str]:
    head = f"{_SIGNS[row.state]} {row.name:<12} "
    # Where a path is longer than a line, it stays whole.
    yield from _folded(row.found, head)
    if row.remedy:
        yield from _folded(f"try: {row.remedy}", " " * len(head))


def _folded(text: str, head: str) -> list[str]:
    return wrap(
        printable(text),
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
