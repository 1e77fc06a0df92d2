"""Runs programs and says what each answers, inside a sandbox and outside alike.

Nothing but the standard library is imported: inside, this text is the task's file.
"""

from __future__ import annotations

import ast
import contextlib
import datetime as dt
import decimal
import fractions
import io
import json
import platform
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# An answer that is longer says nothing that a person could compare.
_LONGEST = 60_000
_PLAIN = (bool, int, float, str, type(None))
# What is told apart by its text.
_TEXTS = (decimal.Decimal, fractions.Fraction, dt.timedelta, dt.tzinfo)
_DATES = (dt.date, dt.time)


def answers(heads: Mapping[str, str], programs: Sequence[Sequence[str]]) -> dict[str, str]:
    """Run each of `programs` (its key, the key of its head, its source); answers as JSON text.

    A head is run once, and each program sees its names; what a program changes in them others see.
    """
    spaces: dict[str, dict[str, Any]] = {}
    return {key: _answer(heads, head, spaces, source) for key, head, source in programs}


def _answer(
    heads: Mapping[str, str], head: str, spaces: dict[str, dict[str, Any]], source: str
) -> str:
    printed = io.StringIO()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
            warnings.simplefilter("ignore")
            if head not in spaces:
                names = {"__name__": "__main__"}
                exec(heads[head], names)  # noqa: S102 - programs of this repository
                spaces[head] = names
            value = run(source, dict(spaces[head]))
            tree: dict[str, Any] = {"value": encode(value)}
    except BaseException as error:  # noqa: BLE001 - an error is an answer like others
        tree = {"error": f"{type(error).__name__}: {error}"}
    if printed.getvalue():
        tree["printed"] = printed.getvalue()
    text = json.dumps(tree)
    return text if len(text) <= _LONGEST else json.dumps({"error": f"answer of {len(text)}"})


def run(source: str, names: dict[str, Any]) -> Any:
    """Run a program and return what its last expression gives, as a notebook's cell does.

    >>> run("a = 3\\na * 2", {})
    6
    """
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "<program>", "exec"), names)  # noqa: S102
        return None
    tree.body.pop()
    exec(compile(tree, "<program>", "exec"), names)  # noqa: S102
    return eval(compile(ast.Expression(last.value), "<program>", "eval"), names)  # noqa: S307


def encode(value: Any) -> Any:
    """Make JSON of a value that two sides can compare to the last bit, with its type.

    >>> encode((1, 2j))
    {'tuple': [1, {'complex': [0.0, 2.0]}]}
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, tuple):
        return {"tuple": [encode(one) for one in value]}
    builtin = _BUILTIN.get(kind)
    return builtin(value) if builtin else _other(value, kind)


_BUILTIN: dict[type, Callable[[Any], Any]] = {
    list: lambda value: [encode(one) for one in value],
    dict: lambda value: {"dict": [[encode(one), encode(other)] for one, other in value.items()]},
    # The order of a set is asked for with list().
    set: lambda value: {"set": sorted(map(encode, value), key=json.dumps)},
    frozenset: lambda value: {"frozenset": sorted(map(encode, value), key=json.dumps)},
    complex: lambda value: {"complex": [value.real, value.imag]},
    bytes: lambda value: {"bytes": value.hex()},
    bytearray: lambda value: {"bytearray": value.hex()},
}


def _other(value: Any, kind: type) -> Any:
    package = kind.__module__.partition(".")[0]
    if package in ("numpy", "pandas"):
        return (_numpy if package == "numpy" else _pandas)(value, kind)
    if isinstance(value, _DATES):
        return {kind.__name__: value.isoformat()}
    if isinstance(value, _TEXTS):
        return {kind.__name__: str(value)}
    if package == "scipy" and hasattr(value, "toarray"):
        return {kind.__name__: encode(value.toarray())}
    return {kind.__name__: repr(value)}


def _numpy(value: Any, kind: type) -> Any:
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.generic) and value.dtype.kind in "biufc":
        return {str(value.dtype): _number(value)}
    if kind is numpy.ndarray:
        if value.dtype.kind in "biufc":
            found = [_number(one) for one in value.ravel()]
        elif value.dtype.kind in "mM":
            found = value.astype(str).ravel().tolist()
        else:
            found = [encode(one) for one in value.ravel().tolist()]
        return {"array": str(value.dtype), "shape": list(value.shape), "values": found}
    return {kind.__name__: repr(value)}


def _number(value: Any) -> Any:
    """Give a NumPy number as Python's; what has more digits than a double, as text."""
    if value.dtype.itemsize > (16 if value.dtype.kind == "c" else 8):
        return str(value)
    return encode(value.item())


def _pandas(value: Any, kind: type) -> Any:
    pandas = sys.modules["pandas"]
    if isinstance(value, pandas.DataFrame):
        columns = [[encode(name), _pandas(value[name], kind)] for name in value.columns.unique()]
        return {"DataFrame": columns}
    if isinstance(value, pandas.Series):
        return {
            "Series": _column(value),
            "index": _column(value.index),
            "name": encode(value.name),
        }
    if isinstance(value, (pandas.Index, pandas.api.extensions.ExtensionArray)):
        return {"Index" if isinstance(value, pandas.Index) else "array": _column(value)}
    return {kind.__name__: str(value)}


def _column(value: Any) -> Any:
    numpy = sys.modules["numpy"]
    if isinstance(value.dtype, numpy.dtype) and value.dtype.kind in "biufc":
        return encode(numpy.asarray(value))
    return {"dtype": str(value.dtype), "values": [encode(one) for one in value]}


def versions(modules: Sequence[str]) -> dict[str, str]:
    """Name the versions of the interpreter and of `modules` here."""
    found = {"python": platform.python_version()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            found[name] = str(getattr(__import__(name), "__version__", ""))
    return found


def answer_request(request: Mapping[str, Any]) -> str:
    """Answer what a side asks for: JSON of the versions and of each program's answer."""
    found = {
        "versions": versions(request["modules"]),
        "answers": answers(request["heads"], request["programs"]),
    }
    return json.dumps(found)


if __name__ == "__main__" and sys.argv[1:] == ["-"]:
    sys.stdout.write(answer_request(json.load(sys.stdin)))
