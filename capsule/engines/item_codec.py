"""An item as it travels: JSON of its arguments, and of its files with their content as base64.

A text by itself: one that cannot be read fails its item alone.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from capsule.sdk.file_contents import place_of
from capsule.snapshot.request import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from capsule.sdk.engine import Arguments


def encode_item(arguments: Arguments, files: Mapping[str, bytes]) -> bytes:
    """Return an item as it travels. Raises `UsageError` for arguments that are no JSON values.

    >>> decode_item(encode_item(([1], {"n": 2}), {"a.txt": b"hi"}).decode())
    ([1], {'n': 2}, {'a.txt': b'hi'})
    """
    text = json_text(arguments)
    if not files:
        return text
    packed = {name: base64.b64encode(content).decode() for name, content in files.items()}
    return text.removesuffix(b"]") + b", " + json.dumps(packed).encode() + b"]"


def decode_item(text: str) -> tuple[list[Any], dict[str, Any], dict[str, bytes]]:
    """Return the arguments and files of an item.

    Raises `RecursionError` for deep arguments, and `UsageError` for what is no name of a file here:
    the system that it was written on may be another.
    """
    args, kwargs, *packed = json.loads(text)
    files = packed[0] if packed else {}
    return (
        args,
        kwargs,
        {place_of(name): base64.b64decode(content) for name, content in files.items()},
    )
