"""`python -m scripts.bench`: print one table of measurements from one run."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from capsule import __version__
from capsule.paths import state_root
from capsule.process.cancel import Cancellation
from capsule.processors import usable_processors as cores
from scripts.bench import (
    against,
    alternatives,
    arguments,
    calls,
    commands,
    engine_batches,
    guard_calls,
    mcp_server,
    pairs,
    processes,
    record,
    sessions,
    sides,
    ticker,
)
from scripts.bench.timing import table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from scripts.bench.timing import Row


def main() -> int:
    """Measure, print, and say by the exit code whether all that is promised holds."""
    home = state_root()
    with Cancellation() as never:
        # In the order of the table.
        parts: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
            "processes": lambda said: processes.rows(home, said.lab, never),
            "guard": lambda _: guard_calls.rows(home, never),
            "sustained": lambda _: calls.sustained(home, never),
            "warm": lambda said: calls.warm(said.peer),
            "recorded": lambda _: record.added(home, never),
            "edits": lambda said: commands.edits(home, said.peer),
            "exec": lambda said: commands.execs(home, said.peer),
            "served": lambda _: commands.served(home),
            "sessions": lambda said: sessions.rows(said.session_peers),
            "alternatives": lambda said: alternatives.rows(said.alternatives),
            "engines": lambda _: engine_batches.rows(),
            "mcp": lambda _: mcp_server.rows(home),
            "read": lambda _: record.read(home),
            "ticker": lambda _: ticker.rows(),
            "floors": lambda _: processes.floors(home),
        }
        said = arguments.parse(sys.argv[1:], parts, against.PARTS)
        if said.against is not None:
            print(_compared(said))
            return 0
        rows = [row for name in said.only for row in parts[name](said)]
    print(f"{_machine()}; medians of one run")
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


def _compared(said: argparse.Namespace) -> str:
    """Return the text about this tree and the revision that it is compared with."""
    present, older = sides.present(said.kept), sides.older(said.kept, said.against)
    rows = [row for name in said.only for row in against.PARTS[name](present, older)]
    lines = [f"{_machine()}; by turns with {older.name}; ratio: the median of those of the pairs"]
    if others := sides.differing(*map(sides.libraries, (present, older))):
        lines.append(f"their libraries are not the same: {', '.join(others)}")
    return "\n".join([*lines, table(rows, pairs.LAST)])


def _machine() -> str:
    return (
        f"capsule {__version__}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {cores()} cores"
    )


if __name__ == "__main__":
    sys.exit(main())
