"""The code of a session, as a checker reads it."""

from __future__ import annotations

import json

import pytest

from capsule.sessions.code_history import CodeHistory
from capsule.type_check import turn_modules


def read(history: CodeHistory, code: str) -> tuple[dict[str, str], str]:
    """The modules, and what the code begins with."""
    made = turn_modules.modules_of(history.turns, code)
    before, last = (cell["source"] for cell in json.loads(made.notebook)["cells"])
    assert last == code
    return {
        name.strip("_").removesuffix("__.py"): text for name, text in made.files.items()
    }, before


def past(*codes: str) -> CodeHistory:
    history = CodeHistory()
    for code in codes:
        history = history.grown(code, raised=False)
    return history


UNKNOWN = f"from {turn_modules.UNKNOWN} import "
TURN = "from __capsule_turn_{}__ import {}\n"


def test_a_name_is_of_the_last_turn_that_bound_it() -> None:
    files, before = read(past("x = z = 1", "y = x", "x = ''"), "x, y, z\nw = 1")
    first, third = TURN.format(1, "x"), TURN.format(3, "x")
    assert files == {
        "capsule_turn_1": "x = z = 1",
        "capsule_turn_2": f"{first}y = x",
        "capsule_turn_3": f"{first}x = ''",
    }
    assert before == third + TURN.format(2, "y") + TURN.format(1, "z")


def test_only_what_the_code_speaks_of_is_imported() -> None:
    assert read(past("x = y = 1"), "xy = 1")[1] == ""


def test_of_a_turn_that_raised_the_names_are_known() -> None:
    history = CodeHistory().grown("x = 1\nclass C: pass\nx.foo\nz = 2", raised=True)
    assert read(history, "x, z, C") == ({}, f"{UNKNOWN}C\n{UNKNOWN}x\n{UNKNOWN}z\n")


def test_what_a_turn_that_raised_deletes_may_be_there() -> None:
    history = past("x = 1\nimport a.b").grown("1 / 0\ndel x, a, y", raised=True)
    assert read(history, "x, a, y") == (
        {"capsule_turn_1": "x = 1\nimport a.b"},
        f"{UNKNOWN}a\n{UNKNOWN}x\n",
    )


def test_what_functions_change_fits_everything() -> None:
    history = past("x = y = 1", "def f():\n    global x , z\n    x = ''")
    assert read(history, "x")[1] == f"{UNKNOWN}x\n"
    assert read(history, "y, z")[1] == TURN.format(1, "y") + f"{UNKNOWN}z\n"
    assert read(past(), "def f():\n    global z")[1] == f"{UNKNOWN}z\n"
    # What a turn after that makes of it is of the same type.
    assert read(history.grown("w = x", raised=False), "w")[0]["capsule_turn_3"] == (
        f"{UNKNOWN}x\nw = x"
    )


@pytest.mark.parametrize("raised", [False, True])
def test_what_got_a_key_or_an_attribute_fits_everything(*, raised: bool) -> None:
    history = past("d = e = {}\nimport m").grown("d['k'] = m.a = f.b = 1", raised=raised)
    assert read(history, "d, e, f, m")[1] == f"{UNKNOWN}d\n" + TURN.format(1, "e") + f"{UNKNOWN}m\n"
    # Its next value has other keys, until it gets more.
    assert read(history.grown("d = {}", raised=False), "d")[1] == TURN.format(3, "d")
    assert read(history.grown("d = {}\nd[1] = 1", raised=False), "d")[1] == f"{UNKNOWN}d\n"
    # The checker itself follows what the code does.
    assert read(history, "e['k'] = 1")[1] == TURN.format(1, "e")


def test_what_is_bound_anew_and_looked_up_later_fits_everything() -> None:
    history = past("x = 1", "def f(): pass")
    assert read(history, "x = ''\ndef f(): return x")[1] == TURN.format(2, "f") + f"{UNKNOWN}x\n"


def test_imports_of_modules_are_done_again() -> None:
    history = past("import a.b, c as d", "import a.e\nimport f", "f = 1", "import a.b")
    assert read(history, "a, d, f")[1] == (
        "import a.b\nimport a.e\n" + TURN.format(1, "d") + TURN.format(3, "f")
    )


def test_what_is_deleted_is_gone() -> None:
    assert read(past("x = y = 1", "del x", "y = 2\ndel y\ny = 3"), "x, y")[1] == TURN.format(3, "y")


def test_a_turn_that_the_python_of_here_cannot_read() -> None:
    """Its names are those that the checker finds, and others may be there."""
    made = turn_modules.modules_of(past("x = 1", "y = is python?").turns, "x, y")
    assert not made.tells_all
    assert "from __capsule_turn_2__ import *" in made.notebook
    assert turn_modules.modules_of(past("x = 1").turns, "is python?").tells_all
    assert TURN.format(1, "x") in made.notebook.replace("\\n", "\n")
    # It may bind what was there before.
    history = past("x = z = 1", "x = is python?")
    assert read(history, "x, z")[1] == (
        f"from __capsule_turn_2__ import *\n{UNKNOWN}x\n" + TURN.format(1, "z")
    )


def test_a_turn_that_raised_and_cannot_be_read() -> None:
    """All that it speaks of may be there; the names of others are known still."""
    made = past("x = 1").grown("for x in y: is python?", raised=True)
    assert read(made, "for i in x: is_, y, z")[1] == f"{UNKNOWN}x\n{UNKNOWN}y\n"
    assert turn_modules.modules_of(made.turns, "x").tells_all


@pytest.mark.parametrize(
    "code", ["from m import *", "exec('x = 1')", "globals()['x'] = 1", "vars().update(x=1)"]
)
def test_code_that_hides_names(code: str) -> None:
    assert not turn_modules.tells_all_names(["x = 1", code])


@pytest.mark.parametrize(
    "code",
    ["try: import m\nexcept ImportError: m = None", "sys.path.append('/lib')", "import importlib"],
)
def test_code_that_hides_modules(code: str) -> None:
    assert turn_modules.tells_all_modules(["import m"])
    assert not turn_modules.tells_all_modules(["import m", code])


def test_a_history_is_bounded() -> None:
    history = CodeHistory()
    for number in range(300):
        history = history.grown(f"x{number} = 1", raised=False)
        assert history.whole == (number < 200)
    assert (len(history.turns), history.turns[0].code) == (200, "x100 = 1")
    history = history.grown("#" * 199_995, raised=False)
    assert len(history.turns) == 1
