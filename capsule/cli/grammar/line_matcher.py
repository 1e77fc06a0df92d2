"""Following the words of a command line along what is declared, to the end or to a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.cli.grammar.command_model import Command, Option

Kind = Literal["command", "option", "value", "no value", "extra", "missing", "no command"]


class Mistake(NamedTuple):
    """What is wrong with a line: the word, without a value, that the kind is about.

    There is no such `command` or `option`; an option lacks its `value`, or is given one and takes
    `no value`; an argument is `extra`; one is `missing`, or there is `no command` at all.
    """

    kind: Kind
    word: str


class LineMatch(NamedTuple):
    """Where a line is behind some words.

    `awaited` is the option whose value comes next, `plain` the arguments so far, `said` the fields
    of the options so far, `ended` whether a `--` has ended the options.
    """

    command: Command
    plain: tuple[str, ...]
    said: frozenset[str]
    awaited: Option | None
    ended: bool
    mistake: Mistake | None


class _Matcher:
    def __init__(self, root: Command) -> None:
        self.command = root
        self.plain: list[str] = []
        self.said: set[str] = set()
        self.awaited: Option | None = None
        self.ended = False
        self.mistake: Mistake | None = None

    def take(self, word: str) -> None:
        if self.mistake is not None:
            return  # what comes behind it may mean anything
        if self.awaited is not None:
            self.awaited = None
        elif self.ended or word == "-" or not word.startswith("-"):
            self._take_plain(word)
        elif word == "--":
            self.ended = True
        elif word.startswith("--"):
            self._take_long(word)
        else:
            self._take_short(word)

    def wrong(self, kind: Kind, word: str) -> None:
        self.mistake = self.mistake or Mistake(kind, word)

    def _take_plain(self, word: str) -> None:
        if not self.command.commands:
            self.plain.append(word)
            many = any(argument.repeatable for argument in self.command.arguments)
            if not many and len(self.plain) > len(self.command.arguments):
                self.wrong("extra", word)
        elif (below := self.command.command(word)) is not None:
            self.command, self.said = below, set()
        else:
            self.wrong("command", word)

    def _take_long(self, word: str) -> None:
        name, given, _ = word.partition("=")
        option = self.command.option(name)
        if option is None:
            self.wrong("option", name)
            return
        self.said.add(option.field)
        if option.value and not given:
            self.awaited = option
        elif given and not option.value:
            self.wrong("no value", name)

    def _take_short(self, word: str) -> None:
        for number, letter in enumerate(word[1:], 2):
            option = self.command.option(f"-{letter}")
            if option is None:
                self.wrong("option", word.partition("=")[0])
                return
            self.said.add(option.field)
            if option.value:
                if number == len(word):
                    self.awaited = option
                return


def match_prefix(root: Command, words: Sequence[str]) -> LineMatch:
    """Return where a line is behind `words`, and the first mistake in them.

    What lacks is no mistake: more words may come.
    """
    walk = _Matcher(root)
    for word in words:
        walk.take(word)
    return _place(walk)


def match_line(root: Command, words: Sequence[str]) -> LineMatch:
    """Do what `match_prefix` does with a whole line, in which nothing may lack."""
    walk = _Matcher(root)
    for word in words:
        walk.take(word)
    required = [argument for argument in walk.command.arguments if argument.required]
    if walk.awaited is not None:
        walk.wrong("value", walk.awaited.names[0])
    elif walk.command.commands:
        walk.wrong("no command", "")
    elif len(walk.plain) < len(required):
        walk.wrong("missing", required[len(walk.plain)].name)
    return _place(walk)


def _place(walk: _Matcher) -> LineMatch:
    return LineMatch(
        walk.command,
        tuple(walk.plain),
        frozenset(walk.said),
        walk.awaited,
        walk.ended,
        walk.mistake,
    )
