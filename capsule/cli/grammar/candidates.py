"""What can come next on a line: commands, options and values, or files for the shell to find.

An answer has a line each for its kind, for the end of file names, for what of the word stands
before what is completed, and for the word without quotes; then a line for each word that can come,
with what it means behind a tab. A shell inserts words as they are: only what no shell could take
for anything else is ever offered, whatever a task in the record is called.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Literal

from capsule.cli.grammar.line_matcher import match_prefix
from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from capsule.cli.grammar.command_model import Argument, Command
    from capsule.cli.grammar.line_matcher import LineMatch

    Lookup = Callable[[str], Iterable[tuple[str, str]]]

# What the values of arguments and options are, by field: files with such an end, files and folders
# with a mode, one of some words; of all others nothing is known.
FILES = {
    "file": ".py",
    "artifact": ".wasm",
    "output": ".wasm",
    "archive": "",
    "args": "",
    "args_file": "",
    "map_file": "",
    "resume": "",
    "html": "",
    "socket": "",
    "state_file": "",
    "wasmtime": "",
}
MOUNTS = "mount"
WORDS = ("max_fuel", "state", "task", "run", "shell")
FREE = (
    "args_json",
    "code",
    "module",
    "imports",
    "allow_host",
    "env",
    "secret",
    "package",
    "max_ram",
    "compute",
    "ram",
    "max_sessions",
    "timeout",
    "concurrency",
    "engine",
    "seconds",
    "since",
    "limit",
    "older_than",
    "max_size",
)
_HELP = ("help",)
_MODES = ("ro", "rw")
_PLAIN = re.compile(r"[^\W_][\w.-]*")

Kind = Literal["words", "files", "folders"]
# A word and what it means.
Rows = list[tuple[str, str]]


class Answer(NamedTuple):
    """What can come next: see the module."""

    kind: Kind
    end: str
    before: str
    word: str
    rows: Rows


def answer(root: Command, words: Sequence[str], lookup: Lookup) -> Answer:
    """Return what the last of `words` can become; `lookup` gives words for one of `WORDS`."""
    *earlier, word = words or [""]
    place = match_prefix(root, earlier)
    if place.awaited is not None:
        return _value(place.awaited.field, word, lookup)
    if word.startswith("-") and not place.ended:
        return _option(place, word, lookup)
    if place.command.words == _HELP:
        # What comes behind it is as it would be at the beginning.
        place = match_prefix(root, place.plain)
    if place.command.commands:
        rows = [(below.words[-1], below.text[0]) for below in place.command.commands]
        return _answer(word, rows)
    argument = None if place.command.words == _HELP else _argument(place)
    return _answer(word, []) if argument is None else _value(argument.field, word, lookup)


def split(line: str) -> list[str]:
    """Return the words of a line that somebody is still typing, the last as far as it goes.

    >>> split("capsule run 'my file"), split("capsule run ")
    (['capsule', 'run', 'my file'], ['capsule', 'run', ''])
    """
    for end in ("", "'", '"', "\\"):
        try:
            words = shlex.split(line + end)
        except ValueError:
            continue
        return [*words, ""] if not line or (line[-1].isspace() and not end) else words
    return [""]


def text(found: Answer) -> str:
    """Return an answer as the scripts of the shells read it."""
    head = (found.kind, found.end, found.before, found.word.replace("\n", " "))
    return "\n".join((*head, *(f"{word}\t{about}" for word, about in found.rows)))


def _option(place: LineMatch, word: str, lookup: Lookup) -> Answer:
    name, given, value = word.partition("=")
    if not given:
        left = (
            option
            for option in place.command.options
            if option.repeatable or option.field not in place.said
        )
        return _answer(word, [(option.names[0], _brief(option.help)) for option in left])
    option = place.command.option(name)
    if option is None or not option.value:
        return _answer(word, [])
    return _value(option.field, value, lookup, f"{name}=")


def _argument(place: LineMatch) -> Argument | None:
    """Return the argument that comes next, None when there can be no more."""
    arguments = place.command.arguments
    if len(place.plain) < len(arguments):
        return arguments[len(place.plain)]
    return arguments[-1] if arguments and arguments[-1].repeatable else None


def _value(field: str, word: str, lookup: Lookup, before: str = "") -> Answer:
    if field == MOUNTS:
        path, colon, mode = word.rpartition(":")
        if not colon:
            return Answer("files", "", before, word, [])
        rows = [(each, "read-only" if each == "ro" else "read-write") for each in _MODES]
        return _answer(mode, rows, f"{before}{path}:")
    if field in FILES:
        return Answer("files", FILES[field], before, word, [])
    if field in WORDS:
        plain = [(each, about) for each, about in lookup(field) if _PLAIN.fullmatch(each)]
        return _answer(word, plain, before)
    return _answer(word, [], before)


def _brief(text: str) -> str:
    return re.split(r"[:;.](?: |$)", text, maxsplit=1)[0]


def _answer(word: str, rows: Iterable[tuple[str, str]], before: str = "") -> Answer:
    fitting = [(each, about) for each, about in rows if each.startswith(word)]
    return Answer("words", "", before, word, fitting)
