"""Sessions: state that goes on, is gone back to, forked, saved, and kept through what goes wrong."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from capsule import CapsuleError, Session, SessionSync
from capsule.errors import UsageError
from capsule.process import written_pages as kernel
from capsule.sessions import saved_state
from capsule.sessions.state_store import StateStore
from capsule.snapshot.changed_pages import PAGE, PageRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


@pytest.fixture
def session(toolchain_home: Path, tmp_path: Path) -> Iterator[SessionSync]:
    folder = toolchain_home / "cache" / "sessions"
    before = set(folder.glob("*"))
    with SessionSync(timeout="20s", cwd=tmp_path) as opened:
        yield opened
    assert set(folder.glob("*")) <= before


def result(session: SessionSync, code: str) -> Any:
    turn = session.run(code)
    assert turn.success, turn.error
    return turn.result


def test_turns_go_on_where_the_one_before_ended(session: SessionSync) -> None:
    session.run(
        "x = 41\ndef add(n):\n    return n + x\nclass C:\n    y = 1\n"
        "g = (i * i for i in range(10))\nnext(g)"
    )
    assert result(session, "add(1), C().y, next(g), next(g)") == [42, 1, 1, 4]
    session.run("x = 0\nimport json as j\nfrom pathlib import Path as P")
    assert result(session, "add(1), j.dumps([1]), str(P('/a'))") == [1, "[1]", "/a"]
    assert result(session, "next(g)") == 9


def test_what_a_turn_answers(session: SessionSync) -> None:
    turn = session.run("print('out')\n{'a': [1, None]}")
    assert (turn.result, turn.text) == ({"a": [1, None]}, "{'a': [1, None]}")
    assert turn.execution.stdout == "out\n"
    assert turn.execution.run_id
    turn = session.run("{1, 2}")
    assert (turn.result, turn.text, turn.success) == (None, "{1, 2}", True)
    turn = session.run("y = 5")
    assert (turn.result, turn.text) == (None, "")
    turn = session.run("'x' * 100_000")
    assert turn.result == "x" * 100_000
    assert len(turn.text) < 21_000
    assert "characters left out" in turn.text
    assert session.run("_ is not None").result is True
    assert session.run("await __import__('asyncio').sleep(0, 'awaited')").result == "awaited"


def test_fuel_is_known_when_the_state_is_kept(session: SessionSync) -> None:
    turn = session.run("sum(range(1_000_000))")
    before = turn.execution.fuel_consumed
    kept = turn.kept()
    assert before is None
    assert kept.name == turn.state.name
    assert turn.execution.fuel_consumed == kept.fuel_consumed
    more = session.run("sum(range(10_000_000))").kept()
    assert kept.fuel_consumed is not None
    assert more.fuel_consumed is not None
    assert 9 < more.fuel_consumed / kept.fuel_consumed < 11


def test_a_traceback_has_the_lines_of_all_turns(session: SessionSync) -> None:
    session.run("def fail(n):\n    return 1 / n")
    turn = session.run("a = 1\nfail(0)")
    assert turn.error is not None
    assert turn.error.error_type == "task_error"
    assert turn.error.traceback is not None
    lines = [line.strip() for line in turn.error.traceback.splitlines()]
    assert 'File "turn 2", line 2, in <module>' in lines
    assert 'File "turn 1", line 2, in fail' in lines
    assert "return 1 / n" in lines
    assert not any("capsule" in line for line in lines)
    # What it did before stays.
    assert result(session, "a") == 1
    turn = session.run("b = (")
    assert turn.error is not None
    assert "SyntaxError" in turn.error.message


def test_every_state_can_be_gone_back_to_and_forked(session: SessionSync) -> None:
    states = [session.run(f"x = {number}").state for number in range(4)]
    session.back(states[1])
    assert result(session, "x") == 1
    fork = session.fork(states[2])
    session.run("x = 'here'")
    assert result(fork, "x") == 2
    fork.run("x = 'there'")
    assert (result(session, "x"), result(fork, "x")) == ("here", "there")
    fork.close()
    session.back(session.states[0])
    assert session.run("x").success is False
    with pytest.raises(CapsuleError, match="no state"):
        session.back("0" * 32)
    with pytest.raises(CapsuleError, match="no name of a state"):
        session.back("../../etc/passwd")


def test_random_generators_go_on_and_forks_draw_the_same(session: SessionSync) -> None:
    session.run("import random, os, uuid, time")
    first = result(session, "random.random()")
    state = session.states[-1]
    two = [fork_result(session, state, "random.random()") for _ in range(2)]
    assert two[0] == two[1] != first
    anew = session.fork(state, reseed=True)
    assert result(anew, "random.random()") not in two
    anew.close()
    fresh = [fork_result(session, state, "os.urandom(8).hex() + uuid.uuid4().hex") for _ in "ab"]
    assert fresh[0] != fresh[1]
    with SessionSync() as other:
        assert result(other, "import random; random.random()") != first


def fork_result(session: SessionSync, state: str, code: str) -> Any:
    fork = session.fork(state)
    try:
        return result(fork, code)
    finally:
        fork.close()


def test_files_belong_to_the_state(session: SessionSync, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"a,b\n")
    with SessionSync(files={"in.csv": "in.csv", "deep/x.bin": b"\0\1"}, cwd=tmp_path) as opened:
        assert result(opened, "open('in.csv').read(), open('deep/x.bin', 'rb').read().hex()") == [
            "a,b\n",
            "0001",
        ]
        turn = opened.run("open('out.txt', 'w').write('abc'); open('in.csv', 'a').write('1,2\\n')")
        assert [tuple(each) for each in turn.files] == [
            ("in.csv", 8, "changed"),
            ("out.txt", 3, "new"),
        ]
        assert opened.read("out.txt") == b"abc"
        before = turn.state
        turn = opened.run("import os; os.remove('out.txt'); open('/tmp/kept', 'w').write('t')")
        assert [tuple(each) for each in turn.files] == [("out.txt", 0, "gone")]
        assert result(opened, "open('/tmp/kept').read(), os.path.exists('out.txt')") == ["t", False]
        opened.back(before)
        assert result(opened, "open('out.txt').read()") == "abc"
        opened.write("given.txt", b"later")
        assert result(opened, "open('given.txt').read()") == "later"
        for name in ("../x", "/../x", "a/../../x", ""):
            with pytest.raises(CapsuleError):
                opened.write(name, b"")
        with pytest.raises(CapsuleError, match="there is no file"):
            opened.read("gone")
    assert (tmp_path / "in.csv").read_text() == "a,b\n"


def test_names_that_begin_with_a_dot(session: SessionSync) -> None:
    names = [".env", ".git/config", "..deep/.x/y", ".empty/"]
    turn = session.run(
        "import os\n"
        f"for name in {names}:\n"
        "    os.makedirs(os.path.dirname(name) or '.', exist_ok=True)\n"
        "    if not name.endswith('/'): print(name, file=open(name, 'w'))"
    )
    assert turn.success, turn.error
    assert [file.name for file in turn.files] == sorted(names[:3])
    assert session.read(".git/config") == b".git/config\n"
    assert result(session, "sorted(os.listdir('.')), open('..deep/.x/y').read()") == [
        ["..deep", ".empty", ".env", ".git"],
        "..deep/.x/y\n",
    ]


def test_open_files_and_databases_go_on(session: SessionSync) -> None:
    session.write("in.txt", b"one\ntwo\nthree\n")
    session.run("f = open('in.txt'); f.readline()")
    session.run("w = open('out.txt', 'w'); w.write('abc')\na = open('log', 'ab'); a.write(b'1')")
    session.run("import os; raw = os.open('raw', os.O_RDWR | os.O_CREAT); os.write(raw, b'xyz')")
    session.run(
        "import sqlite3; db = sqlite3.connect('x.db'); db.execute('create table t(a)')\n"
        "cursor = db.execute('insert into t values (1)')"
    )
    assert result(session, "f.readline(), w.write('def'), w.tell()") == ["two\n", 3, 6]
    session.run("a.write(b'2'); a.close(); w.close()")
    assert result(session, "open('out.txt').read(), open('log').read()") == ["abcdef", "12"]
    assert result(session, "os.lseek(raw, 0, 0); os.read(raw, 9).decode()") == "xyz"
    assert result(session, "db.execute('select * from t').fetchall()") == [[1]]
    # The transaction is open still.
    assert result(session, "db.rollback(); db.execute('select * from t').fetchall()") == []
    assert result(session, "f.read()") == "three\n"


def test_a_file_that_is_gone_is_an_error_where_it_is_used(session: SessionSync) -> None:
    session.run("import tempfile; t = tempfile.TemporaryFile(); t.write(b'secret'); t.flush()")
    # What is opened next has not its number.
    session.run("f = open('other', 'w+'); f.write('other'); f.flush()")
    for code in ("t.seek(0); t.read()", "t.write(b'y'); t.flush()"):
        turn = session.run(code)
        assert turn.error is not None
        assert "OSError" in turn.error.message or "IsADirectoryError" in turn.error.message
    assert result(session, "f.seek(0); f.read()") == "other"


def test_a_file_too_deep_for_the_host_is_an_answer_that_is_not_kept(session: SessionSync) -> None:
    session.run("x = 1")
    turn = session.run(
        "import os\nfor _ in range(16):\n    os.mkdir('d' * 250)\n    os.chdir('d' * 250)\n"
        "open('f' * 70, 'w').close()\nprint('done')\nx = 2\nx"
    )
    # Nothing of the host stands in what is said.
    assert (turn.result, turn.execution.stdout, turn.files) == (2, "done\n", [])
    with pytest.raises(CapsuleError, match="of the session cannot be") as failed:
        turn.kept()
    assert "capsule-" not in str(failed.value)
    assert result(session, "x") == 1


def test_what_is_as_at_the_beginning_again_is_no_part_of_the_state(
    session: SessionSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 24 << 20
    monkeypatch.setattr("capsule.sessions.state_file.MOST_PAGES", most)
    session.run("a = bytearray(b'x') * (16 << 20)").kept()
    # It is all zero now, as memory was that nobody had written to.
    session.run("a[:] = bytes(len(a))").kept()
    session.run("b = bytearray(b'y') * (12 << 20)").kept()
    assert result(session, "(a[0], b[-1])") == [0, ord("y")]


def test_folders_and_the_working_folder_go_on(session: SessionSync) -> None:
    session.run("import os; os.makedirs('a/empty'); os.chdir('a')")
    assert result(session, "os.getcwd(), os.listdir('.')") == ["/a", ["empty"]]


def test_clocks_never_go_back(session: SessionSync) -> None:
    session.run(
        "import time; from time import perf_counter; m, p = time.monotonic(), perf_counter()"
    )
    begin = time.monotonic()
    for _ in range(3):
        session.run("last = time.monotonic()")
    m, p = result(session, "time.monotonic() - m, perf_counter() - p")
    took = time.monotonic() - begin
    assert took * 0.5 < m < took + 5
    assert took * 0.5 < p < took + 5
    assert result(session, "time.monotonic() > last and time.monotonic_ns() > last * 10**9")


def test_a_session_is_saved_and_goes_on_elsewhere(session: SessionSync, tmp_path: Path) -> None:
    session.run(
        "x = {'deep': [1, 2]}\nopen('f', 'w').write('in a file')\ng = iter(range(9)); next(g)"
    )
    session.save("work.session")
    path = tmp_path / "work.session"
    # Windows has no such modes: who may read a folder may read what is in it.
    assert stat.S_IMODE(path.stat().st_mode) == (0o666 if sys.platform == "win32" else 0o600)
    program = (
        "import sys\nfrom capsule import SessionSync\n"
        "with SessionSync.load(sys.argv[1]) as session:\n"
        "    print(session.run('x, open(\"f\").read(), next(g)').result)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[{'deep': [1, 2]}, 'in a file', 1]\n"
    damaged = bytearray(path.read_bytes())
    damaged[-100] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(CapsuleError, match=r"work\.session is no state, or a damaged one"):
        SessionSync.load(path)


def single(run: PageRun) -> list[PageRun]:
    """Return the pages of a run, each for itself."""
    return [
        PageRun(run.offset + at, bytes(run.data[at : at + PAGE]))
        for at in range(0, len(run.data), PAGE)
    ]


def test_a_state_of_a_machine_with_another_beginning_goes_on(
    session: SessionSync, tmp_path: Path
) -> None:
    """What turns begin with is made on each machine, and no two are the same byte for byte."""
    path = tmp_path / "work.session"
    session.run("x = {'deep': [1, 2]}\ndef f(): return x, g\ng = [float(n) for n in range(9999)]")
    session.save(path)
    saved = saved_state.read(path)
    # One with another page, which is in the state therefore.
    written = {page.offset for run in saved.state.pages for page in single(run)}
    pages = [page for run in saved.layer.pages() for page in single(run)]
    place, page = next((n, page) for n, page in enumerate(pages) if page.offset not in written)
    pages[place] = page._replace(data=bytes(byte ^ 1 for byte in page.data))
    layer = saved_state.layer_of(pages, saved.state.memory)
    assert layer.digest != saved.layer.digest
    state = saved.state._replace(
        pages=sorted([*saved.state.pages, page], key=lambda run: run.offset)
    )
    saved_state.write(path, saved_state.Saved(state, layer))
    with SessionSync.load(path) as later:
        assert result(later, "f()[0], sum(f()[1])") == [{"deep": [1, 2]}, sum(range(9999))]
        later.save(path)
    assert saved_state.read(path).layer.digest == saved.layer.digest
    with SessionSync.load(path) as last_one:
        assert result(last_one, "f()[0], sum(f()[1])") == [{"deep": [1, 2]}, sum(range(9999))]


WRONG: dict[str, tuple[str, Callable[[SessionSync], object]]] = {
    "code": ("code", lambda session: session.run(None)),  # type: ignore[arg-type]
    "code as bytes": ("code", lambda session: session.run(b"1")),  # type: ignore[arg-type]
    "what is printed": ("on_output", lambda session: session.run("1", on_output="x")),  # type: ignore[arg-type]
    "limits": ("limits", lambda session: session.run("1", limits="5s")),  # type: ignore[arg-type]
    "a state": ("state", lambda session: session.back(5)),  # type: ignore[arg-type]
    "a state to fork": ("state", lambda session: session.fork(5)),  # type: ignore[arg-type]
    "a switch": ("reseed", lambda session: session.fork(reseed="yes")),  # type: ignore[arg-type]
    "a path": ("path", lambda session: session.save(5)),  # type: ignore[arg-type]
    "a name to read": ("name", lambda session: session.read(5)),  # type: ignore[arg-type]
    "a name to write": ("name", lambda session: session.write(5, b"")),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_of_another_kind_is_refused_by_name(session: SessionSync, case: str) -> None:
    name, do = WRONG[case]
    with pytest.raises(UsageError, match=name):
        do(session)
    assert result(session, "1") == 1


ENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "timeout": ("while True: pass", {"timeout": "300ms"}),
    "fuel_exhausted": ("while True: pass", {"max_fuel": 10_000_000}),
    "memory_exceeded": ("y = 'b' * 500_000_000", {"max_ram": "100MB"}),
}


@pytest.mark.parametrize("error_type", ENDS)
def test_a_turn_that_is_stopped_leaves_the_state_of_before(
    session: SessionSync, error_type: str
) -> None:
    session.run("x = 1")
    code, limits = ENDS[error_type]
    turn = session.run(f"x = 2\n{code}", limits=limits)
    assert turn.error is not None
    assert turn.error.error_type == error_type
    assert result(session, "x") == 1
    spent = turn.execution.fuel_consumed
    assert turn.kept().name == session.states[1]
    # What was known of it stays, and is not another turn's.
    assert (turn.kept().fuel_consumed, turn.execution.fuel_consumed) == (spent, spent)


def test_a_process_that_is_killed_leaves_the_state_of_before(session: SessionSync) -> None:
    session.run("x = 1")

    def kill(stream: str, text: str) -> None:
        for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
            for child in map(int, path.read_text().split()):
                # The one that prints; the other waits for the next turn.
                if "burning" in text and _spins(child):
                    os.kill(child, signal.SIGKILL)

    turn = session.run("x = 2\nprint('burning')\nwhile True: pass", on_output=kill)
    assert turn.error is not None
    assert turn.error.error_type == "sandbox_crashed"
    assert result(session, "x") == 1


def _spins(pid: int) -> bool:
    """Say whether a process of ours uses a processor now."""

    def used() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11])

    before, deadline = used(), time.monotonic() + 1
    while time.monotonic() < deadline:
        if used() > before + 5:
            return True
    return False


def test_cancelling_leaves_the_state_of_before(tmp_path: Path) -> None:
    async def main() -> None:
        async with Session(cwd=tmp_path) as session:
            await session.run("x = 1")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(session.run("x = 2\nwhile True: pass"), 0.3)
            assert (await session.run("x")).result == 1

    asyncio.run(main())


def test_a_turn_is_cancelled_from_another_thread(session: SessionSync) -> None:
    session.run("x = 1")

    def tell(stream: str, text: str) -> None:
        session.cancel()

    turn = session.run("x = 2\nprint('begun')\nwhile True: pass", on_output=tell)
    assert turn.error is not None
    assert turn.error.error_type == "cancelled"
    assert turn.execution.stdout == "begun\n"
    assert result(session, "x") == 1


def test_where_the_disk_is_full_the_session_stands_where_it_stood(
    session: SessionSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.run("x = 1").kept()
    write, refused = StateStore.write, threading.Event()

    def full(*said: Any) -> str:
        # Until the next turn has begun, which goes on from what is in memory.
        assert refused.wait(30)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StateStore, "write", full)
    turn = session.run("x = 2")

    def begun(stream: str, text: str) -> None:
        monkeypatch.setattr(StateStore, "write", write)
        refused.set()

    following = session.run("print('begun')\nx += 1", on_output=begun)
    with pytest.raises(CapsuleError, match="No space left"):
        turn.kept()
    # It went on from what was in memory: nothing of that may live on in it.
    with pytest.raises(CapsuleError, match="the turn before could not be kept"):
        following.kept()
    assert result(session, "x") == 1
    monkeypatch.setattr(StateStore, "write", full)
    with pytest.raises(CapsuleError, match="No space left"):
        session.run("x = 10").kept()
    monkeypatch.setattr(StateStore, "write", write)
    assert result(session, "x") == 1


def test_memory_is_read_where_the_system_reads_one_place_at_a_time(
    session: SessionSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capsule.process.written_pages._Room._read", lambda *_: False)
    session.run("x = list(range(100_000))\ndef f(): return sum(x)")
    assert result(session, "f()") == sum(range(100_000))


def test_without_the_kernels_word_memory_comes_through_the_pipe(
    session: SessionSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capsule.sessions.kept_turn.written_pages", lambda *_: None)
    session.run("x = list(range(100_000))\ndef f(): return sum(x)")
    assert result(session, "f()") == sum(range(100_000))
    assert session.run("x = 1").kept().fuel_consumed


def test_both_ways_give_the_same_pages(
    session: SessionSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.run("x = 1")
    assert session._core is not None
    begun = session._core.base.contents
    found = []
    for way in (kernel.written_pages, lambda *_: None):
        monkeypatch.setattr("capsule.sessions.kept_turn.written_pages", way)
        fork = session.fork()
        fork.run("y = {n: str(n) for n in range(1000)}").kept()
        core = fork._core
        assert core is not None
        found.append(core._store.read(fork.states[-1]))
        fork.close()
    one, two = (
        {
            run.offset + at: run.data[at : at + PAGE]
            for run in each.pages
            for at in range(0, len(run.data), PAGE)
        }
        for each in found
    )
    assert two.keys() <= one.keys()
    # What differed before, and is again as a session begins, is kept where the kernel told.
    again = one.keys() - two.keys()
    assert len(again) < 5
    assert all(one[place] == begun.read(place, PAGE) for place in again)
    # A clock and the seal of the process are in memory.
    assert sum(one[place] != two[place] for place in two) <= len(two) / 4


def test_a_plot_says_nothing_of_caches_that_cannot_be_kept(tmp_path: Path) -> None:
    with SessionSync(imports=["matplotlib"], cwd=tmp_path) as session:
        turn = session.run("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\nplt.show()")
        assert (turn.error, turn.execution.stderr, len(turn.displays)) == (None, "", 1)


def test_numbers_tables_and_plots(tmp_path: Path) -> None:
    with SessionSync(imports=["pandas", "matplotlib.pyplot"], cwd=tmp_path) as session:
        turn = session.run("import pandas as pd\ndf = pd.DataFrame({'a': range(3)})\ndf")
        (shown,) = turn.displays
        assert "<table" in shown["text/html"]
        assert shown["text/plain"] == turn.text
        assert result(session, "int(df.a.sum())") == 3
        turn = session.run("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\nplt.show()")
        (figure,) = turn.displays
        assert figure["image/png"].startswith("iVBORw0KGgo")
        # As in a notebook: at `show`, in the order of what is shown, and a new figure behind it.
        turn = session.run(
            "_ = plt.plot([1]); plt.show(block=False); display(1); _ = plt.plot([2, 3])\n"
            "n = len(plt.gca().lines)"
        )
        assert ["image/png" in shown for shown in turn.displays] == [True, False, True]
        assert result(session, "n, plt.get_fignums()") == [1, []]
        turn = session.run(
            "display(1, 'two')\nclass H:\n    def _repr_html_(self): return '<b>'\nH()"
        )
        assert [each.get("text/html") for each in turn.displays] == [None, None, "<b>"]
        turn = session.run("for n in range(60): display(n)")
        assert len(turn.displays) == 51
        assert turn.displays[-1] == {"text/plain": "(10 more are left out)"}


def test_turns_of_one_session_go_in_order_under_trio(tmp_path: Path) -> None:
    async def main() -> None:
        async with Session(cwd=tmp_path) as session, trio.open_nursery() as nursery:
            await session.run("seen = []")
            nursery.start_soon(session.run, "seen.append(1)")
            nursery.start_soon(session.run, "seen.append(2)")
        with pytest.raises(RuntimeError):
            await session.run("1")

    trio.run(main)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ram": "5 XB"}, "5 XB"),
        ({"imports": ["a b"]}, "'a b' is no name of a module"),
        ({"imports": "pandas"}, "a list of names is needed"),
        ({"imports": ["import_of_what_is_not_there"]}, "No module named"),
        ({"files": {"../x": b""}}, "no name of a file"),
        ({"files": {"x": "gone.csv"}}, "gone.csv"),
        ({"files": {"x": 5}}, "a path"),
        ({"tools": [5]}, "no function"),
        ({"limits": {"tmeout": "5s"}}, "tmeout"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(CapsuleError) as refused, SessionSync(cwd=tmp_path, **options) as session:
        session.run("1", tools=options.get("tools"))
    assert said in refused.value.message


def test_ceilings_hold_for_sessions(tmp_path: Path) -> None:
    (tmp_path / "capsule.toml").write_text('[limits]\nmax_timeout = "1s"\n')
    with pytest.raises(CapsuleError, match="1s"), SessionSync(timeout="5s", cwd=tmp_path):
        pass
    with SessionSync(timeout="300ms", cwd=tmp_path) as session:
        turn = session.run("while True: pass")
        assert turn.error is not None
        assert turn.error.error_type == "timeout"


def test_values_that_were_granted_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN", "value")
    monkeypatch.setenv("OTHER", "hidden")
    with SessionSync(env_variables=["GIVEN"], cwd=tmp_path) as session:
        assert result(session, "import os; os.environ.get('GIVEN'), os.environ.get('OTHER')") == [
            "value",
            None,
        ]


def test_what_peers_offer_of_state_is_there(tmp_path: Path) -> None:
    """State, files in and out, functions that stay, and a reset."""
    with SessionSync(files={"in.txt": b"data"}, cwd=tmp_path) as session:
        begin = session.states[0]
        session.run("count = 0\ndef tick():\n    global count\n    count += 1\n    return count")
        assert [result(session, "tick()") for _ in range(3)] == [1, 2, 3]
        session.run("open('out.txt', 'w').write(open('in.txt').read() * count)")
        assert session.read("out.txt") == b"data" * 3
        session.back(begin)
        assert session.run("count").success is False


def test_a_session_stays_on_the_interpreter_that_it_began_with(tmp_path: Path) -> None:
    """What another run has found out meanwhile must not put other memory below its pages."""
    with SessionSync(cwd=tmp_path) as session, SessionSync(cwd=tmp_path) as other:
        session.run("x = list(range(1000))")
        first = session._core
        assert first is not None
        # As a turn does that imports what its interpreter has not.
        from capsule.runner import interpreter_choice

        interpreter_choice._found[
            first.base.order.inputs.home, first.base.order.inputs.code.digest
        ] = frozenset({"numpy"})
        assert result(session, "sum(x)") == 499_500
        assert result(other, "1 + 1") == 2
        interpreter_choice._found.clear()


def test_what_the_first_turn_imports_is_there(tmp_path: Path) -> None:
    with SessionSync(cwd=tmp_path) as session:
        turn = session.run("import numpy as np\nnp.arange(3).sum()")
        assert (turn.result, turn.error) == (3, None)
        assert session.run("x = np.ones(2)").success


def test_what_a_killed_program_left_is_deleted(toolchain_home: Path, tmp_path: Path) -> None:
    program = (
        "import os, signal\nfrom capsule import SessionSync\n"
        "with SessionSync() as session:\n"
        "    print(session.run('1').state.name, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    folder = toolchain_home / "cache" / "sessions"
    (left,) = folder.glob(f"*/{done.stdout.strip()}.state")
    with SessionSync(cwd=tmp_path):
        assert not left.parent.exists()


def test_states_have_a_bound_and_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SessionSync(cwd=tmp_path) as session:
        core = session._core
        assert core is not None
        first = session.states[0]
        size = sum(core._store._sizes.values())
        core._store._most = size + 5_000_000
        session.run("data = 'x' * 1_000_000")
        names = [session.run(f"n = {number}").state.name for number in range(6)]
        assert first in session.states
        assert names[-1] in session.states
        assert names[0] not in session.states
        with pytest.raises(CapsuleError, match="no state"):
            session.back(names[0])
        session.back(names[-2])
        assert result(session, "n") == 4


def test_a_first_turn_is_not_lost_to_what_the_second_imports(tmp_path: Path) -> None:
    with SessionSync(cwd=tmp_path) as session:
        first = session.states[0]
        session.run("x = 5")
        turn = session.run("y = x\nimport numpy")
        assert result(session, "x") == 5
        assert turn.success or "numpy" in str(turn.error)
        session.back(first)
        assert session.run("x").success is False
    with SessionSync(cwd=tmp_path) as session:
        first = session.states[0]
        assert session.run("import numpy\nx = numpy.int64(1)").success
        session.back(first)
        assert session.run("import numpy; numpy.arange(3).sum()").result == 3


def test_limits_of_one_turn_take_away_folders_and_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "f").write_text("inside")
    monkeypatch.setenv("GIVEN", "value")
    options: dict[str, Any] = {"allowed_files": ["./data"], "env_variables": ["GIVEN"]}
    with SessionSync(cwd=tmp_path, **options) as session:
        code = "import os; os.path.exists('/data/f'), os.environ.get('GIVEN')"
        assert result(session, code) == [True, "value"]
        for limits, left in (
            ({"no_files": True}, [False, "value"]),
            ({"no_env": True}, [True, None]),
            ({"untrusted": True}, [False, None]),
        ):
            assert session.run(code, limits=limits).result == left
        monkeypatch.setenv("GIVEN", "other")
        assert result(session, code) == [True, "other"]


def test_a_turn_is_never_repeated(tmp_path: Path) -> None:
    (tmp_path / "capsule.toml").write_text("[tasks]\ndefault_max_retries = 2\n")
    with SessionSync(cwd=tmp_path) as session:
        session.run("n = 0")
        assert session.run("n += 1\n1 / 0").success is False
        assert result(session, "n") == 1


def test_what_would_wait_for_the_turn_that_it_is_in_is_refused(tmp_path: Path) -> None:
    said: list[str] = []
    mine: list[SessionSync] = []

    def attempt(*_: object) -> bool:
        (inner,) = mine
        ways: list[Callable[[], object]] = [
            lambda: inner.write("f", b""),
            lambda: inner.run("1"),
            lambda: inner.back("0" * 32),
            lambda: inner.save("x"),
            inner.close,
        ]
        for do in ways:
            try:
                do()
            except CapsuleError as error:
                said.append(error.message)
        return True

    with SessionSync(tools={"attempt": attempt}, timeout="20s", cwd=tmp_path) as opened:
        mine.append(opened)
        assert opened.run("attempt()").result is True
        opened.run("print('x')", on_output=attempt)
        assert len(said) == 10
        assert all("a turn of this session is going on" in each for each in said)
        assert result(opened, "1") == 1


@pytest.mark.parametrize(
    "names",
    [("a", "a/b"), ("n" * 300,), ("\ud800",), ("dd/",), ("x/../y",), ("nul\0",)],
    ids=str,
)
def test_names_that_cannot_be_are_refused_and_the_session_goes_on(
    session: SessionSync, names: tuple[str, ...]
) -> None:
    *allowed, wrong = names
    for name in allowed:
        session.write(name, b"data")
    with pytest.raises(CapsuleError):
        session.write(wrong, b"data")
    assert result(session, "1 + 1") == 2


def test_what_no_reader_would_take_is_not_kept(session: SessionSync) -> None:
    session.run("x = 1")
    with pytest.raises(CapsuleError, match="bytes of files at most"):
        session.write("big", bytes((256 << 20) + 1))
    assert result(session, "x") == 1


def test_a_link_in_the_place_of_a_file_is_not_followed(
    session: SessionSync, tmp_path: Path
) -> None:
    (tmp_path / "victim").write_text("whole")
    (tmp_path / "work.session.new").symlink_to(tmp_path / "victim")
    session.save("work.session")
    assert (tmp_path / "victim").read_text() == "whole"
    assert not (tmp_path / "work.session").is_symlink()
    with pytest.raises(CapsuleError, match="cannot write"):
        session.save(tmp_path)


def test_a_display_that_fails_costs_no_value(session: SessionSync) -> None:
    turn = session.run(
        "class Bad:\n    def _repr_html_(self): raise ValueError\n    def __repr__(self): return 'bad'\nBad()"
    )
    assert (turn.success, turn.text) == (True, "bad")


def test_a_turn_without_code_does_nothing_and_takes_next_to_nothing(session: SessionSync) -> None:
    session.run("x = 1").kept()
    for code in ("", "\n", "# a comment", "x"):
        turn = session.run(code)
        assert (turn.success, turn.text) == (True, "1" if code == "x" else "")
        fuel = turn.kept().fuel_consumed
        assert fuel is not None
        assert fuel < 400_000


def test_no_process_waits_for_a_session_that_is_not_used(
    session: SessionSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "capsule.sessions.process_ahead.ProcessAhead.__init__.__defaults__", (0.05,)
    )
    session.run("x = 1")
    core = session._core
    assert core is not None
    core.settled()
    ahead = core._ahead
    assert ahead is not None
    process: Any = ahead._found.result().sandbox.process
    status = process._child.poll if sys.platform == "win32" else lambda: process.status
    deadline = time.monotonic() + 20
    while status() is None and time.monotonic() < deadline:
        ahead._over.wait(0.01)
    assert status() is not None
    assert result(session, "x") == 1


@pytest.mark.parametrize("place", ["", "::/in/file.txt"])
@pytest.mark.parametrize("writable", [False, True])
def test_a_mounted_file_is_that_of_the_host_in_each_turn(
    tmp_path: Path, place: str, writable: bool
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("first")
    inside = place.removeprefix("::") or "/file.txt"
    rights = ":rw" if writable else ""
    mount = f"./file.txt{place}{rights}" if place else f"./file.txt::/file.txt{rights}"
    with SessionSync(cwd=tmp_path, mounts=[mount], timeout="20s") as session:
        read = f"open({inside!r}).read()"
        assert session.run("1").files == []
        assert result(session, read) == "first"
        file.write_text("second")
        turn = session.run(read)
        assert (turn.result, turn.files) == ("second", [])
        if writable:
            session.run(f"open({inside!r}, 'a').write(' and more')").unwrap()
            assert file.read_text() == "second and more"
        # It is the host's, and no part of the state.
        session.save(tmp_path / "work.session")
        file.write_text("third")
        with SessionSync.load(tmp_path / "work.session", cwd=tmp_path) as later:
            failed = later.run(read).error
            assert failed is not None
            assert "FileNotFoundError" in failed.message


def test_a_write_is_seen_whatever_the_steps_of_the_clock(session: SessionSync) -> None:
    session.run("open('f', 'w').write('00')").unwrap()
    for number in range(1, 6):
        age = result(session, "import os, time\ntime.time() - os.stat('f').st_mtime")
        assert age > 5, "laid out with a time that no write of a turn has"
        session.run(f"open('f', 'w').write('{number:02}')").unwrap()
        assert result(session, "open('f').read()") == f"{number:02}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_leaves_the_session_alone(session: SessionSync) -> None:
    session.run("x = 1").kept()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        said = "nothing"
        try:
            session.run("x = 2")
        except CapsuleError as error:
            said = str(error)
        finally:
            session.close()
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    assert os.read(reading, 1000).startswith(b"this session was opened before the program forked")
    os.close(reading)
    assert result(session, "x") == 1


def test_a_turn_that_may_have_less_memory_than_the_state_has(session: SessionSync) -> None:
    session.run("x = bytearray(100 << 20)").unwrap()
    said = r"^the session has 1\d\d MB of memory by now, and this turn may use 64MB"
    with pytest.raises(CapsuleError, match=said):
        session.run("len(x)", limits={"max_ram": "64MB"})
    assert result(session, "len(x)") == 100 << 20


def test_a_fork_of_a_session_in_which_nothing_ran_begins_as_that_may(tmp_path: Path) -> None:
    with SessionSync(cwd=tmp_path) as session, session.fork() as fork:
        assert result(fork, "import numpy\nint(numpy.arange(5).sum())") == 10
        session.back(session.states[0])
        assert result(session, "x = 1\nimport numpy\nint(numpy.arange(4).sum())") == 6
        assert result(fork, "numpy.__name__") == "numpy"
        fork.save(tmp_path / "work.session")
    with SessionSync.load(tmp_path / "work.session") as later:
        assert result(later, "int(numpy.arange(3).sum())") == 3


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("/dev/zero", str(tmp_path / "pipe"), "\0"):
        with (
            pytest.raises(CapsuleError, match=r"it is no file|embedded null"),
            SessionSync(files={"a": name}),
        ):
            pass
        with pytest.raises(CapsuleError, match=r"it is no file|embedded null"):
            SessionSync.load(name)
