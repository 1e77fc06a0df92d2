"""Turning what a task returned into JSON, or saying where it is not JSON."""

from __future__ import annotations

import json

from capsule.shared.frames import MAX_BODY, RESULT, TEXT


class NotJsonError(Exception):
    """Raised when a result cannot travel as JSON; the text says which part of it and why."""


def encode(value: object) -> tuple[int, bytes]:
    """Return the kind of frame that `value` travels in, and its content in UTF-8.

    Raises `NotJsonError` for NaN and infinities, bytes, sets and other objects, cycles, nesting
    that is too deep, lone surrogates, and results larger than 64 MiB.
    """
    try:
        if type(value) is str:
            kind, text = TEXT, value
        else:
            kind, text = RESULT, _dumps(value)
        encoded = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJsonError(f"the result is not JSON: {_reason(value, error)}") from None
    if len(encoded) > MAX_BODY:
        raise NotJsonError(
            f"the result is {len(encoded):,} bytes of JSON; at most {MAX_BODY:,} can be returned"
        )
    return kind, encoded


_dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _reason(value: object, error: Exception) -> str:
    try:
        found = _culprit(value)
    except RecursionError:
        found = None
    return found or f"{type(error).__name__}: {error}"


def _culprit(value: object) -> str | None:
    """Find the first part that JSON has no words for."""
    stack: list[tuple[object, str, tuple[int, ...]]] = [(value, "result", ())]
    while stack:
        part, where, above = stack.pop()
        if isinstance(part, (dict, list, tuple)):
            if id(part) in above:
                return f"{where} contains itself"
            if len(above) > 500:
                return f"{where[:80]}... is nested too deep"
            inside = (*above, id(part))
            if isinstance(part, dict):
                for key in part:
                    if not isinstance(key, (str, int, float, bool, type(None))):
                        return f"{where} has a key of type {type(key).__name__}: {_short(key)}"
                    if isinstance(key, str) and (bad := _bad_text(key)):
                        return f"a key of {where} {bad}"
                items = [(part[key], f"{where}[{_short(key)}]", inside) for key in part]
            else:
                items = [(item, f"{where}[{at}]", inside) for at, item in enumerate(part)]
            stack.extend(reversed(items))
        elif isinstance(part, str):
            if bad := _bad_text(part):
                return f"{where} {bad}"
        elif isinstance(part, float):
            if part != part or part in (float("inf"), float("-inf")):
                return f"{where} is {part!r}, and JSON has no such number"
        elif not isinstance(part, (int, type(None))):
            return f"{where} is {_kind(part)}, which JSON has no form for"
    return None


def _bad_text(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"has a lone surrogate, {text[error.start]!a}, at position {error.start}"
    return None


def _kind(part: object) -> str:
    kind = type(part).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else text[:37] + "..."
