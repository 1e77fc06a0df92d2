"""An error or a notice, folded to a terminal's width."""

from __future__ import annotations

import re

from capsule.cli.render.terminal_text import cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# What stands at the beginning of a line, below which the rest of it goes on.
_LABEL = re.compile(r" *(?:[a-z_]+: )?")
# A word, with what is quoted in it whole, and an option with its value.
_WORD = re.compile(
    r"(?:--[a-z][a-z-]* (?=[A-Z0-9./]))?"
    r"""(?:(?<!\w)'[^'\n]*'(?!\w)|(?<!\w)"[^"\n]*"(?!\w)|\S)+"""
)
# Behind these a command may follow, which is to be copied as a whole.
_BEFORE_COMMANDS = frozenset(["try:", "see:"])
_COMMAND = re.compile(r"capsule|cd|chmod|curl|export|mkdir|mv|pip|python\S*|rm|sudo|uv|[A-Z_]+=\S*")
# A line with so little room is left to the terminal.
_LEAST = 24


def folded(text: str, width: int) -> str:
    """Return a text in which lines that are too long go on below, behind their label.

    A word, what is quoted, and a command that is proposed are never broken.

    >>> print(folded("capsule: the file a.py does not exist\\n  try: capsule run b.py", 33))
    capsule: the file a.py does not
             exist
      try: capsule run b.py
    """
    return "\n".join(part for line in text.split("\n") for part in _folded(line, width))


def _folded(line: str, width: int) -> Iterator[str]:
    label = _LABEL.match(line)
    begin = label[0] if label else ""
    hang = len(begin)
    if cells(line) <= width or width - hang < _LEAST:
        yield line
        return
    whole = room = width - hang
    said = begin
    for unit in _units(line[hang:], begin.strip()):
        wide = cells(unit)
        # What no line has room for, the terminal breaks wherever it begins.
        if room < 0 or (wide + 1 > room and wide <= whole and room < whole):
            yield said.rstrip()
            said, room = " " * hang, whole
        gap = "" if room == whole else " "
        said += gap + unit
        room -= len(gap) + wide
    yield said


def _units(text: str, before: str) -> Iterator[str]:
    """Yield what is not to be broken: words, and commands behind a label."""
    command: list[str] = []
    for word in _WORD.findall(text):
        if command or (before in _BEFORE_COMMANDS and _COMMAND.fullmatch(word)):
            command.append(word)
            if word.endswith((",", ";")):
                yield " ".join(command)
                command.clear()
        else:
            yield word
        before = word
    if command:
        yield " ".join(command)
