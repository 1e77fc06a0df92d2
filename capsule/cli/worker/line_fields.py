"""What stands in a line: JSON, with fields that are known and of their kind."""

from __future__ import annotations

import json
import math

from capsule.errors import UsageError
from capsule.message_text import nearest, shown
from capsule.shared.frames import MAX_BODY
from capsule.wire.response_parser import MAX_WEIGHT, weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# A request's arguments may be as large as the wire takes, and its other fields are small.
MAX_LINE = MAX_BODY + (1 << 20)

RUN = (
    "id", "file", "args", "kwargs", "mounts", "cwd", "limits", "untrusted", "stream", "tools",
    "secrets",
)  # fmt: skip
OPEN = ("id", "open", "load", "tools")
# What a line with a session asks for, and what may stand beside that.
OF_SESSION: dict[str, tuple[str, ...]] = {
    "code": ("limits", "untrusted", "stream", "tools"),
    "fork": ("reseed",),
    "back": (),
    "states": (),
    "save": (),
    "read": (),
    "write": ("text", "base64"),
    "close": (),
}
CONTROLS = ("cancel", "return")
_EVERY = tuple(
    dict.fromkeys((*RUN, *OPEN, "session", *OF_SESSION, "reseed", "text", "base64", *CONTROLS))
)
_KINDS = {list: "a list", dict: "an object", str: "text", bool: "true or false"}


def size_in_memory(line: bytes) -> int:
    """Return how many bytes a line may take when it is parsed, with its text."""
    return len(line) + weight(line)


def parsed(line: bytes) -> dict[str, Any]:
    """Return the fields of a line. Raises `UsageError` where it is no object, or too much."""
    if size_in_memory(line) > MAX_WEIGHT:
        raise UsageError(
            "a line has too many parts: lists, objects and what is in them",
            hint="a file in a folder of mounts",
        )
    try:
        fields = json.loads(line, parse_constant=_refuse_constant, parse_float=_finite)
        if not isinstance(fields, dict):
            raise UsageError("a line is a JSON object", hint='{"id": 1, "file": "hello.py"}')
        # What cannot be written cannot name an answer.
        json.dumps([fields.get(name) for name in ("id", *CONTROLS)])
    except (ValueError, RecursionError) as error:
        raise UsageError(f"a line is not JSON: {error}") from None
    return fields


def kind_of(fields: Mapping[str, Any]) -> str:
    """Return what a line asks for: "run", "open", or a key of `OF_SESSION`.

    Raises `UsageError` for fields that are unknown, or do not go together.
    """
    if "session" in fields:
        asked = [name for name in OF_SESSION if name in fields]
        if not asked:
            check_names(fields, ("id", "session", *OF_SESSION), "session")
        if len(asked) != 1:
            raise UsageError(
                f'a line with "session" has one of {", ".join(OF_SESSION)}: '
                + (", ".join(asked) or "there is none"),
                hint='{"id": 1, "session": "...", "code": "1 + 1"}',
            )
        check_names(fields, ("id", "session", asked[0], *OF_SESSION[asked[0]]), asked[0])
        return asked[0]
    if "open" in fields or "load" in fields:
        check_names(fields, OPEN, "open" if "open" in fields else "load")
        return "open"
    asked = [name for name in OF_SESSION if name in fields]
    if asked and "file" not in fields and fields.keys() <= set(_EVERY):
        raise UsageError(
            f'a line with "{asked[0]}" needs a "session"', hint='first {"id": 1, "open": {}}'
        )
    check_names(fields, RUN, "file")
    if fields.get("file") is None:
        raise UsageError('a line needs a "file"', hint='{"id": 1, "file": "hello.py"}')
    return "run"


def check_names(fields: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuse a field that is not `known`; `where` is what a message calls the place.

    Raises `UsageError` with the nearest that is.
    """
    for name in fields:
        if name in known:
            continue
        listed = ", ".join(known)
        if name in _EVERY:
            raise UsageError(f'"{name}" does not go with {_quoted(where)}; what does: {listed}')
        # A line without a field of its own kind may be meant as any.
        anything = where == "file"
        place = "" if anything else f" in {_quoted(where)}"
        raise UsageError(
            f"there is no field {shown(name)}{place}; there are {listed}",
            hint=nearest(name, _EVERY if anything else known),
        )


def of_kind(fields: Mapping[str, Any], name: str, kind: type, otherwise: Any) -> Any:
    """Return the value of a field, `otherwise` where it is null or left out.

    Raises `UsageError` for one of another kind.
    """
    value = fields.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, kind):
        raise UsageError(f'"{name}" is {_KINDS[kind]}: {shown(value)}')
    return value


def text_of(fields: Mapping[str, Any], name: str, otherwise: str) -> str:
    """Return the text of a field. Raises `UsageError` where it is none, or no Unicode."""
    value: str = of_kind(fields, name, str, otherwise)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f'"{name}" has half of a character: {shown(value)}') from None
    return value


def texts_of(fields: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts. Raises `UsageError` where it is none."""
    values: list[str] = of_kind(fields, name, list, [])
    for value in values:
        if not isinstance(value, str):
            raise UsageError(f'"{name}" is a list of texts, and {shown(value)} is none')
    return values


def secrets_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the secrets of a line. Raises `UsageError`, which repeats nothing of them."""
    value = fields.get("secrets")
    if value is not None and not isinstance(value, dict):
        raise UsageError(
            '"secrets" is an object',
            hint='{"KEY": {"value": "...", "hosts": ["api.example.com"]}}',
        )
    return value or {}


def switch_of(fields: Mapping[str, Any], name: str) -> bool:
    """Return whether a field is true; left out, it is not. Raises `UsageError`."""
    return bool(of_kind(fields, name, bool, False))


def _quoted(where: str) -> str:
    return where if where.startswith('"') else f'"{where}"'


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        # As an id it could not be said in the answer.
        raise ValueError(f"the number {shown(text)} is too large")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
