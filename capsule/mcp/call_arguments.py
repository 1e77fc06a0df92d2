"""The arguments of a call, as a model wrote them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from capsule.errors import UsageError
from capsule.message_text import nearest, shown
from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("code", "state", "files")
_MOST_CODE, MOST_FILE_BYTES, _MOST_FILES = 1 << 20, 16 << 20, 100


class CallArguments(NamedTuple):
    """What a call of the tool asks for; `state` is a handle, None to begin anew."""

    code: str
    state: str | None
    files: dict[str, bytes]


def parsed(arguments: Mapping[str, Any] | None) -> CallArguments:
    """Return the arguments of a call. Raises `UsageError` that says what is wrong with them.

    >>> parsed({"code": "1 + 1", "files": {"a.txt": "text"}})
    CallArguments(code='1 + 1', state=None, files={'a.txt': b'text'})
    """
    said = dict(arguments or {})
    if unknown := sorted(said.keys() - set(_NAMES)):
        raise UsageError(
            f"run_python takes no argument {shown(unknown[0])}; it takes {', '.join(_NAMES)}",
            hint=nearest(unknown[0], _NAMES),
        )
    code, state, files = said.get("code"), said.get("state"), said.get("files")
    if not isinstance(code, str):
        raise UsageError(f"code: {shown(code)}: Python source is needed, as text")
    if len(code) > _MOST_CODE:
        raise UsageError(
            f"code: {len(code):,} characters are more than {_MOST_CODE:,}", hint="data in files"
        )
    if not (state is None or isinstance(state, str)):
        raise UsageError(f"state: {shown(state)}: the handle of an earlier answer is needed")
    if not (files is None or isinstance(files, dict)):
        raise UsageError(f"files: {shown(files)}: an object is needed, names with content")
    return CallArguments(code, state or None, _contents(files or {}))


def _contents(files: Mapping[str, Any]) -> dict[str, bytes]:
    if len(files) > _MOST_FILES:
        raise UsageError(f"files: {len(files)} are more than {_MOST_FILES}")
    found, size = {}, 0
    for name, said in files.items():
        found[name] = _content(name, said)
        size += len(found[name])
        if size > MOST_FILE_BYTES:
            raise UsageError(f"files: more than {MOST_FILE_BYTES >> 20} MB in all")
    return found


def _content(name: str, said: object) -> bytes:
    try:
        if isinstance(said, str):
            return said.encode()
        if isinstance(said, dict) and said.keys() == {"base64"}:
            return base64.b64decode(said["base64"], validate=True)
    except (UnicodeEncodeError, binascii.Error, TypeError, ValueError) as wrong:
        raise UsageError(f"files: {shown(name)}: {wrong}") from None
    raise UsageError(
        f'files: {shown(name)}: {shown(said)}: text is needed, or {{"base64": "..."}} for bytes'
    )
