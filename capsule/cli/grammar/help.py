"""The help of a command, as plain text of 80 columns: the same on a terminal and in a pipe."""

from __future__ import annotations

from textwrap import wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.cli.grammar.command_model import Argument, Command, Option

_WIDTH = 80
_INDENT = "  "
# A name that is longer has its text below it.
_LONGEST_NAME = 22


def text(command: Command) -> str:
    """Return the help of a command, without a line feed at its end."""
    return "\n".join(_lines(command))


def with_default(about: Argument | Option) -> str:
    """Return what an argument or option means, and what holds without it."""
    return f"{about.help} Default: {about.default}." if about.default else about.help


def named(option: Option) -> str:
    """Return the names of an option and of its value.

    >>> from capsule.cli.grammar.command_model import Option
    >>> named(Option(("--output", "-o"), "output", "OUT", "Where to write it."))
    '-o, --output OUT'
    """
    names = ", ".join(reversed(option.names))
    return f"{names} {option.value}" if option.value else names


def _lines(command: Command) -> Iterator[str]:
    yield from wrap(f"Usage: {command.synopsis}", _WIDTH, subsequent_indent=" " * 7)
    for paragraph in command.text:
        yield ""
        yield from wrap(paragraph, _WIDTH, break_on_hyphens=False)
    yield from _table("Arguments", [(each.name, with_default(each)) for each in command.arguments])
    yield from _table("Commands", [(below.words[-1], below.text[0]) for below in command.commands])
    yield from _table("Options", [(named(each), with_default(each)) for each in command.options])
    if command.examples:
        yield ""
        yield "Example:" if len(command.examples) == 1 else "Examples:"
        for example in command.examples:
            yield from (f"{_INDENT}{line}" for line in example.splitlines())
    if command.commands:
        yield ""
        yield f"{command.name} COMMAND --help tells more of each."


def _table(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield f"{title}:"
    fitting = [len(name) for name, _ in rows if len(name) <= _LONGEST_NAME]
    column = len(_INDENT) + max(fitting, default=_LONGEST_NAME) + 2
    for name, about in rows:
        first, *rest = wrap(about, _WIDTH - column, break_on_hyphens=False) or [""]
        if len(name) > _LONGEST_NAME:
            yield f"{_INDENT}{name}"
            rest = [first, *rest]
        else:
            yield f"{_INDENT}{name}".ljust(column) + first
        yield from (" " * column + line for line in rest)
