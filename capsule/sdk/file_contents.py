"""Files that a program hands in: names with paths, or with content, which a task then finds."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping

from capsule.confine.scratch import MAX_DEPTH, MAX_ENTRIES
from capsule.errors import UsageError
from capsule.message_text import printable, shown
from capsule.policy.folders import RESERVED, relative_parts
from capsule.policy.invalid_value import InvalidValueError
from capsule.sdk.said_values import called, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader
    from pathlib import Path
    from typing import Any

    Files = Mapping[str, str | os.PathLike[str] | bytes]
    FilesOf = Callable[[Any], Files]

# Bytes that the files of one run have together: over an engine they are a part of a message.
MOST_OF_RUN = 32 << 20
_MOST_FILE = 128 << 20


def checked_files(files: object) -> Files:
    """Return what a program says of files. Raises `UsageError` for what are no names.

    >>> checked_files({"data.csv": b"1,2"})
    {'data.csv': b'1,2'}
    """
    if not (files is None or isinstance(files, Mapping)):
        raise UsageError(
            f"files={shown(files)}: names with paths or content are needed",
            hint='files={"data.csv": "data.csv"}',
        )
    return {text_of("files", name): said for name, said in (files or {}).items()}


def check_files_of(said: object) -> None:
    """Raise `UsageError` for what cannot give the files of each item of a batch.

    >>> check_files_of(lambda item: {"data.csv": item})
    """
    if said is None:
        return
    if not callable(said):
        raise UsageError(
            f"files={shown(said)}: for map, a function of the item is needed",
            hint='files=lambda item: {"data.csv": "data.csv"}',
        )
    called("files", said)


def run_files(files: Files | None, working: Path) -> dict[str, bytes]:
    """Return the content of the files that a run has, by their path in its working folder.

    Paths in `files` are relative to `working`. Raises `UsageError` for a name that leads out of the
    working folder or into what is not the run's, for what cannot be read, and for more than
    `MOST_OF_RUN` bytes.

    >>> import pathlib
    >>> run_files({"./in/data.csv": b"1,2"}, pathlib.Path())
    {'in/data.csv': b'1,2'}
    """
    found: dict[str, bytes] = {}
    size = 0
    named = checked_files(files)
    if len(named) > MAX_ENTRIES:
        raise UsageError(
            f"files: {len(named):,} are more than {MAX_ENTRIES:,}",
            hint="mounts= for a folder that all runs read",
        )
    for name, said in named.items():
        place = place_of(name)
        if place in found:
            raise UsageError(f"files: {shown(place)} is named twice")
        content = _content(name, said, working, MOST_OF_RUN - size)
        if content is None:
            raise UsageError(
                f"files: up to {shown(name)}, they have more than {MOST_OF_RUN >> 20} MB together",
                hint="mounts= for what all runs read; over an engine, what the task can fetch",
            )
        found[place] = content
        size += len(content)
    return found


def content_of(name: str, said: object, working: Path) -> bytes:
    """Return the content of a file that a program names, or hands in.

    Raises `UsageError` for what cannot be read, or is too large.
    """
    if isinstance(said, bytes):
        return said
    content = _content(name, said, working, _MOST_FILE)
    if content is None:
        raise UsageError(
            f"files: {shown(name)} has more than {_MOST_FILE >> 20} MB",
            hint="mounts= for what is larger",
        )
    return content


def _content(name: str, said: object, working: Path, most: int) -> bytes | None:
    """Return the content of a file, None where it has more than `most` bytes.

    Raises `UsageError` for what cannot be read.
    """
    if isinstance(said, bytes):
        return said if len(said) <= most else None
    if not isinstance(said, (str, os.PathLike)):
        raise UsageError(
            f"files: {name!r}: a path (text) or content (bytes) is needed, and not {shown(said)}"
        )
    path = working / os.fsdecode(said)
    try:
        with open_regular(path) as file:
            return _up_to(file, most)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        hint = "text is a path; content is bytes, as text.encode()"
        raise UsageError(f"files: cannot read {printable(str(path))}: {said}", hint=hint) from None


def _up_to(file: BufferedReader, most: int) -> bytes | None:
    """Return what a file holds, None where that is more than `most` bytes: those stay unread."""
    size = os.fstat(file.fileno()).st_size
    if size > most:
        return None
    content = file.read(size + 1)
    if len(content) > size:
        # It grows, or is one of the system's, whose size is 0 until it is read.
        content += file.read(most + 1 - len(content))
    return content if len(content) <= most else None


def open_regular(path: Path) -> BufferedReader:
    """Open a file to be read, and no device or pipe: those have no end, or wait for a writer.

    Raises `OSError`, and `ValueError` for a path that can be none.
    """
    how = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, how)
    except PermissionError:
        # That is what Windows says of a folder.
        if path.is_dir():
            raise OSError(errno.EINVAL, "it is no file") from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no file")
    return os.fdopen(handle, "rb")


def place_of(name: str) -> str:
    """Return the path of a file below the working folder. Raises `UsageError`.

    >>> place_of("./in//data.csv")
    'in/data.csv'
    """
    try:
        parts = relative_parts(name)
    except InvalidValueError:
        parts = ()
    if not parts or parts[0] in RESERVED or name.endswith("/"):
        raise UsageError(
            f"files: {shown(name)} is no name of a file in the working folder",
            hint='a relative path, as "data.csv" or "in/data.csv"',
        )
    if len(parts) - 1 > MAX_DEPTH:
        raise UsageError(
            f"files: {shown(name)} lies more than {MAX_DEPTH} folders deep", hint="fewer folders"
        )
    return "/".join(parts)
