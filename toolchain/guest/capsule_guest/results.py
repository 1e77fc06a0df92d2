"""Turning what a task returned into JSON, or saying where it is not JSON."""

from __future__ import annotations

import json
import re

from capsule.shared.frames import MAX_BODY, RESULT, TEXT
from capsule.shared.json_scalars import scalar
from capsule_guest.conversion_hints import how_to_convert

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# pandas' and NumPy's words for what is not there.
_MISSING = {"NaTType", "NAType", "datetime64", "timedelta64"}


class NotJsonError(Exception):
    """Raised when a result cannot travel as JSON; the text says which part of it and why."""


def encode(value: object) -> tuple[int, bytes]:
    """Return the kind of frame that `value` travels in, and its content in UTF-8.

    Scalars of NumPy and pandas, as keys too, are the number, text or time that they are.

    Raises `NotJsonError` for NaN and infinities, bytes, sets and other objects, cycles, nesting
    that is too deep, keys that would be one, lone surrogates, and results larger than 64 MiB.
    """
    try:
        if type(value) is str:
            kind, text = TEXT, value
        else:
            kind, text = RESULT, to_json(value)
        encoded = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJsonError(f"the result is not JSON: {reason(value, error, 'result')}") from None
    if kind == RESULT and _may_be_too_deep(encoded) and (said := _culprit(value, "result")):
        raise NotJsonError(f"the result is not JSON: {said}")
    if len(encoded) > MAX_BODY:
        raise NotJsonError(
            f"the result is {len(encoded):,} bytes of JSON; at most {MAX_BODY:,} can be returned"
        )
    return kind, encoded


# Who reads the JSON may recurse for each level of it, as Python does.
_DEEPEST = 500
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _may_be_too_deep(encoded: bytes) -> bool:
    """Say whether a value nests too deep, or has brackets in its text that do not let that be seen.

    Its innermost brackets are taken away again and again: the time that takes is that of its depth.
    """
    if encoded.count(b"[") + encoded.count(b"{") <= _DEEPEST:
        return False
    brackets = encoded.translate(None, _NO_BRACKETS)
    for _ in range(_DEEPEST):
        before = len(brackets)
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return False
        if len(brackets) == before:
            break
    return True


_dumps = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=scalar
).encode
# A key that may have been a number, or True, False or None: all that can meet its like as text.
_OTHER_KEY = re.compile(r'"(?:-?[0-9][-+.0-9e]*|true|false|null)":').search


def to_json(value: object, dumps: Callable[[object], str] = _dumps) -> str:
    """Return `value` as JSON, by an encoder that knows scalars.

    Raises `TypeError`, `ValueError` or `RecursionError`.
    """
    try:
        text = dumps(value)
    except TypeError:
        # Of keys, the encoder itself converts no scalars.
        text = dumps(_with_plain_keys(value))
    if '":' in text and _OTHER_KEY(text) and _collision(value, "") is not None:
        raise ValueError("keys collide")
    return text


def reason(value: object, error: Exception, name: str) -> str:
    """Say why a value that is called `name` cannot be JSON, given what was raised for it."""
    try:
        found = _culprit(value, name) or _collision(value, name)
    except RecursionError:
        found = None
    return found or f"{type(error).__name__}: {error}"


_PLAIN_KEYS = (str, int, float, type(None))


def _plain_key(key: object) -> object:
    return key if isinstance(key, _PLAIN_KEYS) else scalar(key)


def _with_plain_keys(value: object, above: tuple[int, ...] = ()) -> object:
    """Return a copy in which keys that are scalars are plain. Raises `TypeError` for others."""
    if not isinstance(value, (dict, list, tuple)):
        return value
    if id(value) in above:
        raise ValueError("it contains itself")
    above = (*above, id(value))
    if not isinstance(value, dict):
        return [_with_plain_keys(item, above) for item in value]
    copy: dict = {}
    for key, item in value.items():
        # Not to be lost by this: keys that are one for a dict.
        plain = _plain_key(key)
        if plain in copy:
            raise ValueError("keys collide")
        copy[plain] = _with_plain_keys(item, above)
    return copy


def _collision(value: object, name: str) -> str | None:
    """Find two keys of an object that are the same text in JSON."""
    stack: list[tuple[object, str]] = [(value, name)]
    while stack:
        part, where = stack.pop()
        if isinstance(part, dict):
            seen: dict[str, object] = {}
            for key in part:
                text = key if isinstance(key, str) else _dumps(_plain_key(key))
                if text in seen:
                    return (
                        f"{where} has the keys {_short(seen[text])} and {_short(key)}, which are "
                        f"both {_short(text)} in JSON; rename one of them"
                    )
                seen[text] = key
            stack += [(part[key], f"{where}[{_short(key)}]") for key in part]
        elif isinstance(part, (list, tuple)):
            stack += [(item, f"{where}[{at}]") for at, item in enumerate(part)]
    return None


def _culprit(value: object, name: str) -> str | None:
    """Find the first part that JSON has no words for."""
    stack: list[tuple[object, str, tuple[int, ...]]] = [(value, name, ())]
    while stack:
        part, where, above = stack.pop()
        if isinstance(part, (dict, list, tuple)):
            if id(part) in above:
                return f"{where} contains itself"
            if len(above) > _DEEPEST:
                return f"{where[:80]}... is nested too deep"
            inside = (*above, id(part))
            if isinstance(part, dict):
                if bad := next(filter(None, (_bad_key(key, where) for key in part)), None):
                    return bad
                items = [(part[key], f"{where}[{_short(key)}]", inside) for key in part]
            else:
                items = [(item, f"{where}[{at}]", inside) for at, item in enumerate(part)]
            stack.extend(reversed(items))
        elif bad := _bad_value(part, where):
            return bad
    return None


def _bad_key(key: object, where: str) -> str | None:
    try:
        plain = _plain_key(key)
    except TypeError:
        return (
            f"{where} has a key of type {type(key).__name__}: {_short(key)}; "
            "keys of JSON are text: use str(key)"
        )
    if isinstance(plain, str) and (bad := _bad_text(plain)):
        return f"a key of {where} {bad}"
    if isinstance(plain, float) and (bad := _bad_number(plain)):
        return f"a key of {where} {bad}"
    return None


def _bad_value(part: object, where: str) -> str | None:
    if not isinstance(part, _PLAIN_KEYS):
        try:
            part = scalar(part)
        except TypeError:
            if type(part).__name__ in _MISSING:
                return f"{where} is {part}, a value that is missing: return None in its place"
            how = how_to_convert(part)
            said = f"{where} is {_kind(part)}, which JSON has no form for"
            return f"{said}: {how}" if how else said
    if isinstance(part, str) and (bad := _bad_text(part)):
        return f"{where} {bad}"
    if isinstance(part, float) and (bad := _bad_number(part)):
        return f"{where} {bad}"
    return None


def _bad_text(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"has a lone surrogate, {text[error.start]!a}, at position {error.start}"
    return None


def _bad_number(number: float) -> str | None:
    if number - number == 0:
        return None
    return f"is {float(number)!r}, and JSON has no such number: return None or text in its place"


def _kind(part: object) -> str:
    kind = type(part).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else text[:37] + "..."
