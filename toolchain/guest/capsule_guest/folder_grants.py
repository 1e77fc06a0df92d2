"""Which folders a task was granted, and whether it may write there."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Whether the task may write in the folders that it was granted, where it may not in all of them;
# and what there is of the project, if that is one of them.
_rights: dict[str, bool] = {}
_project: set[str] = set()
# The files that it may only read. They lie among what it may write, and their modes, by which the
# system keeps them, mean nothing to root where that has all its rights.
_files: set[str] = set()
# Not empty in a session, which is opened by a program.
_sessions: list[bool] = []
# Where what is open lies, for paths that begin there.
_opened: dict[int, str] = {}


def grant(rights: dict[str, bool], *, in_session: bool = False) -> None:
    """Say which folders there are, and whether they may be written."""
    _rights.update(rights)
    _files.update(part for part in rights if not rights[part] and os.path.isfile(part))  # noqa: PTH113
    _sessions[:] = [True] * in_session
    if "/" in _rights:
        _project.update(os.listdir("/"))  # noqa: PTH208 - names are all that is asked


def is_read_only(path: Any) -> bool:
    """Say whether this lies where the task may only read."""
    return _read_only_part(path) is not None


def check_writable(path: Any) -> None:
    """Raise `PermissionError` where the task may only read, with who may change that and how."""
    part = _read_only_part(path)
    if part is None:
        return
    denied = os.strerror(errno.EACCES)
    if part == "/":
        why = f"the project can only be read here (for writing: {_mount('/NAME')})"
    else:
        allowed = f"allowed_files=['.{part}']"
        why = f"{part} was granted read-only (for writing: {allowed}, or {_mount(part)})"
    raise PermissionError(errno.EACCES, f"{denied}, as {why}", path)


def _mount(place: str) -> str:
    """Return how whoever runs this grants a folder for writing."""
    mount = f"PATH::{place}:rw"
    return f"mounts=['{mount}']" if _sessions else f"--mount {mount}"


def check_project(path: Any, *, makes: bool = False, over: bool = True) -> None:
    """Check a path of the project's copy or of a file, of which only the modes keep what is read.

    What is wrong with the name itself comes first, as outside. Where one `makes` what is not there,
    its folder has to be; unless one writes `over` what is there, the system says that it is.
    """
    part = _read_only_part(path)
    if part != "/" and part not in _files:
        return
    try:
        os.lstat(path)
    except FileNotFoundError:
        folder = os.path.dirname(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100, PTH120
        if not makes or not os.path.isdir(folder):  # noqa: PTH112 - links are not to be resolved
            raise
    else:
        if makes and not over:
            return
    check_writable(path)


def explain(error: PermissionError, *paths: Any) -> None:
    """Raise a `PermissionError` of the system's in our words, if it is for one of these paths."""
    if error.errno == errno.EACCES:
        for path in paths:
            check_writable(path)


def note_opened(number: int, path: Any, folder: int | None) -> None:
    """Keep where an open folder lies, for where one is only read that matters."""
    _opened.pop(number, None)
    if _rights and (place := located(path, folder)) is not None:
        _opened[number] = os.path.abspath(os.fsdecode(place))  # noqa: PTH100 - as below


def located(path: Any, folder: int | None) -> Any:
    """Return a path that begins at an open folder as one that does not, None if that is unknown."""
    if folder is None:
        return path
    above = _opened.get(folder)
    return None if above is None else os.path.join(above, os.fsdecode(path))  # noqa: PTH118


def _read_only_part(path: Any) -> str | None:
    """Return the granted folder in which this lies, if it may only be read."""
    if not _rights or not isinstance(path, (str, bytes, os.PathLike)):
        return None
    text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - links are not to be resolved
    above = [folder for folder in _rights if text == folder or text.startswith(f"{folder}/")]
    if above:
        nearest = max(above, key=len)
        return None if _rights[nearest] else nearest
    return "/" if text.split("/")[1] in _project else None
