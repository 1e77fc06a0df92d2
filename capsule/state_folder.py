"""Whose the folder of all state is: what lies in there is run, so it is the caller's or root's.

Whoever may write to it, or to a folder above, could put programs of their own there. A sticky
folder above, as `/tmp` is, lets nobody replace what belongs to somebody else.
"""

from __future__ import annotations

import os
import stat
import sys

# What is imported here is imported before anything that was kept in the state's folder is used.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from capsule.errors import ToolchainError

_OTHERS, _GROUP = stat.S_IWOTH, stat.S_IWGRP
# As many as the kernel follows.
_LINKS = 40
# What the kernel shows for an owner who has no number in this namespace: `/` in many a container.
_NOBODY = 65534
_EVERYBODY = 1 << 32
# What is below the state's folder and holds what is run.
_INSIDE = ("toolchain", "cache")
_ACCESS_LIST = "system.posix_acl_access"


def checked_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that holds all state, before anything in it is read or written.

    Raises `ToolchainError` when it is somebody else's, or others may write to it.
    """
    from capsule.paths import state_root

    root = state_root(environ)
    check(root)
    return root


def is_trusted(root: str) -> bool:
    """Say whether nobody but this user and root can decide what is in `root`.

    >>> is_trusted("/not/there")
    True
    """
    from capsule.errors import CapsuleError

    try:
        check(root)
    except (CapsuleError, OSError):
        return False
    return True


def check(root: Path | str) -> None:
    """See that nobody but this user and root can decide what is in `root`.

    What does not exist will be made by this user. Raises `ToolchainError` that names the folder,
    its owner and its mode.
    """
    if not hasattr(os, "geteuid"):
        return  # Windows keeps a user's folder to the user
    # Not by objects for paths: it is done at each start.
    for path, status in _steps(os.fspath(root)):
        _check(path, status, is_state=path == f"{root}")
    inside = [f"{root}/{name}" for name in _INSIDE]
    for place in (f"{root}", *inside):
        _check_state(place)
    for folder in inside:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir() or entry.is_symlink():
                        _check_state(entry.path)
        except OSError:
            continue


def _check_state(place: str) -> None:
    try:
        status = os.stat(place)  # noqa: PTH116
    except OSError:
        return
    _check(place, status, is_state=True)


def _steps(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield all that the way to `path` leads through, with links and what they lead to."""
    here, left, links = "", path.split("/")[:0:-1], 0
    yield "/", os.stat("/")  # noqa: PTH116
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            here = here.rpartition("/")[0]
            continue
        step = f"{here}/{part}"
        try:
            status = os.lstat(step)
        except OSError:
            return  # what cannot be looked at is told of by whoever needs it
        yield step, status
        if not stat.S_ISLNK(status.st_mode):
            here = step
        elif links < _LINKS:
            links += 1
            target = os.readlink(step)  # noqa: PTH115
            here = "" if target.startswith("/") else here
            left += target.split("/")[::-1]
        else:
            return


def _check(path: str, status: os.stat_result, *, is_state: bool) -> None:
    mine = status.st_uid in (os.geteuid(), 0)
    if not mine and (is_state or not _is_unmapped(status.st_uid)):
        raise _refused(path, status, "and what is in it would be run", _own(path))
    if stat.S_ISLNK(status.st_mode):
        return  # a link has no mode; its owner and its folder say who may change it
    if status.st_mode & stat.S_ISVTX and not is_state:
        return
    if status.st_mode & _OTHERS:
        why = "and anybody may put programs there that would be run"
        raise _refused(path, status, why, _taken_away(path, "o-w", is_state=is_state))
    if not status.st_mode & _GROUP:
        return
    if _has_access_list(path):
        # These bits of the mode are then what the list allows at most, and not the group's.
        why = "and its access control list may let others put programs there that would be run"
        raise _refused(path, status, why, f"setfacl -b {path}, or {_elsewhere()}")
    if not _is_alone(status.st_gid):
        why = f"and the group {_group(status.st_gid)} may put programs there that would be run"
        raise _refused(path, status, why, _taken_away(path, "g-w", is_state=is_state))


def _has_access_list(path: str) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(os.getxattr(path, _ACCESS_LIST))
    except OSError:
        return False


def _taken_away(path: str, mode: str, *, is_state: bool) -> str:
    # Of the state, what is inside may be as open as the folder.
    how = f"chmod -R {mode} {path} if all in it is yours" if is_state else f"chmod {mode} {path}"
    return f"{how}, or {_elsewhere()}"


def _is_unmapped(user: int) -> bool:
    """Say whether that number stands for owners who have none here; they cannot be told apart."""
    if user != _NOBODY:
        return False
    from pathlib import Path

    try:
        text = Path("/proc/self/uid_map").read_text()
    except OSError:
        return False
    return sum(int(line.split()[2]) for line in text.splitlines()) < _EVERYBODY - 1


def _is_alone(group: int) -> bool:
    """Say whether a group is the user's own, as many systems make one for each user, or root's."""
    import grp
    import pwd

    try:
        entry = grp.getgrgid(group)
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    if set(entry.gr_mem) - {user.pw_name, "root"}:
        return False
    return group == 0 or (group == user.pw_gid and entry.gr_name == user.pw_name)


def _refused(path: str, status: os.stat_result, why: str, hint: str) -> ToolchainError:
    from capsule.errors import ToolchainError

    mode = stat.S_IMODE(status.st_mode)
    return ToolchainError(
        f"{path} is not used: it belongs to {_user(status.st_uid)}, its mode is {mode:04o}, {why}",
        hint=hint,
    )


def _own(path: str) -> str:
    return f"chown {_user(os.geteuid())} {path} if all in it is yours, or {_elsewhere()}"


def _elsewhere() -> str:
    from capsule.paths import HOME_VARIABLE

    return f"set {HOME_VARIABLE} to a folder of your own"


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _group(number: int) -> str:
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
