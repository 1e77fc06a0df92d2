"""Scalars of NumPy and pandas are known by name, as neither is imported for them."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest

from capsule.errors import UsageError
from capsule.shared.json_scalars import scalar
from capsule.snapshot import request


def kind(module: str, name: str, *bases: type, **members: object) -> type:
    """A class as NumPy or pandas would have it."""
    return type(name, bases or (object,), {"__module__": module, **members})


INTEGER = kind("numpy", "integer", __int__=lambda self: 7)
INT64 = kind("numpy", "int64", INTEGER)
FLOATING = kind("numpy", "floating", __float__=lambda self: 0.5, __eq__=lambda self, other: True)
LONG = kind("numpy", "longdouble", FLOATING, __eq__=lambda self, other: self is other)
BOOL = kind("numpy", "bool", __bool__=lambda self: False)
TIMEDELTA = kind("numpy", "timedelta64", INTEGER, __str__=lambda self: "5 days")
NAT = kind("numpy", "datetime64", __str__=lambda self: "NaT")
TIMESTAMP = kind("pandas._libs.tslibs.timestamps", "Timestamp", dt.datetime)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (INT64(), 7),
        (FLOATING(), 0.5),
        (BOOL(), False),
        (TIMEDELTA(), "5 days"),
        (TIMESTAMP(2020, 1, 2), "2020-01-02T00:00:00"),
    ],
)
def test_a_scalar_is_what_it_says(value: object, plain: object) -> None:
    found = scalar(value)
    assert (found, type(found)) == (plain, type(plain))


@pytest.mark.parametrize(
    "value", [NAT(), LONG(), object(), {1}, dt.datetime(2020, 1, 1, tzinfo=dt.UTC)]
)
def test_nothing_else_is_one(value: object) -> None:
    with pytest.raises(TypeError):
        scalar(value)


def test_arguments_may_be_scalars() -> None:
    sent = request.call(request.Call("m", "main", (INT64(), {"a": BOOL()})), None)
    assert json.loads(sent[5:])["args"] == [7, {"a": False}]
    with pytest.raises(UsageError, match="the arguments are not JSON values"):
        request.check(request.Call("m", "main", ({1},)))


def test_a_run_without_any_does_not_import_it() -> None:
    program = (
        "import sys; from capsule.snapshot import request; request.check(request.Call('m', 'f'));"
        "print('capsule.shared.json_scalars' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"
