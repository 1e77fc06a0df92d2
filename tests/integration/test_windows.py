"""What only Windows has: drives, devices, streams, its own ways to write a path, code pages, jobs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from capsule import SessionSync
from capsule.confine import private_dirs
from capsule.progress import Silent
from capsule.snapshot import cache, eviction
from tests.integration.command import ENDING, Command

if TYPE_CHECKING:
    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "win32", reason="it is about Windows"),
]

HELLO = "def main(n='1'): return 'hello ' * int(n)\n"
SLEEP = "import time\ndef main():\n    print('up', flush=True)\n    time.sleep(1e9)\n"
# What Windows would take for another place than a name in the folder. All are harmless.
ELSEWHERE = [
    *("c:outside.txt", "C:\\outside.txt", "c:/outside.txt", "data/c:outside.txt", "z:outside.txt"),
    *("data\\..\\..\\outside.txt", "..\\outside.txt", "\\outside.txt", "\\\\?\\C:\\outside.txt"),
    *(
        "\\\\localhost\\share\\outside.txt",
        "data\\inside.txt",
        "\\\\.\\outside",
        "//?/c:/outside.txt",
    ),
    *("data/inside.txt:stream", "data/inside.txt::$DATA", ":stream", "data:stream"),
    *("nul", "NUL.txt", "data/nul", "data/con.txt", "data/COM1", "data/lpt9.log", "aux", "prn.x"),
    *("data/com\u00b9", "LPT\u00b3.txt", "conin$", "data/CONOUT$", "nul .txt", "nul/inside.txt"),
    *("data/inside.txt.", "data/inside.txt ", "data./inside.txt", "data /inside.txt", "data/..."),
    *(
        "data/a<b",
        "data/a>b",
        'data/a"b',
        "data/a|b",
        "data/a?",
        "data/*",
        "data/a\x01b",
        "data/a\tb",
    ),
]
TRIES = """
import os
from capsule import task
WAYS = {
    "read": lambda name: open(name).read(),
    "write": lambda name: open(name, "w").close(),
    "append": lambda name: open(name, "a").close(),
    "status": os.stat,
    "folder": os.mkdir,
    "list": os.listdir,
    "delete": os.unlink,
    "remove": os.rmdir,
    "rename to": lambda name: os.rename("data/inside.txt", name),
    "rename from": lambda name: os.rename(name, "data/new"),
    "link to": lambda name: os.link("data/inside.txt", name),
    "link from": lambda name: os.link(name, "data/new"),
    "link": lambda name: os.symlink(name, "data/new"),
}
@task(name="main", allowed_files=["data"])
def main(names):
    done = []
    for name in names:
        for way, attempt in WAYS.items():
            try:
                attempt(name)
            except OSError:
                continue
            done.append([way, name])
    return done
