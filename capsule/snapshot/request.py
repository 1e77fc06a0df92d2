"""What a sandbox is told: the one request that it reads from its stdin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from capsule.errors import UsageError
from capsule.shared import frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def call(
    module: str,
    function: str,
    files: Mapping[str, bytes],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the frames that ask for one call of `function` in `module` of the bundle `files`.

    Raises `UsageError` when the arguments are not JSON values or larger than 64 MiB.
    """
    return _encode(
        {
            "module": module,
            "function": function,
            "files": [[path, len(content)] for path, content in files.items()],
            "args": list(args),
            "kwargs": dict(kwargs or {}),
            "env": {},
        },
        b"".join(files.values()),
    )


def idle() -> bytes:
    """Return the frames that ask for nothing: the answer is null."""
    return _encode(
        {"module": None, "function": None, "files": [], "args": [], "kwargs": {}, "env": {}}, b""
    )


def _encode(request: dict[str, Any], content: bytes) -> bytes:
    try:
        text = json.dumps(request, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the arguments are not JSON values: {error}") from None
    if len(text) > frames.MAX_BODY:
        raise UsageError(
            f"the arguments are {len(text):,} bytes of JSON; at most {frames.MAX_BODY:,} may be",
            hint="pass the name of a file in a mounted folder",
        )
    return frames.frame(frames.REQUEST, text) + frames.frame(frames.SOURCES, content)
