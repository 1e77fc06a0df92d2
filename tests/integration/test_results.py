"""What a task may return besides plain JSON, and what is said of all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

SCIENCE = """
import numpy as np, pandas as pd
from capsule import task
FRAME = pd.DataFrame({"x": [1, 2, 3], "day": pd.to_datetime(["2020-01-01"] * 3)})
@task(name="main", compute="HIGH")
def main(expression):
    return eval(expression)
"""


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("FRAME.x.sum()", 6),
        ("np.bool_(True)", True),
        ("np.float32(0.1)", 0.10000000149011612),
        ("[np.int8(3), np.uint64(2**64 - 1), np.float64(2.5)]", [3, 2**64 - 1, 2.5]),
        ("FRAME.day.max()", "2020-01-01T00:00:00"),
        ("FRAME.day.max() - FRAME.day.min()", "P0DT0H0M0S"),
        (
            "[np.datetime64('2020-01-02T03:04'), np.timedelta64(5, 'D')]",
            ["2020-01-02T03:04", "5 days"],
        ),
        ("pd.Period('2020-01')", "2020-01"),
        ("dict(zip(*np.unique([3, 3, 4], return_counts=True)))", {"3": 2, "4": 1}),
        ("{np.float64(2.5): 1, FRAME.day.max(): 2}", {"2.5": 1, "2020-01-01T00:00:00": 2}),
    ],
)
def test_scalars_are_what_they_say(bench: Workbench, expression: str, result: object) -> None:
    envelope = bench.run(SCIENCE, expression)
    assert (envelope["error"], envelope["result"]) == (None, result)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("[pd.NaT]", "result[0] is NaT, a value that is missing: return None in its place"),
        ("pd.NA", "result is <NA>, a value that is missing"),
        ("{'a': [np.float32('nan')]}", "result['a'][0] is nan, and JSON has no such number"),
        ("{'t': FRAME}", "result['t'] is a DataFrame, which JSON has no form for: use .to_dict("),
        ("FRAME.x", "result is a Series, which JSON has no form for: use .tolist()"),
        ("np.arange(3)", "use .tolist()"),
        ("np.complex64(1)", "use [z.real.item(), z.imag.item()]"),
        ("{'a': {np.int64(1): 2, '1': 3}}", "result['a'] has the keys np.int64(1) and '1', which"),
    ],
)
def test_what_they_are_not_is_said(bench: Workbench, expression: str, message: str) -> None:
    error = bench.run(SCIENCE, expression)["error"]
    assert error is not None
    assert message in error["message"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{1: 'a', '1': 'b'}", "result has the keys 1 and '1', which are both '1' in JSON"),
        ("[{True: 1, 'true': 2}]", "result[0] has the keys True and 'true'"),
        ("{'a': {None: 1, 'null': 2}}", "result['a'] has the keys None and 'null'"),
        ("{1.5: 1, '1.5': 2}", "has the keys 1.5 and '1.5'"),
        ("{(1, 2): 3}", "keys of JSON are text: use str(key)"),
        ("{2, 1}", "result is a set, which JSON has no form for: use sorted(...) or list(...)"),
        ("b'x'", "use .decode() for text, base64.b64encode(...).decode() for other bytes"),
        ("__import__('datetime').date(2020, 1, 1)", "use .isoformat()"),
        ("__import__('decimal').Decimal('1.1')", "use str(...), which keeps every digit, or float"),
        ("__import__('pathlib').Path('a')", "use str(...)"),
        ("__import__('enum').Enum('E', 'A').A", "use .value"),
        ("__import__('dataclasses').make_dataclass('D', 'a')(1)", "use dataclasses.asdict(...)"),
        ("(x for x in 'ab')", "result is a generator, which JSON has no form for: use list(...)"),
        ("{}.keys()", "use list(...)"),
        ("__import__('collections').UserDict()", "use dict(...)"),
        ("len", "result is a builtin_function_or_method, which JSON has no form for"),
    ],
)
def test_what_is_not_json_is_told_with_the_way_out(
    bench: Workbench, value: str, message: str
) -> None:
    error = bench.run(f"def main(): return {value}")["error"]
    assert error is not None
    assert error["error_type"] == "task_error"
    assert message in error["message"]


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("{1: 'a', True: 'b', None: 'c', 1.5: 'd'}", {"1": "b", "null": "c", "1.5": "d"}),
        ("{'1': 1, '2': {'true': 1}, 'null': []}", {"1": 1, "2": {"true": 1}, "null": []}),
        ("['\"1\":', {'a\"1\":': 1}]", ['"1":', {'a"1":': 1}]),
    ],
)
def test_keys_that_do_not_collide_are_kept(bench: Workbench, value: str, result: object) -> None:
    assert bench.run(f"def main(): return {value}")["result"] == result


def test_the_arguments_of_a_task_that_is_called_are_held_to_the_same(bench: Workbench) -> None:
    source = (
        "from capsule import task\n"
        "@task\ndef double(n): return 2 * n\n"
        "@task\ndef main(expression):\n    return double(eval(expression)).unwrap()\n"
    )
    assert bench.run(source, "21")["result"] == 42
    for expression, message in (
        ("{1}", "args of double[0] is a set"),
        ("{1: 1, '1': 2}", "both '1'"),
    ):
        error = bench.run(source, expression)["error"]
        assert error is not None
        assert error["message"].startswith(
            "TypeError: the arguments are not JSON: args of double[0]"
        )
        assert message in error["message"]
        assert "line 6, in main" in error["traceback"]
