"""Compiling the packages of a task: a task of capsule's own, in a sandbox like every other.

None of their code runs. What cannot be compiled is left out: importing it says what is wrong.
"""

from __future__ import annotations

import marshal
import os
import struct
import sys
import warnings

_HEADER = struct.Struct("<HI")
# They are seldom imported, and often large.
_LAST = ("tests", "test")


def main(folder: str) -> None:
    """Write for each module below `folder` its path, relative, and its code: lengths first."""
    warnings.simplefilter("ignore")
    found = [
        f"{place}/{name}"
        for place, _, names in os.walk(folder)
        for name in names
        if name.endswith(".py")
    ]
    for path in sorted(found, key=lambda path: (not set(_LAST).isdisjoint(path.split("/")), path)):
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib would be imported for it
                source = file.read()
            code = marshal.dumps(compile(source, path, "exec", dont_inherit=True))
        except Exception:
            continue
        name = path.removeprefix(f"{folder}/").encode()
        sys.stdout.buffer.write(_HEADER.pack(len(name), len(code)) + name + code)
