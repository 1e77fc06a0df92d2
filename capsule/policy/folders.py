"""The folders of the host that a task may see: how they are written, and where they really are.

A rule is what someone wrote; a grant is a rule that was looked up on this machine. `./data` of the
project is `/data` inside the sandbox.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from capsule.message_text import nearest, printable, shown
from capsule.namedtuples import NamedTuple
from capsule.policy.invalid_value import InvalidValueError

MAX_FOLDERS = 64

# Names at the root of the sandbox that are its own; a project's folder cannot stand in for them.
RESERVED = ("tmp", "usr", "dev", "proc")

# Where the view of the whole project lies inside: in the working folder.
PROJECT = "/"

_MODES = {"read-only": False, "ro": False, "read-write": True, "rw": True}
_MODE_FORMS = '"read-only", "ro", "read-write" or "rw"'
_FORMS = '"./data" (read-write) or {"path": "./data", "mode": "read-only"}'
_PATH_FORMS = 'a path relative to the project root, without "..", like "./data"'
_LONGEST = 1024


class FolderRule(NamedTuple):
    """A folder as someone wrote it, checked for its form only.

    `parts` lead from the project root to the folder (none: the root itself); `guest` is its
    absolute path inside the sandbox.
    """

    parts: tuple[str, ...]
    guest: str
    writable: bool

    def __str__(self) -> str:
        """Return the folder as it would be written, for messages."""
        return "./" + "/".join(self.parts)


class FolderGrant(NamedTuple):
    """A folder of this machine and its absolute path inside the sandbox.

    `host` is absolute, free of symlinks, and was a folder when the grant was made, or a file where
    `is_file`: only a mount grants one.
    """

    host: Path
    guest: str
    writable: bool
    is_file: bool = False


def parse_folder(value: object) -> FolderRule:
    """Return the rule that an item of `allowed_files` states.

    >>> parse_folder({"path": "./data", "mode": "ro"})
    FolderRule(parts=('data',), guest='/data', writable=False)
    """
    if isinstance(value, str):
        path, writable = value, True
    elif isinstance(value, dict):
        path, writable = _parse_table(value)
    else:
        raise InvalidValueError(shown(value), "is not a folder", _FORMS)
    parts = relative_parts(path)
    return FolderRule(parts, "/" + "/".join(parts), writable)


def relative_parts(path: str) -> tuple[str, ...]:
    """Return the names on a relative path that climbs nowhere.

    >>> relative_parts("./data//in/")
    ('data', 'in')
    """
    parts = tuple(part for part in path.split("/") if part not in {"", "."})
    problem = None
    if not path.strip() or len(path) > _LONGEST or not path.isprintable():
        problem = "is not a path"
    elif path.startswith("/"):
        problem = "is an absolute path"
    elif ".." in parts:
        problem = 'leads out of where it starts: it has ".."'
    elif path.startswith("~"):
        problem = 'starts with "~", which is not expanded'
    elif "\\" in path:
        problem = 'has a "\\"; names are separated by "/"'
    elif os.name == "nt" and _is_read_otherwise(parts):
        problem = "has a name that Windows reads as another, or as a device"
    elif "::" in path:
        problem = 'has a "::", which separates host from guest when a folder is mounted'
    if problem:
        raise InvalidValueError(shown(path), problem, _PATH_FORMS)
    return parts


def _is_read_otherwise(parts: tuple[str, ...]) -> bool:
    from capsule.policy.windows_names import is_read_otherwise  # elsewhere nobody needs it

    return any(map(is_read_otherwise, parts))


def ground(rule: FolderRule, root: Path) -> FolderGrant:
    """Look a rule up below `root` (absolute, without symlinks).

    The whole project is granted as a view that can only be read: for writing, only a mount
    grants it.

    Raises `InvalidValueError` when there is no such folder, when symlinks lead out of the project,
    or when the path inside is one of the sandbox's own.
    """
    name = shown(str(rule))
    if rule.guest != PROJECT and rule.guest.split("/")[1] in RESERVED:
        own = ", ".join(f"/{one}" for one in RESERVED)
        raise InvalidValueError(
            name,
            f"would be {printable(rule.guest)} inside, where the sandbox has its own folder",
            f"folders that are not at {own} inside",
        )
    host = root if rule.guest == PROJECT else real_path(rule, root)
    if not is_inside(host, root):
        raise InvalidValueError(
            name,
            f"leads out of the project, to {printable(str(host))}",
            f"folders inside {printable(str(root))}",
        )
    if "::" in str(host):
        raise InvalidValueError(
            name, f"is at {printable(str(host))}", 'folders whose full path has no "::"'
        )
    try:
        found = stat.S_ISDIR(host.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidValueError(
            name,
            f"does not exist in {printable(str(root))}",
            "folders that exist",
            hint=f"mkdir -p {printable(str(host))}",
        ) from None
    except OSError as wrong:
        raise InvalidValueError(
            name, f"cannot be looked at ({wrong.strerror})", "folders that you can read"
        ) from None
    if not found:
        parent = "./" + "/".join(rule.parts[:-1]) if len(rule.parts) > 1 else None
        raise InvalidValueError(name, "is a file", "folders", hint=parent and shown(parent))
    return FolderGrant(host, rule.guest, rule.writable and rule.guest != PROJECT)


def real_path(rule: FolderRule, root: Path) -> Path:
    """Return where the rule's folder really is, symlinks resolved, whether or not it exists."""
    return Path(os.path.realpath(root.joinpath(*rule.parts)))


