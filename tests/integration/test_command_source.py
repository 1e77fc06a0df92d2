"""Sources that are no file: `-c`, `-m` and stdin, what is granted to them, and `--stdin`."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from capsule.shared.frames import MAX_BODY
from tests.integration.command import Command
from tests.integration.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture
def command(toolchain_home: Path, tmp_path: Path) -> Command:
    return Command(tmp_path, toolchain_home)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        yield server


def result(command: Command, *words: str, stdin: str | bytes = "") -> Any:
    done = command("run", *words, "--json", stdin=stdin)
    envelope = json.loads(done.out)
    assert envelope["success"], (envelope["error"], done.err)
    return envelope["result"]


SOURCES = {
    "6 * 7": 42,
    "x = 6\nx * 7  # the answer": 42,
    "x = 6; x * 7": 42,
    "def main(): return 1\n2": 2,
    "def main(): return 1": 1,
    "def main(): return 1\nif __name__ == '__main__': main()": 1,
    "def main(n): return n\nif __name__ == '__main__':\n    x = 4\n    main(x)": 4,
    "RAN = []\ndef main(): RAN.append(1)\nmain()\nfor _ in '12': pass\nRAN = len(RAN)": None,
    "if __name__ == '__main__':\n    import sys\n    sys.exit(0)": None,
    "x = 1": None,
    "for n in range(3): pass": None,
    "print('said')": None,
    "__name__": "__main__",
    "async def job(): return 5\njob()": 5,
    "'caf\u00e9'": "caf\u00e9",
    '"""A text."""': "A text.",
    "from capsule import task\n@task\ndef only(): return 'only'": "only",
    "from capsule import task\n@task\ndef job(n): return n + 1\njob(2).unwrap()": 3,
    "from capsule import task\n@task\ndef main(n): return n + 1\nmain(2).unwrap()": 3,
    "import pickle\nclass A: x = 1\npickle.loads(pickle.dumps(A())).x": 1,
    "import linecache, sys\nsys._getframe().f_lineno": 2,
}


@pytest.mark.parametrize(("source", "expected"), SOURCES.items())
def test_the_last_expression_is_the_result(command: Command, source: str, expected: object) -> None:
    assert result(command, "-c", source) == expected
    assert result(command, "-", stdin=source) == expected


def test_words_are_those_of_the_program_or_of_main(command: Command) -> None:
    assert result(command, "-c", "import sys\nsys.argv", "a", "2") == ["-c", "a", "2"]
    assert result(command, "-", "a", stdin="import sys\nsys.argv") == ["-", "a"]
    assert result(command, "-c", "def main(n: int): return n + 1", "2") == 3
    assert result(command, "--args", "[1.5]", "-c", "def main(n): return n + 1") == 2.5


def test_a_main_that_the_source_calls_itself_is_not_called_again(command: Command) -> None:
    source = "def main(): print('ran'); return 1\nr = main()"
    done = command("run", "-c", source, "--json")
    assert json.loads(done.out)["execution"]["stdout"] == "ran\n"


def test_words_reach_a_program_with_a_main_of_its_own(command: Command) -> None:
    source = (
        "import sys\ndef main(): return [int(word) for word in sys.argv[1:]]\n"
        "if __name__ == '__main__':\n    main()"
    )
    assert result(command, "-c", source, "5", "6") == [5, 6]


def test_a_failure_shows_the_line(command: Command) -> None:
    envelope = json.loads(command("run", "-c", "x = 0\n1 / x", "--json").out)
    assert envelope["error"]["message"] == "ZeroDivisionError: division by zero"
    assert 'File "command.py", line 2, in <module>\n    1 / x' in envelope["error"]["traceback"]


def test_a_module_of_the_folder(command: Command) -> None:
    command.write("pkg/__init__.py", "")
    command.write("pkg/other.py", "X = 4")
    command.write("pkg/job.py", "from . import other\nimport beside\n[__name__, other.X, beside.Y]")
    command.write("pkg/called.py", "from .other import X\ndef main(n: int): return X + n")
    command.write("pkg/sub/__main__.py", "from ..other import X\nX")
    command.write("beside.py", "Y = 5\ndef main(): return __name__")
    assert result(command, "-m", "pkg.job") == ["__main__", 4, 5]
    assert result(command, "-m", "pkg.called", "3") == 7
    assert result(command, "-m", "pkg.sub") == 4
    assert result(command, "-m", "beside") == "beside"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-c", ""), "-c: the source is empty"),
        (("-c", " \n"), "-c: the source is empty"),
        (("-",), "the source on stdin is empty"),
        (("-c", "1 +"), "<command>:1: invalid syntax"),
        (("-c", "1", "-m", "x"), "-c and -m exclude each other"),
        (("-m", "none"), "-m none: there is no none.py and no none/__main__.py in "),
        (("-m", "a/b.py"), "-m 'a/b.py': not the name of a module"),
        (("-m", ".."), "-m '..': not the name of a module"),
        (("-c", "1", "--args", '{"n": 1}'), "keywords go to a function main"),
        (("job.py", "--env", "A"), 'env_variables=["A"] in its @task'),
        (("job.py", "--allow-host", "a.com"), 'allowed_hosts=["a.com"] in its @task'),
        (("-m", "job", "--allow-host", "a.com"), 'allowed_hosts=["a.com"] in its @task'),
        (("job.py", "--package", "idna"), 'dependencies = ["idna"] in its # /// script'),
        (("--env", "A"), "--env grants to -c and to a source on stdin"),
        (("-c", "1", "--env", "A=1"), "--env: 'A=1' is not the name of a variable"),
        (("-c", "1", "--allow-host", "http://a.com"), "--allow-host: 'http://a.com' is a URL"),
        (("-", "--stdin"), "stdin cannot be both the source and the task's own, by --stdin"),
        (("job.py", "--args-file", "-", "--stdin"), "stdin cannot be both the --args-file and"),
        (("job.py", "--map", "-", "--stdin"), "stdin cannot be both the --map file and"),
        (("job.py", "--map", "job.py", "--stdin"), "--stdin is for one run, and --map makes many"),
        (("job.py", "--spread"), "--concurrency, --engine, --resume and --spread go with --map"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    command: Command, words: tuple[str, ...], said: str
) -> None:
    command.write("job.py", "def main(*given): return 1")
    done = command("run", *words)
    assert (done.code, done.out) == (2, ""), done.err
    assert said in done.err


def test_a_module_of_another_folder_is_told_where_it_is(
    command: Command, tmp_path: Path, toolchain_home: Path
) -> None:
    command.write("src/pkg/job.py", "1")
    command.write("src/pkg/__init__.py", "")
    command.write("src/pkg/deep/one.py", "1")

    def hint(name: str, folder: str = ".") -> str:
        done = Command(tmp_path / folder, toolchain_home)("run", "-m", name)
        assert done.code == 2, done.err
        return done.err.rpartition("try: ")[2]

    assert hint("pkg.job").startswith("cd src, where it is")
    assert hint("pkg.job", "src/pkg/deep").startswith("cd ../.., where it is")
    assert hint("pkg", "src").startswith("-m pkg.MODULE, as this package has no __main__.py")
    assert hint("none").startswith("cd to the folder that the module is imported from")
    run = hint("json.tool").partition(", as -m is for")[0]
    assert run.startswith('capsule run -c "import runpy; ')
    done = command("run", *shlex.split(run)[2:], "--stdin", stdin=b'{"a": 1}')
    assert (done.code, '"a": 1' in done.err) == (0, True), done.err


READ = "import os\n[os.environ.get(name) for name in ('SEEN', 'HIDDEN')]"


def test_variables_are_granted_by_name(command: Command) -> None:
    command.environ |= {"SEEN": "one", "HIDDEN": "two"}
    assert result(command, "-c", READ) == [None, None]
    assert result(command, "-c", READ, "--env", "SEEN") == ["one", None]
    assert result(command, "-", "--env", "SEEN", "--env", "HIDDEN", stdin=READ) == ["one", "two"]
    assert result(command, "-c", READ, "--env", "SEEN", "--no-env") == [None, None]
    # What the caller grants is not of the file's asking.
    assert result(command, "-c", READ, "--env", "SEEN", "--untrusted") == ["one", None]


def test_hosts_are_granted_by_name(command: Command, origin: Origin) -> None:
    source = f"import urllib.request as u\nu.urlopen({origin.url!r} + '/a').read().decode()"
    refused = json.loads(command("run", "-c", source, "--json").out)
    assert "may not use the network" in refused["error"]["message"]
    assert result(command, "-c", source, "--allow-host", "localhost") == "hello /a"
    assert result(command, "-", "--allow-host", "localhost", stdin=source) == "hello /a"
    done = command("run", "-c", source, "--allow-host", "localhost", "--no-net")
    assert "--no-net" not in done.out
    assert done.code == 1


def test_ceilings_hold_for_what_is_granted(command: Command) -> None:
    command.write("capsule.toml", '[limits]\nallowed_hosts = ["a.com"]\nenv_variables = []\n')
    done = command("run", "-c", "1", "--allow-host", "b.com")
    assert (done.code, "--allow-host: 'b.com' is above the ceiling" in done.err) == (2, True)
    done = command("run", "-c", "1", "--env", "HOME")
    assert (done.code, "--env: 'HOME' is above the ceiling" in done.err) == (2, True)


def test_grants_reach_the_tasks_that_it_calls(command: Command) -> None:
    command.environ |= {"SEEN": "one"}
    source = "import os\nfrom capsule import task\n@task\ndef job(): return os.getenv('SEEN')\n"
    assert result(command, "-c", f"{source}job().unwrap()", "--env", "SEEN") == "one"


def test_packages_are_granted(command: Command) -> None:
    source = "import idna\nidna.encode('b\u00fccher').decode()"
    assert result(command, "-c", source, "--package", "idna") == "xn--bcher-kva"
    assert result(command, "-", "--package", "idna", stdin=source) == "xn--bcher-kva"
    assert command("run", "-c", source).code == 1


READERS = {
    "import sys\nsys.stdin.read()": "a\nb\n",
    "import sys\nlist(sys.stdin)": ["a\n", "b\n"],
    "input()": "a",
    "import sys\nsys.stdin.buffer.read().decode()": "a\nb\n",
    "import sys\ndata = sys.stdin.read()\ndef main(): return data": "a\nb\n",
    "from sys import stdin\ndef main(): return stdin.read()": "a\nb\n",
    "import fileinput\n[line for line in fileinput.input('-')]": ["a\n", "b\n"],
}


@pytest.mark.parametrize(("source", "expected"), READERS.items())
def test_stdin_is_handed_to_the_task(command: Command, source: str, expected: object) -> None:
    assert result(command, "-c", source, "--stdin", stdin="a\nb\n") == expected


def test_a_file_and_an_artifact_get_it_too(command: Command) -> None:
    command.write("job.py", "import sys\nX = sys.stdin.read()\ndef main(n: int): return X * n")
    assert result(command, "job.py", "2", "--stdin", stdin="ab") == "abab"
    assert result(command, "job.py", "2", stdin="ab") == ""
    assert command("build", "--export", "job.py").code == 0
    done = command("exec", "job.wasm", "2", "--stdin", "--result", stdin="ab")
    assert done.out == "abab\n"


def test_stdin_is_bytes_and_bounded(command: Command) -> None:
    read = "import sys\nlen(sys.stdin.buffer.read())"
    assert result(command, "-c", read, "--stdin", stdin=bytes(range(256))) == 256
    assert result(command, "-c", read, "--stdin", stdin=b"") == 0
    assert result(command, "-c", read, "--stdin", stdin=bytes(MAX_BODY)) == MAX_BODY
    done = command("run", "-c", read, "--stdin", stdin=bytes(MAX_BODY + 1))
    assert (done.code, f"--stdin: more than {MAX_BODY:,} bytes" in done.err) == (2, True)


def test_a_worker_does_the_same(command: Command) -> None:
    command.environ |= {"SEEN": "one", "CAPSULE_SOCKET": str(command.folder / "s" / "w")}
    with command.popen("worker", "--listen") as worker:
        assert worker.stderr is not None
        assert worker.stderr.readline().startswith(b"capsule: listening")
        try:
            for _ in range(3):
                assert result(command, "-c", READ, "--env", "SEEN") == ["one", None]
                assert result(command, "-c", READ) == [None, None]
                source = "import sys\n[sys.argv, sys.stdin.read()]"
                assert result(command, "-c", source, "x", "--stdin", stdin="in") == [
                    ["-c", "x"],
                    "in",
                ]
                assert result(command, "-c", source, "y", "--stdin", stdin="no") == [
                    ["-c", "y"],
                    "no",
                ]
                assert result(command, "-c", "def main(n: int): return n", "4") == 4
            source = "import idna\nidna.__name__"
            assert result(command, "-c", source, "--package", "idna") == "idna"
            assert command("run", "-c", source).code == 1
        finally:
            worker.terminate()
