"""Declarations: every way to write a task, and an error for every way that cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsule.errors import CapsuleError, PolicyError, UsageError
from capsule.policy.declaration_types import MAX_TASKS
from capsule.policy.task_declarations import read_source
from capsule.shared.task_options import OPTIONS

IMPORT = "from capsule import task\n"


def refusal(source: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        read_source(source, "t.py")
    assert caught.value.message.startswith("t.py:")
    return caught.value


def options(decorator: str, before: str = "") -> dict[str, object]:
    (task,) = read_source(f"{IMPORT}{before}\n{decorator}\ndef f(): pass", "t.py").tasks
    return dict(task.options)


@pytest.mark.parametrize(
    "source",
    [
        "from capsule import task\n@task\ndef f(): pass",
        "from capsule import task\n@task()\ndef f(): pass",
        "from capsule import *\n@task\ndef f(): pass",
        "from capsule import task as t\n@t\ndef f(): pass",
        "import capsule\n@capsule.task\ndef f(): pass",
        "import capsule as c\n@c.task()\ndef f(): pass",
        "import capsule as task\n@task.task\ndef f(): pass",
        "from capsule import task\nfrom capsule import task\n@task\ndef f(): pass",
        "import functools\nfrom capsule import task\n@task\n@functools.cache\ndef f(): pass",
        "try:\n  from capsule import task\nexcept ImportError:\n  raise\n@task\ndef f(): pass",
        "#!/usr/bin/env capsule\n'''doc'''\nfrom capsule import task\n@(task)\ndef f(): pass",
        "from capsule import task\ndef f(): pass\n@task\ndef f(): pass",
        "from capsule import task\n@task\ndef f(): pass\nif __name__ == '__main__':\n  f = f()",
    ],
)
def test_every_way_to_mark_a_task(source: str) -> None:
    declared = read_source(source, "t.py")
    assert [(task.name, task.options) for task in declared.tasks] == [("f", {})]


def test_what_is_known_of_a_task() -> None:
    source = f"{IMPORT}\n@task(name='crunch', ram='1GB')\nasync def f(): pass\n@task\ndef g(): pass"
    first, second = read_source(source, "dir/t.py").tasks
    assert (first.name, first.function, first.filename, first.line) == (
        "crunch",
        "f",
        "dir/t.py",
        4,
    )
    assert first.is_async
    assert first.options == {"ram": "1GB"}
    assert (second.name, second.function, second.line, second.is_async) == ("g", "g", 6, False)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def main(): pass", 1),
        ("async def main(): pass", 1),
        ("import functools\n@functools.cache\ndef main(): pass", 3),
        (f"{IMPORT}@task\ndef other(): pass\ndef main(): pass", 4),
        ("def task(): pass\ndef main(): pass", 2),
    ],
)
def test_a_plain_main(source: str, line: int) -> None:
    plain = read_source(source, "t.py").plain_main
    assert plain is not None
    assert (plain.name, plain.function, plain.line, plain.options) == ("main", "main", line, {})
    assert plain.is_async == ("async" in source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "if 1:\n  def main(): pass",
        "class main: pass",
        "main = 1",
        f"{IMPORT}@task\ndef main(): pass",
    ],
)
def test_no_plain_main(source: str) -> None:
    assert read_source(source, "t.py").plain_main is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'a' 'b'", "ab"),
        ("-1", -1),
        ("+1.5", 1.5),
        ("True", True),
        ("None", None),
        ("['a', ('b',), {'k': 'v'}]", ["a", ("b",), {"k": "v"}]),
        ("HOST", "h"),
        ("[HOST, 'x']", ["h", "x"]),
        ("{'path': HOST}", {"path": "h"}),
        ("HOSTS", ["h", "i"]),
        ("ALIAS", "h"),
    ],
)
def test_literals_and_constants(value: str, expected: object) -> None:
    before = "HOST = 'h'\nHOSTS: list[str] = [HOST, 'i']\nALIAS = HOST"
    assert options(f"@task(allowed_hosts={value})", before) == {"allowed_hosts": expected}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("'a' + 'b'", "'a' + 'b' (line 3) is computed"),
        ("f'{1}MB'", "f'{1}MB' (line 3) is an f-string"),
        ("not True", "is computed"),
        ("-'a'", "is computed"),
        ("-True", "is computed"),
        ("~1", "is computed"),
        ("1 if x else 2", "is computed"),
        ("str(1)", "is a call"),
        ("os.environ['X']", "is looked up when the module runs"),
        ("config.RAM", "is looked up when the module runs"),
        ("{'a'}", "is a set, which has no order"),
        ("[*x]", "is unpacked when the module runs"),
        ("{**x}", "unpacks another dict"),
        ("{'a': 1, 'a': 2}", "has the same key twice"),
        ("{1: 2}", "has keys that are not strings"),
        ("[x for x in y]", "is a comprehension"),
        ("lambda: 1", "is not a literal"),
        ("(x := '1MB')", "is not a literal"),
        ("UNKNOWN", "is a name that the module does not assign"),
        ("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "nested more than 16 levels deep"),
        ("[" + "1," * 10_000 + "]", "has more than 10,000 items"),
    ],
)
def test_what_is_no_literal(value: str, problem: str) -> None:
    error = refusal(f"{IMPORT}\n@task(ram={value})\ndef f(): pass")
    assert error.message.startswith("t.py:3: task function 'f': ram: ")
    assert problem in error.message
    assert "allowed: literals" in error.message
    assert len(error.message) < 500


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        ("R = '1MB'\nR = '2GB'", "binds more than once (2, 3)"),
        ("R = '1MB'\nR += 'x'", "binds more than once (2, 3)"),
        ("R = '1MB'\nfor R in x: pass", "binds more than once"),
        ("R = '1MB'\ndef g():\n  global R\n  R = '2GB'", "binds more than once (2, 4)"),
        ("R = '1MB'\nprint(R := '2GB')", "binds more than once"),
        ("if 1:\n  R = '1MB'", "is no constant assigned at the top of the module (line 3)"),
        ("import R", "is no constant"),
        ("R, S = '1MB', 2", "is no constant"),
        ("R: str", "is a name that the module does not assign"),
        ("R = f()", "f() (line 2) is a call"),
        ("R = S\nS = R", "nested more than 16 levels"),
        ("R = R", "nested more than 16 levels"),
    ],
)
def test_what_is_no_constant(before: str, problem: str) -> None:
    assert problem in refusal(f"{IMPORT}{before}\n@task(ram=R)\ndef f(): pass").message


def test_constants_that_multiply_are_refused_at_once() -> None:
    levels = "".join(f"A{i + 1} = [{', '.join([f'A{i}'] * 9)}]\n" for i in range(6))
    source = f"{IMPORT}A0 = 'x'\n{levels}@task(allowed_hosts=A6)\ndef f(): pass"
    assert "has more than 10,000 items" in refusal(source).message


@pytest.mark.parametrize(
    ("decorator", "problem", "hint"),
    [
        ("@task('LOW')", "'LOW' has no name; @task takes keywords only", None),
        ("@task(*args)", "*args has no name", None),
        ("@task(**options)", "**options is unpacked", None),
        (
            "@task(compte='LOW')",
            "@task has no option 'compte'; allowed: name, compute",
            "compute=...",
        ),
        ("@task(zzz=1)", "@task has no option 'zzz'", None),
        ("@task(ram='1MB', ram='2MB')", "ram is given twice", None),
        ("@task(name='a', name='b')", "name is given twice", None),
        ("@task(name='')", "name: '' is not the name of a task", None),
        ("@task(name=1)", "name: 1 is not the name of a task", None),
        ("@task(name=None)", "name: None is not", None),
        ("@task(name='a\\nb')", "name: 'a\\nb' is not", None),
        ("@task(name=' a')", "name: ' a' is not", None),
        (f"@task(name='{'a' * 129}')", "is not the name of a task", None),
        ("@task\n@task", "marked with @task twice", None),
        ("@task()()", "uses capsule's task in a way that cannot be read", None),
        ("@(task if x else y)", "uses capsule's task in a way", None),
        ("@wrap(task)", "uses capsule's task in a way", None),
        ("@functools.partial(task, ram='1GB')", "uses capsule's task in a way", None),
        ("@task.__call__", "uses capsule's task in a way", None),
        ("@(lambda f: task(f))", "uses capsule's task in a way", None),
    ],
)
def test_decorators_that_cannot_be_read(decorator: str, problem: str, hint: str | None) -> None:
    error = refusal(f"{IMPORT}\n{decorator}\ndef f(): pass")
    assert problem in error.message
    assert error.hint == hint


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (f"{IMPORT}@task\nclass A: pass", "t.py:3: the class 'A' is marked with @task"),
        (f"{IMPORT}def f():\n  @task\n  def g(): pass", "t.py:4: the task function 'g' is inside"),
        (f"{IMPORT}class A:\n  @task\n  def g(self): pass", "'g' is inside another block"),
        (f"{IMPORT}if 1:\n  @task(ram='1MB')\n  def g(): pass", "'g' is inside another block"),
        (
            f"{IMPORT}try:\n  pass\nexcept E:\n  @task\n  def g(): pass",
            "'g' is inside another block",
        ),
        ("def f():\n  from capsule import task\n  @task\n  def g(): pass", "'g' is inside another"),
        (f"{IMPORT}class A:\n  @task\n  class B: pass", "the class 'B' is marked"),
        (f"{IMPORT}@task\ndef f(): pass\nf = 1", "'f' is bound again at line 4"),
        (f"{IMPORT}@task\ndef f(): pass\ndef f(): pass", "'f' is bound again at line 4"),
        (f"{IMPORT}@task(name='a')\ndef f(): pass\n@task(name='b')\ndef f(): pass", "bound again"),
        (f"{IMPORT}@task\ndef f(): pass\nfrom x import f", "bound again at line 4"),
        (
            f"{IMPORT}@task\ndef f(): pass\n@task(name='f')\ndef g(): pass",
            "'f' is declared a second",
        ),
    ],
)
def test_tasks_that_are_no_plain_functions_of_the_module(source: str, problem: str) -> None:
    assert problem in refusal(source).message


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("@task\ndef f(): pass", "t.py:1: the name 'task' is used but not imported"),
        ("@task(ram='1MB')\ndef f(): pass", "'task' is used but not imported"),
        ("@capsule.task\ndef f(): pass", "'capsule' is used but not imported"),
        ("from x import *\n@task\ndef f(): pass", "'task' is used but not imported"),
        (
            "def task(f): return f\n@task\ndef f(): pass",
            "'task' is bound at line 1 to something else",
        ),
        (f"{IMPORT}task = 1\n@task\ndef f(): pass", "'task' is bound at line 2 to something else"),
        (f"{IMPORT}@task\ndef f(): pass\ndel task", "'task' is bound at line 4"),
        (f"{IMPORT}for task in x: pass\n@task\ndef f(): pass", "'task' is bound at line 2"),
        (f"{IMPORT}print(task := x)\n@task\ndef f(): pass", "'task' is bound at line 2"),
        (f"{IMPORT}from x import task\n@task\ndef f(): pass", "'task' is bound at line 2"),
        (f"{IMPORT}def g():\n  global task\n@task\ndef f(): pass", "'task' is bound at line 3"),
        ("from common import task\n@task\ndef f(): pass", "'task' is bound at line 1"),
        (
            "import capsule\nfrom capsule import task as capsule\n@capsule\ndef f(): pass",
            "'capsule' is bound",
        ),
        (
            "import capsule\ncapsule = x\n@capsule.task\ndef f(): pass",
            "'capsule' is bound at line 2",
        ),
        (
            f"try:\n  {IMPORT}except E:\n  def task(f): return f\n@task\ndef f(): pass",
            "'task' is bound",
        ),
        (f"{IMPORT}t = task\n@t\ndef f(): pass", "@t uses capsule's task in a way"),
        (f"{IMPORT}t = task(ram='1MB')\n@t\ndef f(): pass", "@t uses capsule's task in a way"),
        (
            "import capsule\nt = p(capsule.task)\n@t\ndef f(): pass",
            "@t uses capsule's task in a way",
        ),
    ],
)
def test_names_that_may_not_be_capsules(source: str, problem: str) -> None:
    assert problem in refusal(source).message


@pytest.mark.parametrize(
    "source",
    [
        "from capsule import task\ntask = 1",
        "def task(f): return f\ndef g():\n  @task\n  def h(): pass",
        "import celery\n@celery.task\ndef f(): pass",
        "from capsule import run\n@run\ndef f(): pass",
        "import capsule\n@capsule.other\ndef f(): pass",
        "from capsule import task\ntasks = [task for task in x]\nprint(tasks)",
    ],
)
def test_what_is_not_ours_declares_nothing(source: str) -> None:
    assert read_source(source, "t.py").tasks == ()


def test_tasks_are_bounded() -> None:
    source = IMPORT + "".join(f"@task\ndef f{i}(): pass\n" for i in range(MAX_TASKS))
    assert len(read_source(source, "t.py").tasks) == MAX_TASKS
    with pytest.raises(PolicyError, match=r"t.py: more than 1,000 tasks"):
        read_source(source + "@task\ndef last(): pass", "t.py")


def test_nothing_of_the_source_runs(tmp_path: object) -> None:
    source = f"{IMPORT}raise SystemExit(1)\n@task(ram=open('/etc/passwd').read())\ndef f(): pass"
    assert "is a call" in refusal(source).message


def test_bytes_and_text_read_alike() -> None:
    source = f"# coding: latin-1\n{IMPORT}@task(name='\u00e9')\ndef f(): pass"
    assert read_source(source, "t.py") == read_source(source.encode("latin-1"), "t.py")


def test_a_source_that_is_no_python_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"t.py:1: "):
        read_source("def", "t.py")


PIECES = st.sampled_from(
    [
        "from capsule import task\n",
        "import capsule as c\n",
        "@task\n",
        "@task(",
        "@c.task(",
        ")\n",
        "def main(): pass\n",
        "async def f():\n",
        " ",
        "  return 1\n",
        "class A:\n",
        "ram=",
        "name=",
        "'64MB'",
        "R",
        "R = '1GB'\n",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "**k",
        "*",
        "f'{x}'",
        "-1",
        "=",
        "\n",
        "if __name__ == '__main__':\n",
        "global task\n",
        "task = 1\n",
        "\\",
        "'''",
        "#",
        "\x0c",
        "\t",
        "lambda: ",
        "match x:\n",
        " case task: pass\n",
        "try:\n",
        "except E as task:\n",
        "del R\n",
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=25).map("".join) | st.text() | st.binary())
def test_any_source_is_read_or_refused(source: str | bytes) -> None:
    try:
        declared = read_source(source, "t.py")
    except CapsuleError:
        return
    assert len({task.name for task in declared.tasks}) == len(declared.tasks)
    assert all(task.options.keys() <= set(OPTIONS) for task in declared.tasks)
