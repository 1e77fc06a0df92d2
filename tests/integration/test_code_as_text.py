"""Code that a task gets as a text and runs: the recipe of the pages, and what any such task is told."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
RECIPE = re.search(r"```python\n(# run_code.py\n.*?)```", PAGE, re.DOTALL)
PLAIN = "def main(code): exec(code, {'__name__': '__main__'})"


def recipe() -> str:
    assert RECIPE is not None
    return RECIPE[1]


def test_what_the_code_defines_is_found_in_main(bench: Workbench) -> None:
    code = '''
import dataclasses, doctest, inspect, pickle, typing, unittest

@dataclasses.dataclass
class Point:
    """
    >>> Point(1).x
    1
    """
    x: int

assert pickle.loads(pickle.dumps(Point(3))) == Point(3)
assert typing.get_type_hints(Point) == {"x": int}
print(doctest.testmod())
print(inspect.getsource(Point).splitlines()[1])

class Points(unittest.TestCase):
    def test_equal(self): self.assertEqual(Point(1).x, 1)
    def test_unequal(self): self.assertEqual(Point(1).x, 2)

unittest.main(exit=False, verbosity=0)
'''
    envelope = bench.run(recipe(), code)
    execution = envelope["execution"]
    assert envelope["error"] is None, envelope["error"]
    assert execution["stdout"] == "TestResults(failed=0, attempted=1)\nclass Point:\n"
    assert "FAIL: test_unequal (__main__.Points.test_unequal)" in execution["stderr"]
    assert "self.assertEqual(Point(1).x, 2)" in execution["stderr"]
    assert "FAILED (failures=1)" in execution["stderr"]


CODE = "def half(n):\n    return n / 0\nhalf(3)\n"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (recipe(), "code.py"),
        (PLAIN, "<string>"),
        ("def main(code): exec(compile(code, '<turn>', 'exec'), {})", "<turn>"),
        ("def main(code): run(code)\ndef run(text): exec(text, {})", "<string>"),
    ],
)
def test_its_lines_are_in_tracebacks(bench: Workbench, source: str, name: str) -> None:
    error = bench.run(source, CODE)["error"]
    assert error is not None
    assert error["traceback"].endswith(
        f'  File "{name}", line 3, in <module>\n    half(3)\n    ~~~~^^^\n'
        f'  File "{name}", line 2, in half\n    return n / 0\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_lines_of_another_text_are_not_taken_for_its_own(bench: Workbench) -> None:
    source = "def main(code):\n    code = code.replace('3', '4')\n    exec(code.replace('half', 'part'), {})"
    error = bench.run(source, CODE)["error"]
    assert error is not None
    assert '  File "<string>", line 2, in part\nZero' in error["traceback"]


@pytest.mark.parametrize("source", [recipe(), PLAIN])
@pytest.mark.parametrize(
    "code", ["import numpy", "import importlib\nimportlib.import_module('pandas')"]
)
def test_whoever_runs_it_chooses_the_interpreter(bench: Workbench, source: str, code: str) -> None:
    error = bench.run(source, code)["error"]
    assert error is not None
    name = "pandas" if "pandas" in code else "numpy"
    assert error["message"] == (
        f"ImportError: {name} needs a larger interpreter, and this task runs on core, which was "
        "chosen by what the task's file imports: code that comes as a text has no say in that. "
        f"Whoever runs it does, by 'import {name}' in the file that runs it, or dependencies = "
        f'["{name}"] in that file\'s script block'
    )


def test_a_file_that_imports_late_is_told_where_to_write_it(bench: Workbench) -> None:
    for source in (
        "def main(code): __import__(code)",
        "import importlib\ndef main(code): importlib.import_module(code)",
    ):
        # One that was run before has it now.
        error = bench.run(f"# {uuid.uuid4()}\n{source}", "numpy")["error"]
        assert error is not None
        assert error["message"].endswith("write 'import numpy' at the top of stdin.py")
