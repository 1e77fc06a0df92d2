"""How a failed run is told to a person: the user's own frames, the line that failed, and the end.

The envelope holds the same for programs. What a task chose is shown so that it can do nothing else.
"""

from __future__ import annotations

import re

from capsule.cli.render.terminal_text import cleaned
from capsule.cli.terminal import missing_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.envelope import EnvelopeError

# A frame's first line and its source, as Python writes them.
_FRAME, _SOURCE = re.compile(r'  File ".*", line \d+'), "    "
_MARK = "  > "
_HEAD, _OUR_HEAD = "Traceback (most recent call last):", "Traceback of the task (most recent last):"
# How messages begin that mean something else inside than a newcomer expects, and what to do.
_INSIDE = (
    (
        "FileNotFoundError: [Errno 44] ",
        "a task sees the folders in allowed_files and of --mount, and no other files",
    ),
    (
        "EOFError: EOF when reading a line",
        "--stdin hands this command's stdin to the task; else a task has none",
    ),
)
# In front of an error's name, which the message leaves out.
_MODULE = re.compile(r"^(?:\w+\.)+\Z", re.MULTILINE)
_MOST_LINES = 100


def traceback_lines(error: EnvelopeError, *, whole: bool, file: str | None = None) -> Iterator[str]:
    """Yield the lines for an error: without `whole`, the last one only, which says what it was.

    `file` is the task's file, as the user named it.

    >>> error = {"error_type": "timeout", "message": "too slow"}
    >>> list(traceback_lines(error, whole=True))
    ['timeout: too slow']
    """
    message = error["message"].rstrip()
    if whole:
        yield from _trace(error.get("traceback") or "", message)
    yield cleaned(f"{error['error_type']}: {message}")
    if whole and (tried := missing_module.advice(message, file)):
        yield f"  try: {tried}"
    if whole:
        yield from (f"  try: {hint}" for begin, hint in _INSIDE if message.startswith(begin))


def _trace(traceback: str, message: str) -> Iterator[str]:
    """Yield a traceback with the line that failed marked, without the message at its end."""
    shown = traceback.rstrip()
    if shown.endswith(message):
        shown = _MODULE.sub("", shown.removesuffix(message)).rstrip()
    lines = cleaned(shown).split("\n")
    # Whose it is has to be plain: capsule itself shows none of its own.
    lines = [_OUR_HEAD if line == _HEAD else line for line in lines]
    frames = [place for place, line in enumerate(lines[:-1]) if _FRAME.match(line)]
    if frames and lines[frames[-1] + 1].startswith(_SOURCE):
        failed = frames[-1] + 1
        lines[failed] = _MARK + lines[failed].removeprefix(_SOURCE)
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        left_out = f"  ... {len(lines) - 2 * half} lines more: capsule trace latest --json"
        lines[half:-half] = [left_out]
    if lines != [""]:
        yield from lines
