"""The task that runs a program of pyperformance; inside, this text is the task's file.

What the program needs besides stands in the metadata that the suite puts before this.
"""

from __future__ import annotations

import builtins
import runpy
import sys

import pyperf  # type: ignore[import-not-found]  # lies beside this inside

from capsule import task


@task(name="main", compute="100_000_000_000_000")
def main(folder: str, options: list[str]) -> list[str]:
    """Run the program in `folder`; return the names of the benchmarks that it ran."""
    program = f"{folder}/run_benchmark.py"
    sys.argv[:] = [program, *options]
    # As if its own package had been installed beside it.
    sys.path[:0] = [folder, f"{folder}/vendor/src"]
    # A program's own module has the module there, and runpy's names have its dict.
    runpy.run_path(program, {"__builtins__": builtins}, run_name="__main__")
    done: list[str] = pyperf.done
    return done