def is_inside(path: Path, folder: Path) -> bool:
    """Return whether `path` is `folder` or below it; both absolute and without symlinks."""
    return path == folder or folder in path.parents


def combine(grants: list[FolderGrant]) -> tuple[FolderGrant, ...]:
    """Return the grants without repetitions, outer folders first.

    Folders may nest when the inner one adds the right to write. The reverse, a read-only folder
    inside a writable one (by its path or through a symlink), is refused with `InvalidValueError`:
    whatever is written through the outer folder changes the inner one.
    """
    kept: list[FolderGrant] = []
    for grant in sorted(grants, key=lambda one: (one.guest.count("/"), one.guest)):
        for other in kept:
            _refuse_contradiction(grant, other)
        if not any(_is_redundant(grant, other) for other in kept):
            kept.append(grant)
    return tuple(kept)


def _parse_table(table: dict[object, object]) -> tuple[str, bool]:
    for key in table:
        if key not in {"path", "mode"}:
            meant = nearest(key, ("path", "mode")) if isinstance(key, str) else None
            raise InvalidValueError(
                shown(key), "is not a key of a folder", _FORMS, hint=meant and f'"{meant}"'
            )
    path, mode = table.get("path"), table.get("mode", "read-write")
    if not isinstance(path, str):
        raise InvalidValueError(shown(table), "has no path that is a string", _FORMS)
    if not isinstance(mode, str) or mode not in _MODES:
        meant = nearest(mode, _MODES) if isinstance(mode, str) else None
        raise InvalidValueError(
            shown(mode), "is not a mode", _MODE_FORMS, hint=meant and f'"{meant}"'
        )
    return path, _MODES[mode]


def _refuse_contradiction(one: FolderGrant, other: FolderGrant) -> None:
    if one.guest == other.guest and one != other:
        raise InvalidValueError(
            shown(one.guest), "is granted twice, in different ways", "one grant for each folder"
        )
    reader, writer = (other, one) if one.writable else (one, other)
    # A sandbox has a copy of a file, and of the project, which no folder reaches.
    if reader.writable or not writer.writable or reader.is_file or reader.guest == PROJECT:
        return
    if is_inside(reader.host, writer.host):
        raise InvalidValueError(
            shown(reader.guest),
            f"is read-only inside {shown(writer.guest)}, which is writable",
            "a read-only folder outside of all writable ones, or a writable one inside it",
        )


def _is_redundant(inner: FolderGrant, outer: FolderGrant) -> bool:
    """Return whether `outer` already shows the same folder at the same place in the same way."""
    if inner.writable != outer.writable or inner.is_file != outer.is_file:
        return False
    if inner.guest == outer.guest:
        return True
    rest = inner.guest.removeprefix(outer.guest + "/")
    return rest != inner.guest and inner.host == outer.host.joinpath(*rest.split("/"))
