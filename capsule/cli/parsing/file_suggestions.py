"""Files that were probably meant, and how a message says what to type."""

from __future__ import annotations

import shlex
from pathlib import Path

from capsule.errors import UsageError
from capsule.message_text import nearest, printable

# A folder with more files is not looked through.
_MOST = 10_000


def quoted(word: str) -> str:
    r"""Return a word as a shell takes it, without what could drive a terminal.

    >>> quoted("my file.py"), quoted("a\x1b[2J")
    ("'my file.py'", "'a\\x1b[2J'")
    """
    return shlex.quote(printable(word))


def nearest_file(path: Path, end: str) -> str | None:
    """Return the name of a file in the folder of `path`, which is not there, that was meant.

    Only names that end in `end` are; it may lack in the name of `path`.
    """
    try:
        names = [
            entry.name
            for _, entry in zip(range(_MOST), path.parent.iterdir(), strict=False)
            if entry.name.endswith(end) and entry.is_file()
        ]
    except OSError:
        return None
    stem = path.name.removesuffix(end)
    if f"{stem}{end}" in names:
        return f"{stem}{end}"
    near = nearest(stem, [name.removesuffix(end) for name in names])
    return None if near is None else f"{near}{end}"


def absent(said: str, *, artifact: bool, working: Path, command: str | None = None) -> UsageError:
    """Return the error for a file that is not there, with the command that was probably meant."""
    end, what = (".wasm", "artifact") if artifact else (".py", "task file")
    command = command or ("capsule exec" if artifact else "capsule run")
    near = nearest_file(working / said, end)
    meant = f"FILE{end}" if near is None else quoted(str(Path(said).with_name(near)))
    return UsageError(f"the {what} {said!r} does not exist", hint=f"{command} {meant}")
