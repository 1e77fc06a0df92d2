"""Stands in for pyperf inside: runs what a benchmark would measure, once, and measures nothing.

pyperf itself starts processes. Its names are those that the programs of pyperformance use.
"""

from __future__ import annotations

import argparse
import asyncio
import runpy
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

__all__ = ["Runner", "done", "perf_counter", "python_implementation"]

# The names of what was run to its end.
done: list[str] = []


def python_implementation() -> str:
    """Name the interpreter as pyperf does."""
    return sys.implementation.name


class Runner:
    """Has the methods of pyperf's that the programs call; each benchmark is run once."""

    def __init__(self, **_options: Any) -> None:
        self.argparser = argparse.ArgumentParser()
        self.metadata: dict[str, Any] = {}
        self.args: Any = None

    def parse_args(self, args: Sequence[str] | None = None) -> Any:
        """Read the options of the program."""
        if self.args is None:
            self.args = self.argparser.parse_args(args)
        return self.args

    def bench_func(self, name: str, func: Callable[..., Any], *args: Any, **_options: Any) -> None:
        """Call `func(*args)`."""
        self.parse_args()
        func(*args)
        done.append(name)

    def bench_time_func(
        self, name: str, func: Callable[..., float], *args: Any, **_options: Any
    ) -> None:
        """Call `func(1, *args)`, where 1 is the number of loops."""
        self.parse_args()
        func(1, *args)
        done.append(name)

    def bench_async_func(
        self, name: str, func: Callable[..., Awaitable[Any]], *args: Any, **options: Any
    ) -> None:
        """Await `func(*args)` in an event loop of its own."""
        self.parse_args()

        async def one() -> None:
            await func(*args)

        with asyncio.Runner(loop_factory=options.get("loop_factory")) as runner:
            runner.run(one())
        done.append(name)

    def bench_command(self, name: str, command: Sequence[str], **_options: Any) -> None:
        """Run `python -m MODULE ARGS` in place, since there are no processes."""
        if list(command[:2]) != [sys.executable, "-m"]:
            raise OSError(f"it starts a process: {' '.join(command)}")
        sys.argv[:] = command[2:]
        try:
            runpy.run_module(command[2], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if end.code:
                raise OSError(f"{command[2]} ended with {end.code!r}") from None
        done.append(name)
