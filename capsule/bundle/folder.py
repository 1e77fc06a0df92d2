"""The folder a task file stands in: which modules it offers, and what may be read from it.

The folder may be hostile, like the task: links that lead out of it, folders without end, files that
are pipes. Nothing outside the folder is ever read.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from capsule.errors import UsageError
from capsule.message_text import printable
from capsule.policy import CAPSULE
from capsule.policy.folders import is_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE = 10 << 20
MAX_TOTAL = 64 << 20
MAX_FILES = 5_000

# Made from the sources, by and for the interpreter of this machine.
_COMPILED = (".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib")
_CACHES = ("__pycache__",)


class Folder:
    """Reads modules of one folder and keeps count of what they amount to.

    `path` is the folder, absolute and without symlinks; `root` is what names in messages are
    relative to.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self._root = root
        self._total = 0
        self._files = 0
        self._seen = 0

    def __repr__(self) -> str:
        return f"Folder({str(self.path)!r}, {self._files} files, {self._total} bytes)"

    def find(self, name: str) -> dict[str, Path]:
        """Return the files of the module or package `name`, by relative path.

        There are none if it is not here. The order is Python's: a package, then a module, then a
        folder without `__init__.py`, which counts only where the standard library has no module of
        that name.

        Raises `UsageError` when a file or folder is a link that leads out of this folder.
        """
        # The sandbox brings its own; a checkout of capsule beside the task is not meant.
        if name == CAPSULE:
            return {}
        package, module = self.path / name, f"{name}.py"
        if _is_file(package / "__init__.py"):
            return dict(self._package(name))
        if _is_file(self.path / module):
            return {module: self._real(self.path / module)}
        if name in sys.stdlib_module_names or not _is_folder(package):
            return {}
        files = dict(self._package(name))
        return files if any(path.endswith(".py") for path in files) else {}

    def read(self, path: Path) -> bytes:
        """Return the content of a regular file.

        Raises `UsageError` when it is none, cannot be read, or is more than a bundle may hold.
        """
        name = self.name(path)
        try:
            # Looked at before it is opened: opening a pipe would wait for a writer.
            if not stat.S_ISREG(path.stat().st_mode):
                raise UsageError(f"{name} is not a regular file")
            with path.open("rb") as file:
                content = file.read(MAX_FILE + 1)
        except OSError as wrong:
            raise UsageError(f"{name} cannot be read: {wrong.strerror}") from None
        self._files += 1
        self._total += len(content)
        if len(content) > MAX_FILE:
            raise UsageError(f"{name} is larger than {MAX_FILE:,} bytes", hint=_SMALLER)
        if self._total > MAX_TOTAL or self._files > MAX_FILES:
            raise UsageError(
                f"{name}: with it, the task and its modules are more than {MAX_TOTAL:,} bytes or"
                f" {MAX_FILES:,} files",
                hint=_SMALLER,
            )
        return content

    def name(self, path: Path) -> str:
        """Return a path as messages show it: relative to the project, if it is in there."""
        inside = is_inside(path, self._root)
        return printable(str(path.relative_to(self._root) if inside else path))

    def _package(self, name: str) -> Iterator[tuple[str, Path]]:
        """Yield the files below a package's folder that travel with it, in a fixed order."""
        top = self._real(self.path / name)
        # Each folder comes with the real folders around it: a link back to one has no end.
        stack: list[tuple[str, Path, tuple[Path, ...]]] = [(name, top, (self.path, top))]
        while stack:
            relative, folder, around = stack.pop()
            for entry in self._entries(folder):
                path = f"{relative}/{entry.name}"
                place = Path(entry.path)
                if entry.is_symlink():
                    place = self._real(place)
                if _is_folder(place):
                    if place in around:
                        raise UsageError(f"{printable(path)} is a link to a folder around it")
                    stack.append((path, place, (*around, place)))
                elif _is_file(place):
                    yield path, place

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                entries = []
                for entry in found:
                    self._seen += 1
                    if self._seen > MAX_FILES:
                        raise UsageError(
                            f"{self.name(folder)}: the packages that the task imports have more"
                            f" than {MAX_FILES:,} files and folders",
                            hint=_SMALLER,
                        )
                    if _travels(entry.name):
                        entries.append(entry)
        except OSError as wrong:
            raise UsageError(f"{self.name(folder)} cannot be read: {wrong.strerror}") from None
        return sorted(entries, key=lambda entry: entry.name)

    def _real(self, path: Path) -> Path:
        real = Path(os.path.realpath(path))
        if not is_inside(real, self.path):
            raise UsageError(
                f"{self.name(path)} is a link that leads out of {printable(str(self.path))}",
                hint="a copy of the file in place of the link",
            )
        return real


_SMALLER = "keep data out of packages, and grant its folder with allowed_files"


def _mode(path: Path) -> int:
    """Return what kind of file a path is; 0 for one that nobody can look at, however named."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(_mode(path))


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(_mode(path))


def _travels(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False  # no text, so no module, and no name that the sandbox could open
    return not (name.startswith(".") or name in _CACHES or name.endswith(_COMPILED))
