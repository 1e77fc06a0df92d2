"""`capsule trace`: what ran, how it ended and what it used; all runs, or all of one."""

from __future__ import annotations

import os
import time

from capsule.cli.parsing.file_suggestions import quoted
from capsule.cli.parsing.integers import whole_number
from capsule.cli.render import record_json
from capsule.errors import UsageError
from capsule.lifecycle import reader
from capsule.lifecycle.events import STATES
from capsule.lifecycle.reader import Filters
from capsule.lifecycle.recorder import VARIABLE
from capsule.message_text import nearest
from capsule.namedtuples import NamedTuple
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.cli.terminal.console import Console
    from capsule.lifecycle.events import State
    from capsule.lifecycle.reader import Run

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST = 9  # digits
_USUAL = 20


class Options(NamedTuple):
    """What the command line says, as text."""

    run: str | None
    state: str | None
    task: str | None
    since: str | None
    limit: str | None
    json: bool
    html: str | None


def command(options: Options, console: Console) -> int:
    """Print a list of runs, or one run.

    Raises `UsageError` for options that do not fit, and for a run that there is none of.
    """
    home = checked_root()
    filters = (options.state, options.task, options.since, options.limit)
    if options.run is None:
        if options.html is not None:
            raise UsageError("--html is for one run", hint="capsule trace latest --html FILE")
        return _list(home, options, console)
    if any(value is not None for value in filters):
        raise UsageError(
            "--state, --task, --since and --limit choose runs, and one is named already",
            hint=f"capsule trace {options.run}",
        )
    return _one(home, options, console)


def _one(home: Path, options: Options, console: Console) -> int:
    if options.json and options.html is not None:
        raise UsageError("--json and --html exclude each other", hint="leave one of them out")
    found = reader.run(home, options.run or "")
    if options.html is not None:
        _write_page(found, options.html, console)
        return 0
    if options.json:
        console.json(record_json.of_run(found))
        return 0
    from capsule.cli.render.trace import trace

    for line in trace(found, time.time_ns(), console.size[0]):
        console.out(line)
    return 0


def _write_page(found: Run, name: str, console: Console) -> None:
    from capsule.cli.render.html_page import page

    text = page(found, time.time_ns())
    if name == "-":
        console.out(text.removesuffix("\n"))
        return
    try:
        # Whoever may read the folder may not read what a task printed.
        with open(name, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text.encode(errors="replace"))
    except OSError as error:
        raise UsageError(f"--html {name}: {error.strerror}") from None
    console.out(name)


def _list(home: Path, options: Options, console: Console) -> int:
    now = time.time_ns()
    since = None if options.since is None else now - _span(options.since)
    limit = _USUAL if options.limit is None else whole_number("--limit", options.limit, 1)
    filters = Filters(_state(options.state), options.task, since, limit)
    found = reader.runs(home, filters)
    if options.json:
        console.json([record_json.of_summary(summary) for summary in found])
    elif found:
        from capsule.cli.render.run_list import run_list

        for line in run_list(found, now, console.size[0]):
            console.out(line)
    elif reader.runs(home, Filters(limit=1)):
        console.err(f"capsule: no run is like that\n  try: {_instead(home, options.task)}")
    else:
        console.err(f"capsule: no run is recorded yet\n  try: {_first()}")
    return 0


def _instead(home: Path, task: str | None) -> str:
    """Return what to try where no run is as asked for."""
    known = [] if task is None else reader.tasks(home)
    near = None if task is None or task in known else nearest(task, known)
    # What a task is called is a stranger's choice.
    return "capsule trace, without filters" if near is None else f"--task {quoted(near)}"


def _first() -> str:
    off = os.environ.get(VARIABLE) == "0"
    return f"the same without {VARIABLE}=0, which turns it off" if off else "capsule run FILE.py"


def _state(said: str | None) -> State | None:
    if said is None:
        return None
    for state in STATES:
        if said.lower().replace("-", "_") == state:
            return state
    raise UsageError(f"--state {said!r}: there is {', '.join(STATES)}", hint=nearest(said, STATES))


def _span(said: str) -> int:
    """Return a duration in nanoseconds."""
    number, unit = said[:-1], said[-1:].lower()
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST and unit in _UNITS):
        raise UsageError(
            f"--since {said!r}: a number and s, m, h or d is needed", hint="--since 1h"
        )
    return int(number) * _UNITS[unit] * 10**9
