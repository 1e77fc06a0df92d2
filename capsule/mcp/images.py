"""Images of an answer: what each claims to be is looked at, and what is too large is left out."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import TYPE_CHECKING, Any

from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of an answer, and of each image: a model takes images of so many pixels on a side without
# trouble, and many a client an answer of a megabyte, in base64.
MOST_IMAGES, MOST_SIDE, MOST_BYTES = 8, 2_000, 700 << 10
_PNG, _JPEG = "image/png", "image/jpeg"
_PNG_HEAD = struct.Struct(">8sI4sII")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Segments of a JPEG that have its size: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, table B.1.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Image(NamedTuple):
    """An image that goes into an answer; `data` is base64."""

    kind: str
    data: str


def images_of(displays: Iterable[Any]) -> tuple[list[Image], list[str]]:
    """Return the images among what was displayed, and notes on those that are left out.

    What comes from a sandbox may be anything: what is no image is none.
    """
    found: list[Image] = []
    notes: list[str] = []
    left = MOST_BYTES
    for display in displays:
        for kind in (_PNG, _JPEG):
            said = display.get(kind) if isinstance(display, dict) else None
            if not isinstance(said, str):
                continue
            size = _size(kind, said)
            if size is None:
                notes.append(f"something displayed as {kind} is no such image, and is left out")
            elif max(size) > MOST_SIDE:
                notes.append(
                    f"an image of {size[0]:,} x {size[1]:,} pixels is left out: {MOST_SIDE:,} on a"
                    " side is the most; draw it smaller (figsize, dpi), or save it to a file"
                )
            elif len(said) * 3 // 4 > left:
                notes.append(
                    f"an image of {len(said) * 3 // 4:,} bytes is left out: the images of an answer"
                    f" have {MOST_BYTES:,} at most; draw it smaller, or save it to a file"
                )
            elif len(found) == MOST_IMAGES:
                notes.append(f"an image is left out: {MOST_IMAGES} are the most of an answer")
            else:
                found.append(Image(kind, said))
                left -= len(said) * 3 // 4
            break
    return found, notes


def _size(kind: str, said: str) -> tuple[int, int] | None:
    """Return width and height as an image says, None for what is none.

    >>> head = _PNG_HEAD.pack(_SIGNATURE, 13, b"IHDR", 640, 480)
    >>> _size("image/png", base64.b64encode(head).decode())
    (640, 480)
    """
    try:
        data = base64.b64decode(said, validate=True)
        found = _png_size(data) if kind == _PNG else _jpeg_size(data)
    except (binascii.Error, ValueError, struct.error, IndexError):
        return None
    return found if found is not None and min(found) > 0 else None


def _png_size(data: bytes) -> tuple[int, int] | None:
    signature, _, name, width, height = _PNG_HEAD.unpack_from(data)
    return (width, height) if signature == _SIGNATURE and name == b"IHDR" else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return the size in the first frame.

    >>> _jpeg_size(bytes.fromhex("ffd8 ffe0 0004 0000 ffc0 0011 08 01e0 0280 03"))
    (640, 480)
    """
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if kind in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + max(length, 2)
    return None
