"""`python -m scripts.bench`: print one table of measurements from one run."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from capsule import __version__
from capsule.paths import state_root
from capsule.process.cancel import Cancellation
from scripts.bench import calls, commands, processes, record, ticker
from scripts.bench.timing import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.bench.timing import Row


def main() -> int:
    """Measure, print, and say by the exit code whether all that is promised holds."""
    home = state_root()
    with Cancellation() as never:
        # In the order of the table.
        parts: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
            "processes": lambda said: processes.rows(home, said.lab, never),
            "sustained": lambda _: calls.sustained(home, never),
            "warm": lambda said: calls.warm(said.peer),
            "recorded": lambda _: record.added(home, never),
            "edits": lambda said: commands.edits(home, said.peer),
            "exec": lambda said: commands.execs(home, said.peer),
            "served": lambda _: commands.served(home),
            "read": lambda _: record.read(home),
            "ticker": lambda _: ticker.rows(),
            "floors": lambda _: processes.floors(home),
        }
        parser = argparse.ArgumentParser(prog="bench", description=__doc__)
        parser.add_argument("--peer", type=Path, help="a virtual environment with the peer in it")
        parser.add_argument("--lab", type=Path, help="the design's lab, prove.py")
        parser.add_argument("--only", nargs="+", choices=parts, help="parts of the table")
        said = parser.parse_args()
        rows = [row for name in said.only or parts for row in parts[name](said)]
    print(
        f"capsule {__version__}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {processes.cores()} cores; medians of one run"
    )
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
