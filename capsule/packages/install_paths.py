"""Where the members of wheels go: which paths are safe, and who was there first."""

from __future__ import annotations

import unicodedata

# What file systems take: bytes of a name, and of the whole path below the folder.
_LONGEST_NAME = 255
_LONGEST_PATH = 1000
_DEEPEST = 50

_MERGED = ("purelib", "platlib")
_DATA = ".data"


class UnsafePathError(ValueError):
    """Raised when a path in a wheel cannot be used; the text says why."""


def place(member: str) -> str | None:
    """Return the path below site-packages for a member of a wheel, None for what is left out.

    Scripts, headers and data are left out: nothing in the sandbox would find them. Compiled files
    are too, since they are for another Python. Raises `UnsafePathError`.

    >>> place("foo/bar.py"), place("foo-1.0.data/purelib/foo/baz.py")
    ('foo/bar.py', 'foo/baz.py')
    >>> place("foo-1.0.data/scripts/foo") is place("foo/__pycache__/bar.cpython-315.pyc") is None
    True
    """
    parts = _parts(member)
    if parts[0].endswith(_DATA) and "-" in parts[0]:
        if len(parts) < 3 or parts[1] not in _MERGED:
            return None
        parts = parts[2:]
    if "__pycache__" in parts or parts[-1].lower().endswith((".pyc", ".pyo")):
        return None
    return "/".join(parts)


def _parts(member: str) -> list[str]:
    if len(member) > _LONGEST_PATH or len(parts := member.split("/")) > _DEEPEST:
        raise UnsafePathError("is too long")
    if not member.isprintable() or any(sign in member for sign in '\\:*?"<>|'):
        raise UnsafePathError("has signs that not every file system takes")
    for part in parts:
        if part in {"", ".", ".."}:
            raise UnsafePathError("leads out of its folder")
        if part[-1] in ". ":
            raise UnsafePathError("ends in what Windows drops")
        if len(part.encode()) > _LONGEST_NAME:
            raise UnsafePathError("is too long")
    return parts


class Places:
    """The paths that are taken, as a file system sees them that ignores case."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, str]] = {}
        self._folders: dict[str, tuple[str, str]] = {}

    def __repr__(self) -> str:
        return f"<Places {len(self._files)} files>"

    def take(self, path: str, owner: str) -> str | None:
        """Take `path` for `owner`; return who has this very path already, else None.

        Raises `UnsafePathError` when the path differs from a taken one only in case, and when it
        is a file here and a folder there.
        """
        folded = _folded(path)
        spelled, holder = self._files.get(folded, (path, ""))
        if spelled != path:
            raise UnsafePathError(f"differs only in case from {spelled!r} of {holder}")
        if folded in self._folders:
            raise UnsafePathError(f"is a folder in {self._folders[folded][1]}")
        self._take_folders(path, owner)
        if holder:
            return holder
        self._files[folded] = (path, owner)
        return None

    def _take_folders(self, path: str, owner: str) -> None:
        folder = path.rpartition("/")[0]
        while folder:
            folded = _folded(folder)
            if folded in self._files:
                raise UnsafePathError(f"lies below a file of {self._files[folded][1]}")
            spelled, holder = self._folders.setdefault(folded, (folder, owner))
            if spelled != folder:
                raise UnsafePathError(f"differs only in case from {spelled!r} of {holder}")
            folder = folder.rpartition("/")[0]


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
