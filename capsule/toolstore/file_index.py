"""What is known of the files of a toolchain, so that a start need not hash 200 MB again.

A file whose stat signature is the recorded one is taken to be unchanged: writing to it changes its
ctime, which nobody can set back. A record that cannot be read is no record, never an error: the
files are checked against the pins again. (No dataclasses here: making them takes longer than
reading the record.)
"""

from __future__ import annotations

import os
import time

from capsule import direct_json
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_FORMAT = 1
# A file system's clock moves in steps, of 10 ms on Linux: in the step of its last change, a file
# can change again and look the same. Some file systems count in seconds, or two.
_SETTLED, _SETTLED_COARSE = 100_000_000, 3_000_000_000
_SECOND = 1_000_000_000

# Size in bytes, mtime and ctime in nanoseconds, inode.
Signature = tuple[int, int, int, int]


class Entry(NamedTuple):
    """A file that was hashed: its size in bytes, its SHA-256, and its signature at that time."""

    size: int
    sha256: str
    signature: Signature


class Binary(NamedTuple):
    """A wasmtime that `CAPSULE_WASMTIME` named: the version it reports, hash, and signature."""

    version: str
    sha256: str
    signature: Signature


class Chosen(NamedTuple):
    """A wasmtime that was installed from a file, to be used in place of the pinned one."""

    version: str
    sha256: str


class FileIndex:
    """All that is known. `files` go by their path below the toolchain, `binaries` by full path.

    `chosen` is the program to use in place of the pinned one; `advisories` the short id of those
    that it and `binaries` were held against. `interpreter` is a short id of what the guest's memory
    depends on, the same on all machines.
    """

    def __init__(
        self,
        interpreter: str = "",
        files: dict[str, Entry] | None = None,
        binaries: dict[str, Binary] | None = None,
        chosen: Chosen | None = None,
        advisories: str = "",
    ) -> None:
        self.interpreter = interpreter
        self.files = files or {}
        self.binaries = binaries or {}
        self.chosen = chosen
        self.advisories = advisories

    def __repr__(self) -> str:
        return f"<Record of {', '.join([*self.files, *self.binaries]) or 'nothing'}>"


def signature(path: str | os.PathLike[str]) -> Signature:
    """Return the signature of a file. Raises `OSError`."""
    return signature_of(os.stat(path))  # noqa: PTH116 - on the path of every start


def signature_of(status: os.stat_result) -> Signature:
    """Return the signature of a file by its status."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def settled(status: os.stat_result, now: int) -> bool:
    """Say whether a file that is changed from `now` on, in nanoseconds, will have another status.

    Never on Windows, which tells of no change but by times that anyone can set.
    """
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    coarse = status.st_ctime_ns % _SECOND == 0
    return os.name != "nt" and now - changed > (_SETTLED_COARSE if coarse else _SETTLED)


def now() -> int:
    """Return the time for `settled`."""
    return time.time_ns()


def read(path: Path) -> FileIndex | None:
    """Return the record in `path`, None when there is none that can be understood."""
    try:
        document = direct_json.loads(path.read_bytes())
        return _decoded(document) if document["format"] == _FORMAT else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def encode(record: FileIndex) -> bytes:
    """Return the content of a record's file."""
    document = {
        "format": _FORMAT,
        "interpreter": record.interpreter,
        "chosen": record.chosen and record.chosen._asdict(),
        "advisories": record.advisories,
        "files": {
            name: {"size": entry.size, "sha256": entry.sha256, "signature": entry.signature}
            for name, entry in sorted(record.files.items())
        },
        "binaries": {
            path: {
                "version": binary.version,
                "sha256": binary.sha256,
                "signature": binary.signature,
            }
            for path, binary in sorted(record.binaries.items())
        },
    }
    return direct_json.dumps(document, indent=1).encode() + b"\n"


def _decoded(document: dict[str, Any]) -> FileIndex:
    # Records of older versions lack both.
    chosen = document.get("chosen")
    return FileIndex(
        chosen=chosen and Chosen(_text(chosen["version"]), _text(chosen["sha256"])),
        advisories=_text(document.get("advisories", "")),
        interpreter=_text(document["interpreter"]),
        files={
            name: Entry(int(entry["size"]), _text(entry["sha256"]), _signature(entry["signature"]))
            for name, entry in document["files"].items()
        },
        binaries={
            path: Binary(
                _text(entry["version"]), _text(entry["sha256"]), _signature(entry["signature"])
            )
            for path, entry in document["binaries"].items()
        },
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _signature(value: list[int]) -> Signature:
    size, modified, changed, inode = value
    return (size, modified, changed, inode)
