"""Type errors of a turn before it runs, by the real checker."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from capsule import CapsuleError, Session, SessionSync
from capsule.type_check import checker_process

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration


def price(name: str, kind: Literal["net", "gross"] = "net") -> dict[str, list[int]]:
    """Return what it costs."""
    return {name: [3], kind: []}


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SessionSync]:
    with SessionSync(timeout="20s", cwd=tmp_path, tools=[price]) as opened:
        yield opened


def found(session: SessionSync, code: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.rule) for problem in session.check(code)]


def test_a_turn_with_type_errors_is_not_run(session: SessionSync) -> None:
    session.run("x = 1\ndef double(n: int) -> int:\n    return 2 * n")
    states = session.states
    turn = session.run("x = 5\nprint('ran')\ndouble('a')", check=True)
    assert turn.error is not None
    assert (turn.success, turn.error.error_type) == (False, "type_error")
    assert turn.error.message == (
        "1 type error, and nothing was run:\nline 3: Argument to function `double` is incorrect:"
        ' Expected `int`, found `Literal["a"]` (invalid-argument-type)'
    )
    assert (turn.execution.stdout, turn.execution.run_id, turn.files) == ("", None, [])
    assert (turn.kept().name, turn.execution.fuel_consumed) == (states[-1], 0)
    assert session.states == states
    assert session.run("x, double(x)", check=True).result == [1, 2]


def test_what_a_session_knows_is_known(session: SessionSync) -> None:
    session.run("import json\nclass Point:\n    x: int = 1\npoint = Point()")
    assert (
        found(session, "point.x + 1\njson.loads('1')\nawait __import__('asyncio').sleep(0)") == []
    )
    assert found(session, "_\ndisplay(point)\nfrom capsule import ToolError, display, tools") == []
    assert found(session, "point.y\n\nnowhere_defined") == [
        (1, "missing-attribute"),
        (3, "unresolved-reference"),
    ]
    # What is no Python, and how far ty reads it.
    assert found(session, "1 +") != []


def test_functions_of_the_host_have_their_signatures(session: SessionSync) -> None:
    assert found(session, "price('a', kind='net')['a'][0] + 1\nawait price.aio('a')") == []
    assert [
        str(problem)
        for problem in session.check("price(3)\nfrom capsule import tools\ntools.price()")
    ] == [
        "line 1: Argument to function `price` is incorrect: Expected `str`, found `Literal[3]`"
        " (invalid-argument-type)",
        "line 3: No argument provided for required parameter `name` of function `price`"
        " (missing-argument)",
    ]
    assert found(session, "price('a', 'all')")[0][1] == "invalid-argument-type"
    assert found(session, "price('a').foo")[0][1] == "missing-attribute"
    # A turn may have others.
    turn = session.run("price('a')", tools={"other": price}, check=True)
    assert turn.error is not None
    assert "Name `price` used when not defined" in turn.error.message
    # A name of the session's own goes before.
    session.run("def price(n: int) -> int: return n")
    assert found(session, "price(3) + 1") == []


def test_a_turn_that_raised_has_names_without_types(session: SessionSync) -> None:
    session.run("x = 1\nclass C: pass\n1 / 0\nx = ''\ny = 2")
    assert found(session, "x.anything\ndef f(c: C) -> C: return c\ny") == []
    assert found(session, "z") == [(1, "unresolved-reference")]
    session.run("a = 1")
    session.run("1 / 0\ndel a")
    assert session.run("a + 1", check=True).result == 2


def test_what_a_function_does_to_a_global_is_no_error(session: SessionSync) -> None:
    session.run("count = 1\ndef set_it():\n    global count\n    count = ['a']")
    session.run("set_it()")
    assert found(session, "count.append('b')\nif count != 1: k = 1\nprint(k)") == []


CHANGED: list[tuple[str, ...]] = [
    ("d = {'k': None}", "d['k'] = []", "d['k'].append(1)"),
    ("d = {'k': None}\nd['k'] = []", "d['k'].append(1)"),
    ("class O: v = None\nobj = O()", "obj.v = 'a'", "obj.v.upper()"),
    ("class O: v = None", "O.v = 'a'", "O.v.upper()"),
    ("x = [[None]]", "def f():\n    x[0][0] = 'a'\nf()", "x[0][0].upper()"),
    ("def f():\n    global g\n    g = 1", "f()", "g + 1"),
    ("def f():\n    global g\n    g = 1\nf()\ng + 1", "g + 1"),
    ("x = 1\ndef f():\n    global x\n    x = 'a'", "f()", "y = x", "y.upper()"),
]


@pytest.mark.parametrize("codes", CHANGED, ids=str)
def test_what_a_turn_changed_is_no_error(session: SessionSync, codes: tuple[str, ...]) -> None:
    for code in codes:
        turn = session.run(code, check=True)
        assert turn.success, turn.error


REDEFINED: list[tuple[str, ...]] = [
    ("x: int = 1", "x: str = 'a'\nx.upper()"),
    ("x: int = 1", "x = 'a'\nx.upper()"),
    ("x: int = 1", "x = 'a'", "x.upper()"),
    ("x: int = 1", "for x in 'ab': x.upper()"),
    ("x: int = 1", "x: str = 'a'", "def f(): return x.upper()\nf()"),
    ("x = None", "x = 'a'\ndef f(): return x.upper()\nf()"),
    ("def f(a: int): return a", "def f(a: str, b): return a", "def g(): return f('x', 1)\ng()"),
    ("def f(a: int): return a", "f = 5", "f + 1"),
    ("class A: pass", "class A:\n    n = 1\n    def m(self): return A().n", "A().m() + A.n"),
    ("x = 1", "from __future__ import annotations\ndef f(): return x\nf()"),
    ("import xml.dom.minidom", "import xml.sax", "xml.dom.minidom, xml.sax"),
    ("x = [i for i in 'ab']", "i = 3\nx = [i for i in (1, 2)]", "x[0] + i"),
    ("async def f(): return 1\nx = await f()", "x + 1"),
]


@pytest.mark.parametrize("codes", REDEFINED, ids=str)
def test_a_name_is_what_the_last_turn_made_of_it(
    session: SessionSync, codes: tuple[str, ...]
) -> None:
    """As it is when it runs: earlier turns may have had another function, or declared it."""
    for code in codes:
        turn = session.run(code, check=True)
        assert turn.success, turn.error


def test_what_the_last_turn_made_of_a_name_is_known(session: SessionSync) -> None:
    session.run("x: int = 1\ndef f(): return 1\nclass A: pass\na = A()")
    session.run("x = 'a'\ndef f(n): return n\nclass A:\n    n = 1")
    assert found(session, "x + 1\nf()\nx = x + 1") == [
        (1, "unsupported-operator"),
        (2, "missing-argument"),
        (3, "unsupported-operator"),
    ]
    (other,) = session.check("def g(b: A): return b.n\ng(a)")
    assert "Expected `A`, found `an earlier A`" in other.message
    session.run("del x")
    assert found(session, "x") == [(1, "unresolved-reference")]


@pytest.mark.parametrize(
    "code", ["%timeit 1 + 1", "files = !ls", "len?", "if 1:\n    %time 2", "1 +", "return 1"]
)
def test_what_is_no_python_is_refused(session: SessionSync, code: str) -> None:
    """IPython's own too: what it would be there runs nowhere here."""
    assert {rule for _, rule in found(session, code)} == {"invalid-syntax"}
    error = session.run(code).error
    assert error is not None
    assert "SyntaxError" in error.message


