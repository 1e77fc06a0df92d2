"""This tree and an older revision of it, by turns in one run: the parts that can be compared so."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.commands import EXEC, HELLO, RUN, commands, listening
from scripts.bench.first_run import first_run
from scripts.bench.fuel import PROGRAMS
from scripts.bench.lines import Calls
from scripts.bench.pairs import by_pairs, row, timed
from scripts.bench.processes import PANDAS, SAME_AS_THE_LAB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scripts.bench.pairs import Pairs
    from scripts.bench.sides import Side
    from scripts.bench.timing import Row

# How many pairs of turns at least. A turn of many items takes longer.
_LEAST, _LEAST_OF_MANY = 100, 40
# How many calls a turn has: what takes little time is done more than once.
_CALLS, _OF_PANDAS, _TO_WAITING, _ITEMS = 3, 1, 3, 50
_WAITING, _LEAST_OF_MEMORY = 10, 3
_LEAST_OF_MINUTES = 2
_LOOP = """
from capsule import task

@task(compute="HIGH")
def main():
    total, seen = 0, {}
    for number in range(1_000_000):
        total += number * 3 % 7
        seen[number % 100] = total
    return len(seen)
"""
_SCRIPT = Path(__file__).with_name("side_calls.py")


def processes(present: Side, older: Side) -> list[Row]:
    """Compare a new process for each call, in a program that stays."""
    what = "a new process from a snapshot, one call"
    pandas = "pandas group-by, new process, snapshot"
    return [
        _called(what, (present, older), ("cold", SAME_AS_THE_LAB, _CALLS)),
        _called(pandas, (present, older), ("cold", PANDAS, _OF_PANDAS)),
    ]


def sustained(present: Side, older: Side) -> list[Row]:
    """Compare how many new processes end in a second on all processors."""
    what = f"map, {_ITEMS} items, warm=0, all processors"
    return [_called(what, (present, older), ("many", HELLO, _ITEMS), _ITEMS)]


def python(present: Side, older: Side) -> list[Row]:
    """Compare a loop of plain Python, which takes some hundred times as long as a start."""
    return [_called("a loop of pure Python", (present, older), ("cold", _LOOP, 1))]


def memory(present: Side, older: Side) -> list[Row]:
    """Compare what processes that wait take of the memory."""
    what, turn = f"PSS of {_WAITING} that wait, pandas", ("waiting", PANDAS, _WAITING)
    found = _called(what, (present, older), turn, least=_LEAST_OF_MEMORY)
    return [found._replace(unit="MB")]


def fuel(present: Side, older: Side) -> list[Row]:
    """Compare what ten programs are said to take."""
    found = []
    for name, source in PROGRAMS.items():
        compared = _called(f"fuel: {name}", (present, older), ("fuel", source, 1), least=1)
        found.append(compared._replace(unit="M"))
    return found


def warm(present: Side, older: Side) -> list[Row]:
    """Compare a call to a process that waits."""
    what = "Sandbox.run, a process waits for it"
    return [_called(what, (present, older), ("warm", HELLO, _TO_WAITING))]


def execs(present: Side, older: Side) -> list[Row]:
    """Compare whole commands that no worker helps."""
    with ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(commands(each.home, None, each.program))
            for each in (present, older)
        )
        ours.build()
        theirs.build()

        def compared(what: str, words: Sequence[str]) -> list[Row]:
            taken = by_pairs(
                _LEAST,
                timed(lambda: ours.capsule(*words)),
                timed(lambda: theirs.capsule(*words)),
            )
            return _by_both_clocks(what, older, taken)

        return [
            *compared("exec, later, whole command", EXEC),
            *compared("run, nothing changed, whole command", RUN),
        ]


def first(present: Side, older: Side) -> list[Row]:
    """Compare the first run of a file with pandas, where the small interpreter is compiled."""
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(first_run(each, PANDAS)) for each in (present, older))
        # A minute each: the files are in memory after one.
        taken = by_pairs(_LEAST_OF_MINUTES, timed(ours), timed(theirs), uncounted=1)
    return _by_both_clocks("first run of a file with pandas", older, taken)


def served(present: Side, older: Side) -> list[Row]:
    """Compare a whole command while a worker of the same side listens."""
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(_handed_over(each)) for each in (present, older))
        taken = by_pairs(_LEAST, ours, theirs)
    return _by_both_clocks("exec with a worker listening", older, taken)


# In the order of the table, by the names that they have without an older revision.
PARTS: dict[str, Callable[[Side, Side], list[Row]]] = {
    "processes": processes,
    "python": python,
    "memory": memory,
    "sustained": sustained,
    "warm": warm,
    "exec": execs,
    "served": served,
    "first": first,
    "fuel": fuel,
}


@contextmanager
def _handed_over(side: Side) -> Iterator[Callable[[], tuple[float, float]]]:
    with commands(side.home, None, side.program) as given, listening(given) as path:
        yield timed(lambda: given.capsule(*EXEC, CAPSULE_SOCKET=path))


def _by_both_clocks(what: str, older: Side, taken: list[Pairs]) -> list[Row]:
    seconds, processor = taken
    # A worker is not waited for: where one listens, this is the command alone.
    own = "  the command on the processors"
    return [row(what, older.name, seconds), row(own, older.name, processor)]


def _called(
    what: str,
    sides: tuple[Side, Side],
    turn: tuple[str, str, int],
    items: int | None = None,
    least: int | None = None,
) -> Row:
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(_calls(side, *turn)) for side in sides)
        least = least or (_LEAST if items is None else _LEAST_OF_MANY)
        [pairs] = by_pairs(least, lambda: (ours.once(),), lambda: (theirs.once(),))
    return row(what, sides[1].name, pairs, items)


@contextmanager
def _calls(side: Side, way: str, source: str, count: int) -> Iterator[Calls]:
    """Start the Python of a side, which takes its turns with a task of that source."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "task.py")
        task.write_text(source)
        # `-P`: the modules beside the script are none of its.
        process = subprocess.Popen(
            [side.python, "-P", str(_SCRIPT), way, str(task), str(count)],
            cwd=folder,
            env=side.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with Calls(process, side.name) as calls:
            yield calls
