"""`python -m scripts.bench`: print one table of measurements from one run."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

from capsule import __version__
from capsule.paths import state_root
from capsule.process.cancel import Cancellation
from scripts.bench import commands, processes
from scripts.bench.timing import table


def main() -> int:
    """Measure, print, and say by the exit code whether all that is promised holds."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--peer", type=Path, help="a virtual environment with the peer in it")
    parser.add_argument("--lab", type=Path, help="the design's lab, prove.py")
    options = parser.parse_args()
    with Cancellation() as never:
        rows = [
            *processes.rows(state_root(), options.lab, never),
            *commands.rows(state_root(), options.peer),
        ]
    print(
        f"capsule {__version__}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {processes.cores()} cores; medians of one run"
    )
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