def test_what_is_python_alone_is_not_refused(session: SessionSync) -> None:
    code = """import asyncio
async def numbers():
    yield 1
await asyncio.sleep(0)
[n async for n in numbers()] + [await asyncio.sleep(0, n) for n in (2, 3)]
async for n in numbers(): pass
text = "%magic !and ?" + f'{'%s'}'
"""
    turn = session.run(code, check=True)
    assert turn.success, turn.error
    for wrong in ("def f():\n    await f()", "class A:\n    x = await f()"):
        assert (2, "invalid-syntax") in found(session, wrong)


def test_comments_for_checkers_hold(session: SessionSync) -> None:
    """And one that nothing needs is no reason to know nothing, now and in later turns."""
    assert found(session, "price(3)  # type: ignore\nprice(3)  # ty: ignore") == []
    assert found(session, "price(3)  # type: ignore[attr-defined]\nprice(4)")[-1][0] == 2
    assert found(session, "price('a')  # type: ignore\nprice(3)")[0][0] == 2
    session.run("x = 1  # type: ignore")
    assert found(session, "x + 'a'") == [(1, "unsupported-operator")]


def test_going_back_forgets(session: SessionSync) -> None:
    before = session.run("x = 1").state
    session.run("x = ''\ny = 2")
    with session.fork(before) as fork:
        assert found(fork, "x + 1") == []
        assert found(fork, "y") == [(1, "unresolved-reference")]
    assert found(session, "x + 1") == [(1, "unsupported-operator")]
    session.back(before)
    session.write("a.txt", b"")
    assert found(session, "x + 1") == []


def test_a_state_from_a_file_is_unknown(session: SessionSync, tmp_path: Path) -> None:
    session.run("x = 1")
    session.save("x.session")
    with SessionSync.load(tmp_path / "x.session", tools=[price], cwd=tmp_path) as loaded:
        assert found(loaded, "x + 1\nunheard_of") == []
        assert found(loaded, "price(1)") == [(1, "invalid-argument-type")]
        loaded.run("y = ''")
        assert found(loaded, "y + 1") == [(1, "unsupported-operator")]


