"""Answers as people read them, in one short line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 90


def answer_text(tree: Any) -> str:
    """Say what an answer is, in at most `LONGEST` characters.

    >>> answer_text({"value": {"array": "int64", "shape": [2], "values": [1, 2]}})
    'int64 [1, 2]'
    >>> answer_text({"error": "ValueError: no"})
    'ValueError: no'
    """
    if "error" in tree:
        text = tree["error"]
    else:
        parts = [_value(tree["value"])] if tree["value"] is not None else []
        if tree.get("printed"):
            parts.append(f"printed {tree['printed']!r}")
        text = "; ".join(parts) or "None"
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _value(tree: Any) -> str:
    if isinstance(tree, list):
        return f"[{', '.join(map(_value, tree))}]"
    if not isinstance(tree, dict):
        return repr(tree)
    if "values" in tree:
        return f"{tree.get('array') or tree.get('dtype')} {_value(tree['values'])}"
    kind, content = next(iter(tree.items()))
    special = _SPECIAL.get(kind)
    if special:
        return special(content)
    text = content if isinstance(content, str) else _value(content)
    return text if text.startswith(kind) else f"{kind} {text}"


def _pairs(content: Any) -> str:
    return f"{{{', '.join(f'{_value(key)}: {_value(value)}' for key, value in content)}}}"


_SPECIAL: dict[str, Callable[[Any], str]] = {
    "complex": lambda content: f"{complex(*content)}",
    "tuple": lambda content: f"({', '.join(map(_value, content))})",
    "dict": _pairs,
    "bytes": lambda content: repr(bytes.fromhex(content)),
    "bytearray": lambda content: repr(bytearray.fromhex(content)),
}
