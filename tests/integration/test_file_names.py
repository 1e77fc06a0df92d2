"""A task file may be called like a module of the standard library: neither is taken for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.source import read_file

if TYPE_CHECKING:
    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

LIBRARY = ("code", "compression", "io", "json", "numbers", "pdb", "random")
TASK = """
import inspect, pickle, sys, names_helper
import {others}
class Own: pass
def main():
    assert type(pickle.loads(pickle.dumps(Own()))) is Own
    for name in "{others}".split(", "):
        assert getattr(sys.modules[name], "__file__", "") != f"/{{name}}.py", name
    return [__file__, inspect.getsource(Own), names_helper.found]
def fail():
    raise ValueError("no")
"""
HELPER = "import io\nfound = io.__name__\n"


def run(bench: Workbench, name: str, task: str) -> Envelope:
    (bench.project / name).write_text(task)
    (bench.project / "names_helper.py").write_text(HELPER)
    source = read_file(bench.project / name, bench.project)
    return bench.run_order(prepare.order(source, prepare.Call(), bench.home, Silent()))


@pytest.mark.parametrize(
    "name",
    ["io.py", "json.py", "imp.py", "numbers.py", "random.py", "compression.py", "_types.py",
     "my-task.py", "2nd.py", "a b.py", "class.py", "capsule.py", "größe.py", "plain.py"],
)  # fmt: skip
def test_a_file_keeps_its_name(bench: Workbench, name: str) -> None:
    others = ", ".join(each for each in LIBRARY if f"{each}.py" != name)
    task = TASK.format(others=others)
    envelope = run(bench, name, task)
    assert envelope["result"] == [f"/{name}", "class Own: pass\n", "io"], envelope
    failed = run(bench, name, f"{task}\nmain = fail\n")["error"]
    assert failed is not None
    assert f'  File "{name}", line ' in failed["traceback"]


def test_code_that_imports_code_gets_what_it_gets_outside(bench: Workbench) -> None:
    """Python looks beside the script first: the file is its own module `code` then."""
    task = "import code\ndef main(): return [code.__file__, code is not __import__(__name__)]\n"
    assert run(bench, "code.py", task)["result"] == ["/code.py", True]


def test_the_file_is_found_under_no_other_name(bench: Workbench) -> None:
    task = (
        "import importlib\ndef main():\n"
        "    try: importlib.import_module('imp')\n"
        "    except ModuleNotFoundError as error: return str(error)\n"
    )
    found = run(bench, "imp.py", task)["result"]
    # Where Python 3.11 runs capsule, imp is a name of its standard library; inside it is none.
    assert found is None or "imp" in found


def test_the_lines_of_a_file_are_found_by_its_path(bench: Workbench) -> None:
    task = "import linecache, tokenize\ndef main(): return [linecache.getline(__file__, 2), tokenize.open(__file__).readline()]\n"
    found = run(bench, "my-lines.py", task)["result"]
    assert found == [task.splitlines(keepends=True)[1], "import linecache, tokenize\n"]
