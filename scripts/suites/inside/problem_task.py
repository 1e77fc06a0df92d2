"""The task that runs a program that it is given; inside, this text is the task's file."""

from __future__ import annotations

import linecache
import sys
import types

from capsule import task


@task(name="main", compute="50_000_000_000")
def main(program: str) -> str:
    """Run `program` as `__main__`."""
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = "problem.py"
    lines = program.splitlines(keepends=True)
    linecache.cache["problem.py"] = len(program), None, lines, "problem.py"
    exec(compile(program, "problem.py", "exec"), vars(module))  # noqa: S102
    return "ran to its end"
