"""Compiling this runtime, in a sandbox of its own: what a compiler leaves in memory stays there."""

from __future__ import annotations

import marshal
import zlib
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from capsule.shared.frames import RESULT
from capsule_guest.channel import send
from capsule_guest.deferred_modules import DEFERRED, PACKED, file_of

# No flags, no time and no size of a source: there is none to compare with.
_HEADER = MAGIC_NUMBER + bytes(12)


def write(source: str, target: str) -> None:
    """Compile all modules below `source` to files below `target`."""
    deferred = {f"{file_of(name)}.py" for name in DEFERRED}
    for path in Path(source).rglob("*.py"):
        below = path.relative_to(source)
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        made, ending = _HEADER + marshal.dumps(code), ".pyc"
        if str(below) in deferred:
            made, ending = zlib.compress(marshal.dumps(code), 9), PACKED
        file = Path(target) / below.with_suffix(ending)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(made)
    send(RESULT, b"null")
