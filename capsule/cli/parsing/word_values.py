"""Words of a command line as values of the types that a task's parameters are annotated with."""

from __future__ import annotations

import json

from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.policy.declaration_types import Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_ALLOWED = {
    "int": "a whole number, like 3",
    "float": "a number, like 1.5",
    "bool": "true, false, 1, 0, yes or no",
    "list": 'a list in JSON, like ["a", 1]',
    "dict": 'an object in JSON, like {"a": 1}',
    "None": "null",
}


def values_of(words: Sequence[str], parameters: Sequence[Parameter]) -> list[Any]:
    """Return what words mean to the parameters that they go to.

    A word stays text where nothing is known of its parameter, or where that takes text.

    Raises `UsageError` for a word that is of none of the types.

    >>> parameters = [Parameter("n", ("int",)), Parameter("rest", ("float", "None"), many=True)]
    >>> values_of(["3", "1.5", "null"], parameters)
    [3, 1.5, None]
    """
    return [_value(word, _parameter(at, parameters)) for at, word in enumerate(words)]


def _parameter(at: int, parameters: Sequence[Parameter]) -> Parameter:
    if at < len(parameters):
        return parameters[at]
    # What is too much is the task's to refuse: only Python knows how it is called.
    more = parameters and parameters[-1].many
    return parameters[-1] if more else Parameter("")


def _value(word: str, parameter: Parameter) -> Any:
    types = parameter.types
    if "None" in types and word == "null":
        return None
    for kind in types:
        if kind in _READ:
            try:
                return _READ[kind](word)
            except (ValueError, RecursionError):
                continue
    if not types or "str" in types:
        return word
    allowed = " or ".join(_ALLOWED[kind] for kind in types)
    raise UsageError(
        f"argument {parameter.name}: {shown(word)} is not {_article(types)}; allowed: {allowed}",
        hint="--args JSON takes values of any types",
    )


def _article(types: Sequence[str]) -> str:
    written = " | ".join(types)
    return f"{'an' if written[0] in 'aeiou' else 'a'} {written}"


def _plain(word: str) -> str:
    """Return a word that Python's own conversions may look at: they take spaces and other digits.

    Raises `ValueError` for others.
    """
    if word.isascii() and word == word.strip():
        return word
    raise ValueError(word)


def _float(word: str) -> float:
    value = float(_plain(word))
    if not abs(value) < float("inf"):
        raise ValueError(word)  # JSON has no such number
    return value


def _bool(word: str) -> bool:
    said = word.lower()
    if said not in _TRUE and said not in _FALSE:
        raise ValueError(word)
    return said in _TRUE


def _json(word: str, kind: type) -> Any:
    value = json.loads(word, parse_constant=_refuse)
    if not isinstance(value, kind):
        raise ValueError(word)  # noqa: TRY004 - as for all words that are of another type
    return value


def _refuse(name: str) -> None:
    raise ValueError(name)


_READ: dict[str, Callable[[str], Any]] = {
    "int": lambda word: int(_plain(word)),
    "float": _float,
    "bool": _bool,
    "list": lambda word: _json(word, list),
    "dict": lambda word: _json(word, dict),
}
