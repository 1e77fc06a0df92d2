"""What a model is told of a turn: text of bounded length, and figures of bounded size."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from capsule.errors import CapsuleError, ToolchainError
from capsule.namedtuples import NamedTuple
from capsule.sessions.state_file import StateError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from capsule.sessions.turn import Turn

# Characters of a text where nobody says otherwise.
MOST_TEXT = 20_000
# Figures of a turn, bytes of one, and points on a side: what providers of models take.
_MOST_FIGURES, _MOST_BYTES, _MOST_SIDE = 4, 3 << 20, 4_000
# What says that something is left out has as many characters at most.
_GAP = 48
_PNG, _SIZE_AT = b"\x89PNG\r\n\x1a\n", 16
# What kept no state, or all of it, and what to do; the code's own errors speak for themselves.
_ADVICE = {
    "task_error": "The code raised; what it did before stays.",
    "type_error": "Correct the code and run it again.",
    "timeout": "It took too long, and nothing of it was kept. Find a faster way.",
    "fuel_exhausted": "It took too many steps, and nothing of it was kept. Find a faster way.",
    "memory_exceeded": "It took too much memory, and nothing of it was kept. Hold less at once.",
    "sandbox_crashed": "The interpreter died, and nothing of it was kept.",
    "protocol_error": "It wrote to descriptor 1, and nothing of it was kept. Use print.",
    "cancelled": "It was cancelled, and nothing of it was kept.",
}
# There is nothing that a model could do about these.
_OF_THE_PROGRAM = (StateError, ToolchainError)


class Figure(NamedTuple):
    """A figure of a turn, as a PNG."""

    png: bytes

    @property
    def base64(self) -> str:
        """The PNG as base64."""
        return base64.b64encode(self.png).decode()


class Observation(NamedTuple):
    """A turn as a model reads it."""

    text: str
    figures: tuple[Figure, ...] = ()


def observed(turn: Turn, most: int = MOST_TEXT) -> Observation:
    """Return what a turn printed, its value, what it displayed, its files, and its error.

    The text has `most` characters, of which those in the middle are left out where it is longer. Of
    figures there are four of 3 MB and 4,000 points on a side; the text speaks of those left out.
    """
    execution = turn["execution"]
    parts = [execution["stdout"], execution["stderr"]]
    figures: list[Figure] = []
    for display in turn.displays:
        said = _shown(display, figures)
        if said != turn.text:
            parts.append(said)
    parts.append(turn.text)
    parts += [f"({file.change} file {file.name}, {file.size:,} bytes)" for file in turn.files]
    error = turn["error"]
    if error is not None:
        # The traceback ends with the message.
        parts.append(error.get("traceback") or f"{error['error_type']}: {error['message']}")
        parts.append(_ADVICE.get(error["error_type"], ""))
    text = "\n".join(part.rstrip("\n") for part in parts if part.strip())
    return Observation(cut(text or "(no output)", most), tuple(figures))


def refused(error: CapsuleError, most: int = MOST_TEXT) -> Observation:
    """Return what a model is told of a turn that could not begin.

    Raises the error again where it is the program's, and nothing that a model could mend.
    """
    if isinstance(error, _OF_THE_PROGRAM):
        raise error
    return Observation(cut(f"{error.code}: {error}\nNothing was run.", most))


def cut(text: str, most: int) -> str:
    """Return a text without its middle where it has more than so many characters.

    >>> cut("0123456789" * 10, 80).splitlines()[1]
    '... 68 characters are left out here ...'
    """
    if len(text) <= most:
        return text
    half = max((most - _GAP) // 2, 0)
    left = len(text) - 2 * half
    return (
        f"{text[:half]}\n... {left:,} characters are left out here ...\n{text[len(text) - half :]}"
    )


def described(tools: dict[str, dict[str, str]]) -> str:
    """Return the functions of the host as a model reads of them, empty where there are none."""
    if not tools:
        return ""
    lines = (f"- {name}{tool['signature']}: {tool['doc']}" for name, tool in tools.items())
    return "\n".join(("Functions that the code can call by their names:", *lines))


def _shown(display: dict[str, Any], figures: list[Figure]) -> str:
    encoded = display.get("image/png")
    if not isinstance(encoded, str):
        plain = display.get("text/plain", "")
        return plain if isinstance(plain, str) else ""
    try:
        png = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return "(a figure that is none)"
    width, height = _size(png)
    said = f"a figure of {width} x {height} points, {len(png):,} bytes"
    if not png.startswith(_PNG) or not 0 < max(width, height) <= _MOST_SIDE:
        return f"({said}, is left out: {_MOST_SIDE:,} points are shown at most; make it smaller)"
    if len(png) > _MOST_BYTES:
        return f"({said}, is left out: {_MOST_BYTES:,} bytes are shown at most; make it smaller)"
    if len(figures) >= _MOST_FIGURES:
        return f"({said}, is left out: {_MOST_FIGURES} are shown of a turn)"
    figures.append(Figure(png))
    return f"({said})"


def is_small_png(data: bytes) -> bool:
    """Say whether bytes look like an image that is shown: a PNG of a bounded size."""
    if len(data) > _MOST_BYTES or not data.startswith(_PNG):
        return False
    return 0 < max(_size(data)) <= _MOST_SIDE


def _size(png: bytes) -> tuple[int, int]:
    width, height = (png[at : at + 4] for at in (_SIZE_AT, _SIZE_AT + 4))
    return int.from_bytes(width), int.from_bytes(height)


def joined(parts: Sequence[str]) -> str:
    """Return paragraphs as one text, without those that are empty."""
    return "\n\n".join(part for part in parts if part)
