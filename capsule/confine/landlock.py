"""Landlock, as the kernel has it: a thread gives up rights for itself and what it starts.

Constants are those of the kernel's `include/uapi/linux/landlock.h`.
"""

from __future__ import annotations

import ctypes
import os

from capsule.confine.nofollow import open_nofollow
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REMOVE = 1 << 4 | 1 << 5
MAKE = 1 << 7 | 1 << 8  # folders and regular files; no devices, sockets or pipes
REFER = 1 << 13
TRUNCATE = 1 << 14

READ = READ_FILE | READ_DIR
# Symbolic links (bit 12) are left out: a link that a sandbox makes could mislead its host.
WRITE = READ | WRITE_FILE | REMOVE | MAKE | REFER | TRUNCATE
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE

# How many file-system rights each ABI knows; the last entry serves all later ones.
_FS_RIGHTS = (0, 13, 14, 15, 15, 16)
_NET_SINCE, _NET_RIGHTS = 4, 0b11
_SCOPE_SINCE, _SCOPES = 6, 0b11

_libc = ctypes.CDLL(None, use_errno=True)


class Rule(NamedTuple):
    """A path, and the rights that remain below it; a `nofollow` one leads through no link."""

    path: Path
    rights: int
    nofollow: bool = False


def abi() -> int:
    """Return the version of Landlock that the kernel offers, 0 where there is none."""
    version: int = _libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    return max(0, version)


def ruleset_attributes(version: int) -> bytes:
    """Return the kernel's `landlock_ruleset_attr`: all that this ABI can refuse, refused.

    >>> ruleset_attributes(1).hex()
    'ff1f000000000000'
    """
    rights = (1 << _FS_RIGHTS[min(version, len(_FS_RIGHTS) - 1)]) - 1
    fields = [rights]
    if version >= _NET_SINCE:
        fields.append(_NET_RIGHTS)
    if version >= _SCOPE_SINCE:
        fields.append(_SCOPES)
    return b"".join(field.to_bytes(8, "little") for field in fields)


class Ruleset:
    """What threads may be restricted to: `rules`, and nothing else that the kernel can refuse.

    A path that does not exist gets no rule, nor does a `nofollow` one that leads through a link by
    now. Raises `OSError` when the kernel refuses.
    """

    def __init__(self, rules: Iterable[Rule], version: int) -> None:
        attributes = ruleset_attributes(version)
        handled = int.from_bytes(attributes[:8], "little")
        # The kernel closes it in programs that are started.
        self._descriptor = _checked(
            _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
        )
        for rule in rules:
            _allow(self._descriptor, rule, handled)

    def __repr__(self) -> str:
        return f"<Ruleset {self._descriptor}>"

    def restrict_this_thread(self) -> None:
        """Give up everything else, for this thread and all that it will start, for good.

        Raises `OSError` when the kernel refuses; the thread must then start nothing.
        """
        _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_libc.syscall(_RESTRICT_SELF, self._descriptor, 0))

    def __del__(self) -> None:
        # There is none where the kernel refused it.
        if (descriptor := getattr(self, "_descriptor", -1)) >= 0:
            os.close(descriptor)


def _allow(ruleset: int, rule: Rule, handled: int) -> None:
    try:
        if rule.nofollow:
            path = open_nofollow(rule.path)
        else:
            path = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        rights = rule.rights & handled
        if not _is_folder(path):
            rights &= _OF_FILES
        beneath = rights.to_bytes(8, "little") + path.to_bytes(4, "little")
        _checked(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, beneath, 0))
    finally:
        os.close(path)


def _is_folder(descriptor: int) -> bool:
    import stat

    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def _checked(answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return answer
