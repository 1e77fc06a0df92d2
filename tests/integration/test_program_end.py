"""A program ends as outside: exit handlers run, what is open is written, and no result is lost."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sqlite3
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

TASK = "from capsule import task\n@task\n"
HEAD = 'from capsule import task\n@task(compute="HIGH", allowed_files=["./out"])\n'


@pytest.fixture
def out(bench: Workbench) -> Path:
    folder = bench.project / "out"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ('global F; F = open("out/x", "w"); F.write("a global")', "a global"),
        ('global F; F = open("out/x", "wb"); F.write(b"bytes")', "bytes"),
        ('global F; F = {"deep": [open("out/x", "w")]}; F["deep"][0].write("inside")', "inside"),
        ('f = open("out/x", "w"); f.write("a closure"); global G; G = lambda: f', "a closure"),
        ('global F; F = writer(); next(F)', "begun, finished"),
        ('Circle("out/x").file.write("a circle")', "a circle"),
        ('Held.file = open("out/x", "w"); Held.file.write("a class")', "a class"),
        ('import sys; sys.kept = open("out/x", "w"); sys.kept.write("elsewhere")', "elsewhere"),
        ('import functools; cached(); cached().write("a cache")', "a cache"),
        ('import csv; global W; W = csv.writer(open("out/x", "w")); W.writerow([1, 2])', "1,2\n"),
        ('import atexit; atexit.register(lambda: open("out/x", "w").write("at exit"))', "at exit"),
        ('import atexit; f = open("out/x", "w"); atexit.register(f.write, "by a handler")',
         "by a handler"),
        ('import logging; logging.basicConfig(filename="out/x", format="%(message)s"); '
         'logging.warning("logged")', "logged\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["return 5", "raise SystemExit(3)", "raise ValueError('no')"])
def test_what_is_open_is_written(
    bench: Workbench, out: Path, body: str, content: str, ending: str
) -> None:
    source = f"""import functools
class Circle:
    def __init__(self, name):
        self.me, self.file = self, open(name, "w")
class Held: pass
def writer():
    with open("out/x", "w") as file:
        file.write("begun")
        try:
            yield
        finally:
            file.write(", finished")
@functools.cache
def cached(): return open("out/x", "w")
{HEAD}def main():
    {body}
    {ending}
"""
    envelope = bench.run(source)
    assert envelope["success"] is (ending == "return 5"), envelope["error"]
    assert (out / "x").read_text() == content


def test_what_has_a_trailer_gets_it(bench: Workbench, out: Path) -> None:
    source = f"""import bz2, gzip, lzma, zipfile
HELD = []
{HEAD}def main():
    for kind, name in ((gzip, "x.gz"), (bz2, "x.bz2"), (lzma, "x.xz")):
        HELD.append(kind.open("out/" + name, "wt"))
        HELD[-1].write("a text")
    HELD.append(zipfile.ZipFile("out/x.zip", "w"))
    HELD[-1].writestr("name", "a text")
"""
    envelope = bench.run(source)
    assert envelope["success"], envelope["error"]
    for kind, name in ((gzip, "x.gz"), (bz2, "x.bz2"), (lzma, "x.xz")):
        with kind.open(out / name) as file:
            assert file.read() == b"a text"
    with zipfile.ZipFile(out / "x.zip") as archive:
        assert archive.read("name") == b"a text"


def test_an_open_transaction_is_rolled_back_and_its_lock_is_gone(
    bench: Workbench, out: Path
) -> None:
    body = (
        "global C",
        'C = sqlite3.connect("out/x.db")',
        'C.execute("create table t(a)")',
        'C.execute("insert into t values (1)")',
        "C.commit()",
        'C.execute("insert into t values (2)")',
    )
    source = f"import sqlite3\n{HEAD}def main():\n    " + "\n    ".join(body)
    assert bench.run(source)["success"]
    assert sorted(path.name for path in out.iterdir()) == ["x.db"]
    with sqlite3.connect(out / "x.db") as connection:
        assert connection.execute("select a from t").fetchall() == [(1,)]
    connection.close()


def test_the_order_is_that_of_an_interpreter(bench: Workbench) -> None:
    source = """import atexit
class Noisy:
    def __del__(self): print("deleted")
KEPT = Noisy()
def main():
    atexit.register(print, "second")
    atexit.register(print, "first")
    print("last line", end="")
    return 1
"""
    envelope = bench.run(source)
    assert envelope["result"] == 1
    assert envelope["execution"]["stdout"] == "last linefirst\nsecond\ndeleted\n"


def test_a_finalizer_finds_what_its_module_has(bench: Workbench) -> None:
    source = """from os import getcwd
CONFIG, SAID = {"mark": "kept"}, []
class Noisy:
    def __init__(self, name): self.name = name
    def __del__(self):
        SAID.append(self.name)
        print(self.name, CONFIG["mark"], getcwd(), len(SAID))
FIRST, INSIDE = Noisy("first"), [Noisy("inside")]
def main(): return 1
"""
    envelope = bench.run(source)
    assert envelope["execution"]["stderr"] == ""
    assert envelope["execution"]["stdout"] == "first kept / 1\ninside kept / 2\n"


def test_what_a_finalizer_prints_is_not_for_an_object_of_the_task(bench: Workbench) -> None:
    source = """import io, sys
class Own(io.StringIO):
    def __del__(self): print("own")
class Noisy:
    def __del__(self): print("noisy")
KEPT = Noisy()
def main():
    sys.stdout = Own()
    print("into it")
    return 1
"""
    assert sorted(bench.run(source)["execution"]["stdout"].split()) == ["noisy", "own"]


@pytest.mark.parametrize("call", ["1/0", "raise_exit()", "open('/nowhere/x')"])
def test_a_handler_that_fails_is_told_and_harms_nothing(bench: Workbench, call: str) -> None:
    source = f"""import atexit, sys