def test_imports(session: SessionSync, tmp_path: Path) -> None:
    fine = "import numpy as np, pandas, yaml, dateutil, PIL.Image, sqlite3\nnp.anything + pandas.x"
    assert found(session, fine) == []
    assert found(session, "import nowhere") == [(1, "import-not-found")]
    assert found(session, "try:\n    import nowhere\nexcept ImportError:\n    pass") == []
    with SessionSync(files={"mine.py": b"x = 1"}, cwd=tmp_path) as other:
        assert found(other, "import mine\nmine.x + ''") == []


def test_nothing_of_the_users_folder_is_read(
    session: SessionSync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "ty.toml").write_text('[rules]\nall = "ignore"\n')
    (project / "pyproject.toml").write_text('[tool.ty.rules]\nall = "ignore"\n')
    (project / "__builtins__.pyi").write_text("anything: int\n")
    (project / "json.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(project)
    for name in ("HOME", "XDG_CONFIG_HOME", "VIRTUAL_ENV", "PYTHONPATH"):
        monkeypatch.setenv(name, str(project))
    monkeypatch.setenv("TY_CONFIG_FILE", str(project / "ty.toml"))
    assert found(session, "import json\njson.dumps(1).foo\nanything") == [
        (2, "missing-attribute"),
        (3, "unresolved-reference"),
    ]


def test_code_is_read_and_never_run(session: SessionSync, tmp_path: Path) -> None:
    made = str(tmp_path / "made")
    code = f"open({made!r}, 'w')\nimport os\nos.system({f'touch {made}'!r})"
    assert found(session, code) == []
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "code",
    [
        "x = 1\n" * 100_000,
        "\0",
        "\ud800",
        "%timeit 1\n!ls",
    ],
    ids=["lines", "zero", "surrogate", "magic"],
)
def test_strange_code_is_answered_or_refused(session: SessionSync, code: str) -> None:
    with suppress(CapsuleError):
        assert all(problem.line > 0 for problem in session.check(code))
    assert session.check("1") == []


def test_what_is_too_much_is_refused(session: SessionSync) -> None:
    with pytest.raises(CapsuleError, match="1,000,001 characters; 1,000,000 are read at most"):
        session.check("#" * 1_000_001)
    wrong: Any = b"x"
    with pytest.raises(CapsuleError, match="code is text, and this is bytes"):
        session.check(wrong)
    turn = session.run("\n".join(f"x{number}" for number in range(50)), check=True)
    assert turn.error is not None
    lines = turn.error.message.splitlines()
    assert (lines[0], len(lines), lines[-1]) == (
        "50 type errors, and nothing was run:",
        22,
        "(30 more)",
    )


def test_without_the_extra(session: SessionSync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ty", None)
    with pytest.raises(CapsuleError) as raised:
        session.check("1")
    assert (raised.value.code, raised.value.hint) == (
        "check_error",
        'pip install "ty>=0.0.100,<0.1"',
    )
    with pytest.raises(CapsuleError, match="not installed"):
        session.run("1", check=True)
    assert session.run("1").result == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the walls are those of Linux")
def test_the_checker_has_no_network_and_no_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    # A program in its place that tries: what it cannot do, the checker could not.
    shell = Path("/bin/bash").resolve()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        attempts = (f"exec 3<>/dev/tcp/127.0.0.1/{port}", "exec 3</etc/passwd", "exec 3<>/tmp/made")
        tried = "; ".join(f"( {each} ) 2>&- && echo got >&2" for each in attempts)
        words = [str(shell), "-c", f"{tried}; echo tried /* >&2; exit 9"]
        monkeypatch.setattr(checker_process, "program", lambda: shell)
        monkeypatch.setattr(checker_process, "_words", lambda *_: words)
        with pytest.raises(CapsuleError, match=r"ended with 9, tried /\*\n"):
            checker_process.check("", "", {}, 1)
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_session_that_is_awaited(tmp_path: Path) -> None:
    async def main() -> tuple[list[int], bool, bool]:
        async with Session(timeout="20s", cwd=tmp_path) as session:
            # In the order in which they are asked for.
            _, problems = await asyncio.gather(session.run("x = 1"), session.check("x.y\nz"))
            turn = await session.run("x.y", check=True)
            more = await session.run("x + 1", check=True)
            return [problem.line for problem in problems], turn.success, more.success

    assert asyncio.run(main()) == ([1, 2], False, True)


def test_code_is_read_as_it_is_whatever_the_systems_encoding(toolchain_home: Path) -> None:
    program = (
        "from capsule import SessionSync\n"
        "with SessionSync() as session:\n"
        "    session.run('name = \\'\\u00e9\\'').unwrap()\n"
        "    print(ascii(session.check('\\u00e4 = name\\r\\nn: int = \\u00e4\\r\\n')))\n"
    )
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"[TypeProblem(line=2, "), done
