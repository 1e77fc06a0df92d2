"""A Python source as a syntax tree, which never runs it.

Parsing is where a hostile source could hurt the host: a tree takes up to 900 bytes of memory per
byte of source, and Python before 3.12 reads an f-string in quadratic time. Both are bounded by what
the text holds, before it is parsed.
"""

from __future__ import annotations

import ast
import sys
import threading
import warnings

from capsule.errors import UsageError
from capsule.message_text import printable
from capsule.namedtuples import NamedTuple
from capsule.policy.parse_cost import count_marks
from capsule.policy.source_decoding import decode

# Every node of a tree needs an operator, a line end or a word of its own. 300,000 of them are about
# 1 MB of ordinary code, and at worst 5 s and 550 MB; the largest module of CPython has 250,000.
MAX_MARKS = 300_000

_F_STRINGS = tuple(f + r + q for f in "fF" for r in ("", "r", "R") for q in "'\"")
_MAX_F_STRING_WORK = 6_000_000_000  # bytes the parser looks at; 1 s

# The filter of warnings is one for the whole process, so only one parse at a time may change it.
_warnings_lock = threading.Lock()


class Source(NamedTuple):
    """A source that Python can read: its name for messages, its text and its tree."""

    filename: str
    text: str
    tree: ast.Module

    def at(self, node: ast.stmt | ast.expr | ast.keyword | ast.excepthandler) -> str:
        """Return where a node is, as editors and compilers write it.

        >>> source = parse("x = 1\\ny = 2", "t.py")
        >>> source.at(source.tree.body[1])
        't.py:2'
        """
        return f"{self.filename}:{node.lineno}"

    def snippet(self, node: ast.expr) -> str:
        """Return the text of an expression, cut to a line and 60 characters, safe to print."""
        line = self.text.split("\n", node.lineno)[node.lineno - 1].encode()
        whole = node.end_lineno == node.lineno
        piece = line[node.col_offset : node.end_col_offset if whole else None].decode(
            errors="replace"
        )
        short = printable(piece[:60])
        return short if whole and len(piece) <= 60 else f"{short}..."


def parse(source: bytes | str, filename: str) -> Source:
    """Return the tree of a source.

    Raises `UsageError` when it is too large, is no text, or is not Python to the interpreter that
    runs capsule.
    """
    text = decode(source, filename)
    name = printable(filename)
    _refuse_excess(text, name)
    try:
        # Warnings about the source are its author's business, and it may hold a million of them.
        with _warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Source(name, text, ast.parse(text))
    except SyntaxError as wrong:
        raise UsageError(_describe(wrong, text, name), hint=_newer_python()) from None
    except (RecursionError, MemoryError):
        raise UsageError(
            f"{name}: an expression or a block is nested too deeply for {_python()} to read"
        ) from None
    except (ValueError, OverflowError) as wrong:
        raise UsageError(f"{name}: {_python()} cannot read it: {printable(str(wrong))}") from None


def _refuse_excess(text: str, name: str) -> None:
    marks = count_marks(text.encode())
    if marks > MAX_MARKS:
        raise UsageError(
            f"{name}: too much code in one file: {marks:,} operators, words and line ends;"
            f" at most {MAX_MARKS:,}",
            hint="split it into modules, and keep data in files of a package beside it",
        )
    if (
        sys.version_info < (3, 12)
        and len(text) * text.count("{") > _MAX_F_STRING_WORK
        and any(start in text for start in _F_STRINGS)
    ):
        raise UsageError(
            f"{name}: {_python()} would take minutes to read its f-strings; the file has"
            f' {len(text):,} characters and {text.count("{"):,} times "{{"',
            hint="split it into modules, or run capsule with Python 3.12 or newer",
        )


def _describe(wrong: SyntaxError, text: str, name: str) -> str:
    """Return where and what, then the line and a caret below the place."""
    number = wrong.lineno or 1
    lines = text.split("\n", number)
    line = lines[number - 1] if number <= len(lines) else ""
    column = min(max((wrong.offset or 1) - 1, 0), len(line))
    start = max(0, column - 70)
    # Escaped piece by piece, so that the caret stays below the place.
    before = printable(line[start:column].lstrip() if start == 0 else line[start:column])
    after = printable(line[column : column + 30])
    message = printable(wrong.msg or "invalid syntax")
    return f"{name}:{number}: {message}\n    {before}{after}\n    {' ' * len(before)}^"


def _newer_python() -> str:
    return (
        f"correct the source; or, if its syntax is newer than {_python()}, which reads it here,"
        " run capsule with a newer Python"
    )


def _python() -> str:
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}"
