"""What a shell asks while somebody types: the answers, out of the commands and the record."""

from __future__ import annotations

from capsule.cli.grammar import candidates
from capsule.cli.grammar.completion_scripts import SCRIPTS
from capsule.errors import CapsuleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capsule.cli.grammar.command_model import Command
    from capsule.cli.terminal.console import Console

# What the scripts call: no command that anybody would type.
COMMAND = "__complete"
_LINE = "line"
_MOST = 20


def answer(asked: Sequence[str], root: Command, console: Console) -> int:
    """Print what can come next: behind the text of a `line`, or behind its `words`."""
    kind, *words = asked or ("words",)
    if kind == _LINE:
        words = candidates.split(words[0] if words else "")[1:]
    console.out(candidates.text(candidates.answer(root, words, _lookup)))
    return 0


def _lookup(field: str) -> Iterable[tuple[str, str]]:
    """Return the words that a value can be; the record is only read where it is asked for."""
    if field == "max_fuel":
        from capsule.policy.units import LEVELS

        return [(level, f"{fuel:,} units") for level, fuel in LEVELS.items()]
    if field == "state":
        from capsule.lifecycle.events import STATES

        return [(state, "") for state in STATES]
    if field == "shell":
        return [(shell, "") for shell in SCRIPTS]
    try:
        return _runs() if field == "run" else _tasks()
    except CapsuleError:
        return []  # a record that cannot be read: the command itself will say why


def _runs() -> list[tuple[str, str]]:
    import time

    from capsule.cli.render.human_units import age
    from capsule.cli.render.terminal_text import one_line
    from capsule.lifecycle import reader
    from capsule.state_folder import checked_root

    found = reader.runs(checked_root(), reader.Filters(limit=_MOST))
    rows = [
        (
            run.last.run,
            f"{one_line(run.last.task)}, {run.last.state}, {age(time.time_ns() - run.created_ns)}",
        )
        for run in found
    ]
    return [(reader.LATEST, "the last one"), *rows] if rows else []


def _tasks() -> list[tuple[str, str]]:
    from capsule.lifecycle import reader
    from capsule.state_folder import checked_root

    return [(name, "") for name in reader.tasks(checked_root())]