def raise_exit(): sys.exit(7)
def fails(): {call}
def main():
    atexit.register(print, "the other one")
    atexit.register(fails)
    return 1
"""
    envelope = bench.run(source)
    assert (envelope["success"], envelope["result"]) == (True, 1)
    assert "the other one" in envelope["execution"]["stdout"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def end():\n    while True: pass", "fuel"),
        ("def end():\n    while True: print('x' * 60000)", "fuel"),
        ("import time\ndef end(): time.sleep(3600)", "the task was stopped after"),
        ("import os\ndef end(): os._exit(0)", "before"),
    ],
)
@pytest.mark.parametrize("fails", [False, True])
def test_an_end_without_end_is_stopped_and_the_answer_kept(
    bench: Workbench, source: str, why: str, fails: bool
) -> None:
    source = f"""import atexit
{source}
def main():
    print("printed, ", end="")
    atexit.register(end)
    {"raise ValueError('mine')" if fails else "return [1, 2]"}
"""
    envelope = bench.run(source, max_fuel=10**8, timeout_ms=2_000)
    if fails:
        assert envelope["error"] is not None
        assert envelope["error"]["message"] == "ValueError: mine"
    else:
        assert (envelope["success"], envelope["result"]) == (True, [1, 2])
    execution = envelope["execution"]
    assert execution["stdout"].startswith("printed, ")
    assert "did not come to its end" in execution["stderr"]
    assert why in execution["stderr"]


@pytest.mark.parametrize(
    "end",
    ["while True: pass", "import time; time.sleep(3600)", "import os; os._exit(1)", "1/0"],
)
def test_what_was_printed_is_there_whatever_ended_the_run(bench: Workbench, end: str) -> None:
    source = f"""import sys
def main():
    print("one", end=" ")
    sys.stdout.write("two ")
    print("three", file=sys.stderr, end="")
    {end}
"""
    envelope = bench.run(source, max_fuel=10**8, timeout_ms=1_000)
    recorder = bench.recorder
    assert envelope["success"] is False
    assert envelope["execution"]["stdout"] == "one two "
    assert envelope["execution"]["stderr"] == "three"
    assert (bytes(recorder.out), bytes(recorder.err)) == (b"one two ", b"three")


def test_nothing_is_asked_of_the_host_when_the_task_has_answered(bench: Workbench) -> None:
    source = """import atexit
from capsule import task
@task
def other(): return 1
@task
def main():
    atexit.register(other)
    return 2
"""
    envelope = bench.run(source)
    assert envelope["result"] == 2
    assert "has answered already" in envelope["execution"]["stderr"]


def test_output_that_is_too_long_is_cut_at_line_ends(bench: Workbench) -> None:
    source = "def main():\n    for number in range(20_000): print(number)\n"
    execution = bench.run(source)["execution"]
    lines = execution["stdout"].splitlines()
    (at,) = [at for at, line in enumerate(lines) if not line.isdigit()]
    assert lines[at] == f"[{execution['truncated_bytes']:,} bytes are left out here]"
    numbers = [int(line) for line in lines if line.isdigit()]
    assert numbers == [*range(at), *range(20_000 - (len(numbers) - at), 20_000)]


def test_what_watches_all_functions_and_raises_is_the_tasks_error(bench: Workbench) -> None:
    source = """
import sys
def main():
    watch = sys.monitoring
    watch.use_tool_id(3, "mine")
    def raises(*seen):
        raise RuntimeError("watched")
    watch.register_callback(3, watch.events.PY_START, raises)
    watch.set_events(3, watch.events.PY_START)
    return "done"
"""
    error = bench.run(source)["error"]
    assert isinstance(error, dict)
    assert (error["error_type"], error["message"]) == ("task_error", "RuntimeError: watched")


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ("class Later: pass\nKEPT = Later()", "Later.__del__ = lambda self: print('gone')"),
        ("class Later: pass\nKEPT = [[Later()]]", "Later.__del__ = lambda self: print('gone')"),
        ("class Later: pass", "global KEPT; KEPT = Later(); Later.__del__ = lambda me: print('gone')"),
        ("def steps():\n    try: yield\n    finally: print('gone')\nKEPT = steps()\nnext(KEPT)", ""),
        ("import weakref\nclass Some: pass\nKEPT = Some()\n"
         "weakref.finalize(KEPT, print, 'gone')", ""),
        ("import atexit\natexit.register(print, 'gone')", ""),
    ],
)  # fmt: skip
def test_an_end_that_says_something_is_not_left_out(
    bench: Workbench, before: str, body: str
) -> None:
    source = f"{before}\n{TASK}def main():\n    {body or 'pass'}\n    return 1\n"
    assert bench.run(source)["execution"]["stdout"] == "gone\n"


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import json, re\nWORDS = re.compile('a+')",
        "class Point:\n    size = 1\n",
        "TABLE = {1: [2]}",
    ],
)
def test_an_end_that_nobody_sees_is_left_out(bench: Workbench, before: str) -> None:
    source = f"""{before}
{TASK}def main():
    import capsule_guest.program_end
    return capsule_guest.program_end.is_over()
"""
    assert bench.run(source)["result"] is True


@pytest.mark.parametrize("where", ["KEPT = Late()", "class Some: pass"])
def test_a_type_that_cannot_be_looked_at_keeps_no_answer_away(bench: Workbench, where: str) -> None:
    source = f"""class Odd(type):
    def __hash__(kind): raise SystemExit(3)
class Late(metaclass=Odd): pass
{where}
{TASK}def main():
    global HELD
    HELD = Late()
    return 1
"""
    assert bench.run(source)["result"] == 1
