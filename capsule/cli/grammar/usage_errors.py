"""What is wrong with a line that cannot be understood, and what was probably meant."""

from __future__ import annotations

import re
import shlex

from capsule.cli.grammar.command_model import PROGRAM, everything
from capsule.cli.grammar.line_matcher import match_line
from capsule.errors import UsageError
from capsule.message_text import SHOWN, nearest, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capsule.cli.grammar.command_model import Command, Option
    from capsule.cli.grammar.line_matcher import LineMatch

_RUN, _EXEC = "run", "exec"
_NUMBER = re.compile(r"-\.?\d.*")
# What the same is called in other commands, and in programs.
_ALIKE = {
    "compute": ("max_fuel",),
    "fuel": ("max_fuel", "compute"),
    "max_fuel": ("compute",),
    "memory": ("max_ram", "ram"),
}


def usage_error(words: Sequence[str], root: Command, otherwise: str) -> UsageError:
    """Return the error of a line that typer has refused; `otherwise` is what typer says of it."""
    place = match_line(root, words)
    if place.mistake is None or place.mistake.kind not in _EXPLAIN:
        return UsageError(printable(otherwise), hint=f"{place.command.name} --help")
    return _EXPLAIN[place.mistake.kind](place, place.mistake.word, root)


def _no_command(place: LineMatch, word: str, root: Command) -> UsageError:
    group = place.command
    below = {command.words[-1]: command for command in group.commands}
    if group is root and (hint := _as_a_file(word)) is not None:
        return UsageError(f"{_shown(word)} is a file, and no command", hint=hint)
    elsewhere = [
        command for command in everything(root) if command.words[1:] and command.words[-1] == word
    ]
    near = nearest(word, below) or (nearest(word, [PROGRAM]) and PROGRAM)
    if group is not root:
        elsewhere += [command for command in root.commands if command.words[-1] == word]
    if elsewhere:
        hint = " or ".join(command.name for command in elsewhere)
    else:
        hint = below[near].name if near in below else f"{group.name} --help"
    return UsageError(f"there is no command {_shown(word)} of {group.name}", hint=hint)


def _as_a_file(word: str) -> str | None:
    """Return the command that runs what looks like a file."""
    name = shlex.quote(printable(word))
    if word == "-" or word.endswith(".py"):
        return f"{PROGRAM} {_RUN} {name}"
    return f"{PROGRAM} {_EXEC} {name}" if word.endswith(".wasm") else None


def _no_option(place: LineMatch, word: str, root: Command) -> UsageError:
    command = place.command
    hint = _near_option(word, command.options)
    if hint is None:
        others = [
            other.name
            for other in everything(root)
            if other is not command and any(word == name for name in _names(other))
        ]
        if others:
            shown = ", ".join(others[:3])
            return UsageError(
                f"there is no option {word} of {command.name}; {shown} {_have(others)} one",
                hint=f"{others[0]} {word}",
            )
        if _passes_on(command) and (place.plain or _NUMBER.fullmatch(word)):
            hint = f"-- {shlex.quote(printable(word))}, if the task is to get it"
    return UsageError(
        f"there is no option {_shown(word)} of {command.name}",
        hint=hint or f"{command.name} --help",
    )


def _near_option(word: str, options: Sequence[Option]) -> str | None:
    """Return the option that was probably meant, with the name of its value."""
    if _NUMBER.fullmatch(word):
        return None
    known = {
        name.lstrip("-").replace("-", "_"): option
        for option in options
        for name in option.names
        if name.startswith("--")
    }
    said = word.lstrip("-").replace("-", "_")
    near = nearest(said, known) or next((one for one in _ALIKE.get(said, ()) if one in known), None)
    if near is None:
        return None
    option = known[near]
    return f"{option.names[0]} {option.value}".rstrip()


def _names(command: Command) -> list[str]:
    return [name for option in command.options for name in option.names]


def _have(others: Sequence[str]) -> str:
    return "has" if len(others) == 1 else "have"


def _passes_on(command: Command) -> bool:
    return any(argument.repeatable for argument in command.arguments)


def _no_value(place: LineMatch, word: str, _root: Command) -> UsageError:
    option = place.command.option(word)
    value = option.value if option is not None else ""
    return UsageError(
        f"{word} of {place.command.name} needs a value, {value}", hint=f"{word} {value}"
    )


def _needless_value(place: LineMatch, word: str, _root: Command) -> UsageError:
    return UsageError(f"{word} of {place.command.name} takes no value", hint=word)


def _extra(place: LineMatch, word: str, _root: Command) -> UsageError:
    command = place.command
    most = len(command.arguments)
    takes = {0: "no arguments", 1: "one argument"}.get(most, f"{most} arguments")
    return UsageError(
        f"{command.name} takes {takes}, and {_shown(word)} is one more", hint=command.synopsis
    )


def _missing(place: LineMatch, word: str, _root: Command) -> UsageError:
    return UsageError(f"{place.command.name} needs {word}", hint=f"{place.command.name} {word}")


def _shown(word: str) -> str:
    """Return a word as a message repeats it; plain ones as they are."""
    if len(word) > SHOWN:
        word = f"{word[:SHOWN]}..."
    return word if re.fullmatch(r"[\w./=-]+", word) else repr(word)


_EXPLAIN: dict[str, Callable[[LineMatch, str, Command], UsageError]] = {
    "command": _no_command,
    "option": _no_option,
    "value": _no_value,
    "no value": _needless_value,
    "extra": _extra,
    "missing": _missing,
}
