"""The code of a session, as a checker reads it."""

from __future__ import annotations

import json

import pytest

from capsule.sessions.code_history import CodeHistory
from capsule.type_check import turn_cells


def sources(history: CodeHistory, code: str) -> list[str]:
    cells = json.loads(turn_cells.notebook(history.turns, code))["cells"]
    assert len(cells) == turn_cells.cells_before(history.turns) + 1
    return [cell["source"] for cell in cells]


def test_turns_are_cells_and_the_code_is_the_last() -> None:
    history = CodeHistory().grown("x = 1", raised=False).grown("y = x", raised=False)
    assert sources(history, "z") == ["x = 1", "y = x", "", "z"]


def test_of_a_turn_that_raised_the_names_are_known() -> None:
    history = CodeHistory().grown("x = 1\nclass C: pass\nx.foo\nz = 2", raised=True)
    unknown = f"from {turn_cells.UNKNOWN} import "
    assert sources(history, "x")[0] == f"{unknown}C\n{unknown}x\n{unknown}z\n"


def test_what_functions_change_fits_everything() -> None:
    history = CodeHistory().grown("x = y = 1", raised=False)
    history = history.grown("def f():\n    global x , z\n    x = ''", raised=False)
    assert sources(history, "x")[2] == f"from {turn_cells.UNKNOWN} import x\n"


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("a: int = 1; b, (c, *d) = e", "a b c d"),
        ("with f() as a: pass\ntry: pass\nexcept E as b: pass", "a b"),
        ("match x:\n    case [a, *b] | {'k': c, **d}: pass\n    case int() as e: pass", "a b c e"),
        ("async def a(b): c = 1\nlambda d: (e := 1)\n[f for f in g]", "a f"),
        ("if (a := 1): import b.c as d, e.f", "a d e"),
        ("from m import *", ""),
        ("not python", ""),
    ],
)
def test_names_that_code_binds(code: str, names: str) -> None:
    assert sorted(turn_cells.bound_in(code)) == names.split()


@pytest.mark.parametrize(
    "code", ["from m import *", "exec('x = 1')", "globals()['x'] = 1", "vars().update(x=1)"]
)
def test_code_that_hides_names(code: str) -> None:
    assert not turn_cells.tells_all_names(["x = 1", code])


@pytest.mark.parametrize(
    "code",
    ["try: import m\nexcept ImportError: m = None", "sys.path.append('/lib')", "import importlib"],
)
def test_code_that_hides_modules(code: str) -> None:
    assert turn_cells.tells_all_modules(["import m"])
    assert not turn_cells.tells_all_modules(["import m", code])


def test_a_history_is_bounded() -> None:
    history = CodeHistory()
    for number in range(300):
        history = history.grown(f"x{number} = 1", raised=False)
        assert history.whole == (number < 200)
    assert (len(history.turns), history.turns[0].code) == (200, "x100 = 1")
    history = history.grown("#" * 199_995, raised=False)
    assert len(history.turns) == 1