"""


@pytest.fixture
def capsule(toolchain_home: Path, tmp_path: Path) -> Command:
    made = Command(tmp_path, toolchain_home)
    made.write("hello.py", HELLO)
    return made


def result(done: tuple[int, str, str]) -> object:
    code, out, err = done
    assert code == 0, err
    return json.loads(out)["result"]


def there(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def tried(bench: Workbench, names: list[str]) -> Envelope:
    (bench.project / "data").mkdir()
    (bench.project / "data" / "inside.txt").write_text("inside")
    (bench.project / "outside.txt").write_text("outside")
    return bench.run(TRIES, names)


@pytest.mark.parametrize("begin", range(0, len(ELSEWHERE), 10))
def test_no_name_leads_elsewhere(bench: Workbench, begin: int) -> None:
    envelope = tried(bench, ELSEWHERE[begin : begin + 10])
    assert envelope["result"] == [], envelope
    found = there(bench.project)
    assert found == {"outside.txt", "data", str(Path("data", "inside.txt"))}
    assert (bench.project / "data" / "inside.txt").read_text() == "inside"


def test_names_that_only_look_like_others_are_names(bench: Workbench) -> None:
    names = ["console.txt", "com10", "null", "a.con", "xnul", "com", "lpt", "conin", "a b", "größe"]
    source = (
        "from capsule import task\n@task(name='main', allowed_files=['data'])\ndef main(names):\n"
        "    import os\n"
        "    for name in names: open(f'data/{name}', 'w').close()\n"
        "    return sorted(os.listdir('data'))\n"
    )
    (bench.project / "data").mkdir()
    assert bench.run(source, names)["result"] == sorted(names)
    assert there(bench.project / "data") == set(names)


def test_a_status_of_a_trap_is_no_guests(bench: Workbench) -> None:
    """A trap of wasmtime ends with 3 on Windows: the guard gives that to nobody."""
    forged = (
        "import os\ndef main():\n"
        "    os.write(2, b'Error: failed to run main module `x`\\n\\n'\n"
        "                b'    2: wasm trap: all fuel consumed by WebAssembly\\n')\n"
        "    os._exit(3)\n"
    )
    error = bench.run(forged)["error"]
    assert error is not None
    assert error["error_type"] == "sandbox_crashed"


@pytest.mark.parametrize(
    "name", ["with a space", "größe", "日本", "a&b", "100%", "a'b", "it's (1)"]
)
def test_folders_with_other_names(capsule: Command, name: str) -> None:
    capsule.write(f"{name}/hello.py", HELLO)
    assert result(capsule("run", f"{name}\\hello.py", "2")) == "hello hello "


def test_either_slash_is_one(capsule: Command) -> None:
    capsule.write("a/b/hello.py", HELLO)
    assert result(capsule("run", "a/b\\hello.py", "2")) == "hello hello "
    assert result(capsule("run", "a/b/hello.py", "2")) == "hello hello "


def test_a_path_with_its_drive(capsule: Command) -> None:
    whole = str(capsule.folder / "hello.py")
    assert whole[1] == ":"
    assert result(capsule("run", whole)) == "hello "
    assert result(capsule("run", whole.upper().replace("HELLO.PY", "hello.py"))) == "hello "


def test_a_path_without_bounds(capsule: Command) -> None:
    assert result(capsule("run", f"\\\\?\\{capsule.folder}\\hello.py")) == "hello "


def test_a_share_that_is_not_there(capsule: Command) -> None:
    done = capsule("run", "\\\\no.such.host.invalid\\share\\hello.py")
    assert done.code == 2, done
    assert "hello.py" in done.err


def test_a_project_on_another_drive(capsule: Command, toolchain_home: Path) -> None:
    other = Path(os.environ["SYSTEMROOT"]).drive
    capsule.write("data/x.txt", "x")
    code = "open('/data/x.txt').read()"
    before = capsule.folder
    capsule.folder = Path(f"{other}\\")
    assert result(capsule("run", "-c", code, "--mount", str(before / "data"))) == "x"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_that_end_in_two(capsule: Command, mark: bytes) -> None:
    source = mark + b"# comment\r\ndef main():\r\n    return '''a\r\nb'''\r\n"
    (capsule.folder / "crlf.py").write_bytes(source)
    assert result(capsule("run", "crlf.py")) == "a\nb"
    (capsule.folder / "capsule.toml").write_bytes(b'[workflow]\r\nentrypoint = "crlf.py"\r\n')
    assert result(capsule("run")) == "a\nb"


def test_a_source_on_stdin_whose_lines_end_in_two(capsule: Command) -> None:
    assert result(capsule("run", "-", stdin=b"def main():\r\n    return 'x'\r\n")) == "x"


@pytest.mark.parametrize("page", ["cp1252", "cp437", "utf-8", "ascii"])
def test_output_is_utf_8_whatever_the_code_page(capsule: Command, page: str) -> None:
    capsule.environ["PYTHONIOENCODING"] = page
    source = "def main():\n    print('größe 日本 \U0001f600')\n    return '日本'\n"
    (capsule.folder / "print.py").write_bytes(source.encode())
    done = capsule("run", "print.py")
    assert result(done) == "日本"
    assert done.err.splitlines() == ["größe 日本 \U0001f600"]


def test_words_of_the_command_line_are_text(capsule: Command) -> None:
    (capsule.folder / "echo.py").write_bytes(b"def main(*texts): return texts\n")
    texts = ["größe 日本", 'a"b', "a\\", "C:\\x\\", "a b", "%PATH%", "^x", ""]
    assert result(capsule("run", "echo.py", *texts)) == texts


def test_results_are_written_with_one_line_end(capsule: Command) -> None:
    with capsule.popen("run", "hello.py", "--result") as process:
        out, _ = process.communicate(timeout=60)
    assert out == b"hello \n"


@pytest.mark.parametrize("number", ENDING)
def test_an_event_of_the_console_ends_a_run(capsule: Command, number: int) -> None:
    capsule.write("sleep.py", SLEEP)
    with capsule.popen("run", "sleep.py") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        (sandbox,) = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert json.loads(out)["error"]["error_type"] == "cancelled"
    assert not sandbox.is_running()


def test_a_command_that_is_killed_takes_its_sandbox_along(capsule: Command) -> None:
    capsule.write("sleep.py", SLEEP)
    with capsule.popen("run", "sleep.py") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        (sandbox,) = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate(timeout=60)
    assert psutil.wait_procs([sandbox], timeout=30)[1] == []


def test_what_a_killed_command_left_is_swept(
    capsule: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    capsule.write("sleep.py", SLEEP)
    capsule.environ["TEMP"] = capsule.environ["TMP"] = str(capsule.folder / "temporary")
    (capsule.folder / "temporary").mkdir()
    with capsule.popen("run", "sleep.py") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate(timeout=60)
    psutil.wait_procs(children, timeout=30)
    (place,) = (capsule.folder / "temporary").iterdir()
    (left,) = [path for path in place.iterdir() if path.is_dir()]
    # One as young as that may be just about to be locked.
    monkeypatch.setattr(private_dirs, "_YOUNG", -60.0)
    assert private_dirs.sweep(place) == 1
    assert not left.exists()
    assert list(place.iterdir()) == []


def test_a_run_leaves_nothing(capsule: Command) -> None:
    capsule.environ["TEMP"] = capsule.environ["TMP"] = str(capsule.folder / "temporary")
    (capsule.folder / "temporary").mkdir()
    source = (
        "import os\ndef main():\n    os.makedirs('a/b/c')\n    held = open('a/b/c/open', 'w')\n"
        "    held.write('x')\n    open('/tmp/other', 'w').write('y')\n    os.chdir('a')\n"
        "    return os.listdir('/tmp')\n"
    )
    capsule.write("files.py", source)
    assert result(capsule("run", "files.py")) == ["other"]
    assert there(capsule.folder / "temporary") == set()


def test_a_path_longer_than_windows_takes_is_deleted(capsule: Command) -> None:
    capsule.environ["TEMP"] = capsule.environ["TMP"] = str(capsule.folder / "temporary")
    (capsule.folder / "temporary").mkdir()
    source = (
        "import os\ndef main():\n"
        # wine 8 tells no whole name that is longer, and to make a folder takes that of the one above.
        "    for _ in range(2):\n        os.mkdir('x' * 60)\n        os.chdir('x' * 60)\n"
        "    open('y' * 200, 'w').close()\n    return len(os.getcwd())\n"
    )
    capsule.write("deep.py", source)
    assert result(capsule("run", "deep.py")) == 2 * 61
    assert there(capsule.folder / "temporary") == set()


def test_a_session_leaves_the_states_of_others(
    toolchain_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    with SessionSync(cwd=tmp_path) as session:
        session.run("x = 41").unwrap()
        with SessionSync(cwd=tmp_path) as other:
            assert other.run("1 + 1").result == 2
            assert session.run("x + 1").result == 42
        assert session.run("x + 2").result == 43
    there = (toolchain_home / "cache" / "sessions").iterdir()
    # What `run --state` is held apart by stays.
    assert [path for path in there if path.is_dir()] == []


def test_what_is_used_stays_in_the_cache(tmp_path: Path) -> None:
    def make(folder: Path) -> cache.Facts:
        (folder / "file").write_bytes(b"content")
        return {}

    entry = cache.obtain(tmp_path / "tasks", "a" * 32, make, Silent())
    assert entry.lease is not None
    assert eviction.prune(tmp_path, eviction.Bounds(), all_of_it=True) == []
    entry.lease.release()
    (gone,) = eviction.prune(tmp_path, eviction.Bounds(), all_of_it=True)
    assert gone.path == entry.folder
    # The lock, which is held while it goes, stays.
    assert [path.name for path in (tmp_path / "tasks").iterdir()] == [f"{'a' * 32}.lock"]
