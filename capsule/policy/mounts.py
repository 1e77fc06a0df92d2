"""What the caller adds to the folders of a task: any folder, or file, that the caller can name.

A task may ask for folders of its project alone; a mount is the caller's own word, so that its path
may be absolute, climb, begin with a dot or lead through links. A file is read, unless it is said
that it may be written.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from capsule.message_text import nearest, printable, shown
from capsule.namedtuples import NamedTuple
from capsule.policy.folders import RESERVED, FolderGrant, relative_parts
from capsule.policy.invalid_value import InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_MODES = {"ro": False, "read-only": False, "rw": True, "read-write": True}
_FORMS = "PATH[::GUEST][:ro|:rw], like ./data or ../shared/in.csv::/in.csv:ro"
_TABLE_FORMS = '{"path": "./data", "mode": "read-only"}'
_LONGEST = 4096


class MountRule(NamedTuple):
    """A mount as somebody wrote it: `host` is absolute, `guest` where it is inside.

    `writable` is None where nothing was said: a folder may be written then, and a file not.
    """

    host: Path
    guest: str
    writable: bool | None = None

    def __str__(self) -> str:
        """Return the path as messages show it."""
        return str(self.host)


def parse_mount(text: str, working: Path) -> MountRule:
    """Return the rule that a mount states; `working` is what a relative path is relative to.

    >>> rule = parse_mount("../data::/in:ro", Path("/home/me/project"))
    >>> rule.host.as_posix(), rule.guest, rule.writable
    ('/home/me/project/../data', '/in', False)
    """
    written, writable = text, None
    for mode in ("ro", "rw"):
        if text.endswith(f":{mode}"):
            written, writable = text[:-3], _MODES[mode]
    path, split, guest = written.partition("::")
    # A place inside has no colon, so that a mode with a slip in it is no part of a name.
    if not path.strip() or ":" in guest:
        raise InvalidValueError(shown(text), "is not a mount", _FORMS)
    return _rule(path, guest if split else None, writable, working)


def parse_mount_table(table: Mapping[str, object], working: Path) -> MountRule:
    """Return the rule that a table states.

    >>> parse_mount_table({"path": "/srv/data", "mode": "ro"}, Path("/")).guest
    '/data'
    """
    for key in table:
        if key not in {"path", "mode"}:
            raise InvalidValueError(
                shown(key), "is not a key of a mount", _TABLE_FORMS, hint=nearest(key, ("path",))
            )
    path, mode = table.get("path"), table.get("mode")
    if not isinstance(path, str) or not path.strip():
        raise InvalidValueError(shown(table), "has no path that is a string", _TABLE_FORMS)
    if mode is not None and mode not in _MODES:
        raise InvalidValueError(
            shown(mode), "is not a mode", '"read-only", "ro", "read-write", "rw"'
        )
    return _rule(path, None, _MODES[str(mode)] if mode is not None else None, working)


def ground_mount(rule: MountRule) -> FolderGrant:
    """Look a mount up on this machine.

    Raises `InvalidValueError` for what is not there, and is no folder and no file.
    """
    text = str(rule)
    # Whole, for whoever copies it: what is wrong is at its end, mostly.
    name = repr(text) if len(text) <= _LONGEST else shown(text)
    try:
        host = Path(os.path.realpath(rule.host))
        mode = host.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidValueError(
            name, "does not exist", "folders and files that exist", hint=_hint(rule)
        ) from None
    except (OSError, ValueError) as wrong:
        said = wrong.strerror if isinstance(wrong, OSError) else "no file can have that name"
        raise InvalidValueError(
            name, f"cannot be looked at ({said})", "what you can read"
        ) from None
    is_file = stat.S_ISREG(mode)
    if not is_file and not stat.S_ISDIR(mode):
        raise InvalidValueError(name, "is no folder and no regular file", "folders and files")
    if "::" in str(host):
        raise InvalidValueError(
            name, f"is at {printable(str(host))}", 'paths without "::" once links are followed'
        )
    guest = rule.guest or f"/{host.name}"
    if guest == "/":
        raise InvalidValueError(name, "has no name to be mounted under", _FORMS)
    _check_guest(name, guest)
    writable = not is_file if rule.writable is None else rule.writable
    return FolderGrant(host, guest, writable, is_file)


def check_places(grants: list[FolderGrant]) -> None:
    """Refuse a file inside of a folder, or around one: a sandbox has it in a folder of its own."""
    for file in (grant for grant in grants if grant.is_file):
        for other in grants:
            if other is file:
                continue
            if other.guest == file.guest and other != file:
                raise InvalidValueError(
                    shown(file.guest), "is granted twice, in different ways", "one grant for each"
                )
            around, inside = (other, file) if len(other.guest) < len(file.guest) else (file, other)
            if inside.guest.startswith(f"{around.guest}/"):
                raise InvalidValueError(
                    shown(file.guest),
                    f"and {shown(other.guest)} are one inside of the other",
                    "a file beside all folders",
                    hint=f"{printable(str(file.host))}::/{file.host.name}",
                )


def _rule(path: str, guest: str | None, writable: bool | None, working: Path) -> MountRule:
    if len(path) > _LONGEST or not path.isprintable():
        raise InvalidValueError(shown(path), "is not a path", _FORMS)
    inside = ""
    if guest is not None:
        parts = relative_parts(guest.strip("/") or ".")
        if not parts:
            raise InvalidValueError(
                shown(f"{path}::{guest}"), "has no place inside", "GUEST with a name, like /in"
            )
        inside = "/" + "/".join(parts)
    else:
        # Its last name as it was typed; what ends in ".." has the name of what that is.
        typed = os.path.splitdrive(path)[1].replace("\\", "/") if os.name == "nt" else path
        last = typed.rstrip("/").rpartition("/")[2]
        inside = "" if last in {"", ".", ".."} else f"/{last}"
    return MountRule(working / path, inside, writable)


def _check_guest(name: str, guest: str) -> None:
    if guest.split("/")[1] in RESERVED:
        own = ", ".join(f"/{one}" for one in RESERVED)
        raise InvalidValueError(
            name,
            f"would be {printable(guest)} inside, where the sandbox has its own folder",
            f"places that are not at {own} inside",
            hint="PATH::/another-name",
        )


def _hint(rule: MountRule) -> str | None:
    """Return what was probably meant."""
    if "~" in rule.host.parts:
        return "a shell replaces ~ where a word begins with it: --mount ~/data"
    name, colon, _ = rule.host.name.rpartition(":")
    return f"{printable(name)}:ro or {printable(name)}:rw" if colon else None
