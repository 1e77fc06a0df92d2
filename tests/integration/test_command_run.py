"""`capsule run` from outside: stdout, stderr, exit codes, signals."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.integration.command import ENDING, Command

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope

pytestmark = pytest.mark.integration

HELLO = """
from capsule import task

@task(name="main", compute="LOW", ram="64MB")
def main(n="3"):
    print("printing", n)
    return "hello " * int(n)
"""


@pytest.fixture
def capsule(toolchain_home: Path, tmp_path: Path) -> Command:
    return Command(tmp_path, toolchain_home)


def envelope(out: str) -> Envelope:
    assert out.count("\n") == 1
    found: Envelope = json.loads(out)
    return found


def without_styles(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def test_stdout_holds_one_line_and_nothing_else(capsule: Command) -> None:
    capsule.write("hello.py", HELLO)
    done = capsule("run", "hello.py", "2")
    assert done.code == 0
    assert envelope(done.out)["result"] == "hello hello "
    assert done.err == "printing 2\n"


def test_a_terminal_gets_an_indented_envelope(capsule: Command) -> None:
    capsule.write("hello.py", HELLO)
    done = capsule.on_terminal("run", "hello.py")
    assert done.code == 0
    first, rest = done.out.split("\n", 1)
    assert first == "printing 3"
    assert rest.startswith('{\n  "success": true,\n  "result": "hello hello hello ",\n')
    assert json.loads(rest)["success"] is True


def test_json_forces_one_line_on_a_terminal(capsule: Command) -> None:
    capsule.write("quiet.py", "def main(): return 1")
    done = capsule.on_terminal("run", "quiet.py", "--json")
    assert envelope(done.out)["result"] == 1


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        ("'two\\nlines'", "two\nlines\n"),
        ("'é'", "é\n"),
        ("[1, 'a', None]", '[1, "a", null]\n'),
        ("{'é': 1.5}", '{"é": 1.5}\n'),
        ("None", "null\n"),
    ],
)
def test_result_prints_the_bare_result(capsule: Command, expression: str, printed: str) -> None:
    done = capsule("run", "-", "--result", stdin=f"def main(): return {expression}")
    assert done == (0, printed, "")


def test_a_failure_with_result_goes_to_stderr(capsule: Command) -> None:
    capsule.write("broken_sum.py", "def inner(): return 1 / 0\ndef main():\n    return inner()\n")
    done = capsule("run", "broken_sum.py", "--result")
    last = "task_error: ZeroDivisionError: division by zero\n"
    assert done == (
        1,
        "",
        "Traceback of the task (most recent last):\n"
        '  File "broken_sum.py", line 3, in main\n'
        "    return inner()\n"
        '  File "broken_sum.py", line 1, in inner\n'
        "  > def inner(): return 1 / 0\n"
        "                        ~~^~~\n" + last,
    )
    assert capsule("run", "broken_sum.py", "--result", "--quiet") == (1, "", last)


def test_a_failure_is_told_on_a_terminal_and_in_a_pipe_is_the_envelope_alone(
    capsule: Command,
) -> None:
    capsule.write("endless.py", "def main():\n    while True: pass\n")
    words = "run", "endless.py", "--max-fuel", "LOW"
    said = (
        "fuel_exhausted: the task used 1.0e8 of 1.0e8 fuel, --max-fuel LOW:\n"
        "                --max-fuel MEDIUM allows 20x\n"
    )
    shown = capsule.on_terminal(*words)
    assert shown.code == 1
    document, brace, told = shown.out.rpartition("}\n")
    assert told == said
    assert json.loads(document + brace)["success"] is False
    for quiet in ("--json", "--quiet"):
        assert "\nfuel_exhausted" not in capsule.on_terminal(*words, quiet).out
    assert capsule(*words).err == ""


@pytest.mark.parametrize(
    ("source", "code", "error_type"),
    [
        ("def main(): 1 / 0", 1, "task_error"),
        ("def main():\n while True: pass", 1, "fuel_exhausted"),
        ("import os\ndef main(): os.abort()", 1, "sandbox_crashed"),
        ("import posix\ndef main(): posix.write(1, b'x' * 9)", 1, "protocol_error"),
        ("import time\ndef main(): time.sleep(1e9)", 124, "timeout"),
    ],
)
def test_exit_codes_of_runs(capsule: Command, source: str, code: int, error_type: str) -> None:
    done = capsule("run", "-", "--timeout", "2s", "--max-fuel", "LOW", stdin=source)
    assert done.code == code
    error = envelope(done.out)["error"]
    assert error is not None
    assert error["error_type"] == error_type


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("run", "nowhere.py"), 2, "'nowhere.py' does not exist"),
        (("run", "."), 2, "'.' is a folder"),
        (("run", "/dev/null"), 2, "'/dev/null' is no regular file\n  try: capsule run - < FILE.py"),
        (("run",), 2, "there is no capsule.toml"),
        (("run", "two.py"), 2, "none is the entry point"),
        (("run", "bad.py"), 2, "compute"),
        (("run", "broken.py"), 2, "broken.py"),
        (("run", "hello.py", "--max-ram", "much"), 2, "--max-ram"),
        (("run", "hello.py", "--max-fuel", "0"), 2, "--max-fuel"),
        (("run", "hello.py", "--timeout", "soon"), 2, "--timeout"),
        (("run", "hello.py", "--verbos"), 2, "--verbose"),
        (("run", "hello.py", "--quiet", "--verbose"), 2, "exclude each other"),
        (("run", "hello.py", "x", "--args-file", "a.json"), 2, "both --args-file and arguments"),
        (("run", "hello.py", "--args-file", "none.json"), 2, "none.json"),
        (("run", "hello.py", "--args-file", "text.json"), 2, "not JSON"),
        (("run", "hello.py", "--args-file", "number.json"), 2, "a number"),
        (("run", "-", "--args-file", "-"), 2, "both the source and the --args-file"),
        (("rum", "hello.py"), 2, "no command rum of capsule\n  try: capsule run"),
        (("run", "hosts.py"), 2, "allowed_hosts"),
    ],
)
def test_what_is_wrong_before_a_run(
    capsule: Command, words: tuple[str, ...], code: int, says: str
) -> None:
    capsule.write("hello.py", HELLO)
    capsule.write("two.py", "from capsule import task\n@task\ndef a(): pass\n@task\ndef b(): pass")
    capsule.write("bad.py", "from capsule import task\n@task(compute='HUGE')\ndef a(): pass")
    capsule.write(
        "hosts.py",
        "from capsule import task\n@task(allowed_hosts=['http://a.example/'])\ndef a(): pass",
    )
    capsule.write("broken.py", "def main(:\n")
    capsule.write("text.json", "hello")
    capsule.write("number.json", "1")
    done = capsule(*words)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert done.err.startswith("capsule: ")
    if words[0] == "run":
        as_json = capsule(*words, "--json")
        assert as_json.code == code
        error = envelope(as_json.out)["error"]
        assert error is not None
        assert says in error["message"]


def test_a_defect_of_the_toolchain_exits_with_3(capsule: Command, tmp_path: Path) -> None:
    capsule.write("hello.py", HELLO)
    capsule.write("file", "")
    capsule.environ["CAPSULE_HOME"] = str(tmp_path / "file" / "home")
    done = capsule("run", "hello.py")
    assert (done.code, done.out) == (3, "")
    assert "CAPSULE_HOME" in done.err


def test_a_source_on_stdin_and_arguments_in_a_file(capsule: Command) -> None:
    capsule.write("args.json", '{"a": [1], "b": {"c": null}}')
    source = "def main(a, b): return [a, b]"
    done = capsule("run", "-", "--args-file", "args.json", "--result", stdin=source)
    assert done == (0, '[[1], {"c": null}]\n', "")


def test_arguments_on_stdin(capsule: Command) -> None:
    capsule.write("add.py", "def main(*n): return sum(n)")
    done = capsule("run", "add.py", "--args-file", "-", "--result", stdin="[1, 2, 3.5]")
    assert done == (0, "6.5\n", "")


def test_words_are_strings_and_dashes_follow_two(capsule: Command) -> None:
    capsule.write("echo.py", "def main(*words): return list(words)")
    done = capsule("run", "echo.py", "--result", "--", "1", "-x", "--json", "é")
    assert done == (0, '["1", "-x", "--json", "é"]\n', "")


def test_the_entrypoint_of_a_project(capsule: Command) -> None:
    capsule.write(
        "capsule.toml", '[workflow]\nentrypoint = "src/job.py"\n[tasks]\ndefault_compute = "LOW"\n'
    )
    capsule.write("src/job.py", "import helper\ndef main(): return helper.answer()")
    capsule.write("src/helper.py", "def answer(): return 42")
    done = capsule("run", "--verbose")
    assert envelope(done.out)["result"] == 42
    assert "compute LOW" in done.err


def test_verbose_tells_the_life_of_a_task(capsule: Command) -> None:
    source = "from capsule import task\n@task(max_retries=1, timeout='20s')\ndef main(): 1 / 0"
    done = capsule("run", "-", "--verbose", stdin=source)
    lines = done.err.splitlines()
    assert lines[0] == "capsule: task 'main' started (compute MEDIUM, ram no limit, timeout 20s)"
    assert lines[1].startswith("capsule: task 'main' task_error in ")
    assert lines[2].startswith("capsule: task 'main', retry 1 of 1, started")
    assert lines[3].startswith("capsule: task 'main', retry 1 of 1, task_error in ")


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_sandbox_and_says_so(capsule: Command, number: int) -> None:
    capsule.write("sleep.py", "import time\ndef main():\n    print('up')\n    time.sleep(1e9)")
    with capsule.popen("run", "sleep.py") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 1
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    error = json.loads(out)["error"]
    assert error["error_type"] == "cancelled"
    assert err == b""
    assert not children[0].is_running()


@pytest.mark.parametrize(
    "words",
    [("run",), ("build",), ("build", "--export"), ("run", "--json"), ("build", "--json")],
)
def test_ctrl_c_while_preparing(capsule: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    capsule.write("hello.py", HELLO)
    # A download that never ends: a pip that waits for its configuration.
    capsule.environ["CAPSULE_HOME"] = str(tmp_path / "empty")
    fifo = tmp_path / "index"
    os.mkfifo(fifo)
    capsule.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": str(fifo)}
    with capsule.popen(*words, "hello.py") as process:
        assert process.stderr is not None
        assert b"wasmtime" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    if "--json" in words:
        assert json.loads(out)["error"]["error_type"] == "cancelled"
    else:
        assert out == b""
    assert err.endswith(b"capsule: interrupted\n")
    assert b"Traceback" not in err


def test_a_result_that_cannot_be_written_is_not_lost(capsule: Command) -> None:
    capsule.write("hello.py", HELLO)
    line = f"ulimit -f 0; exec {sys.executable} -m capsule run hello.py 2 --json > out"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=capsule.folder,
        env=capsule.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    printed, result, message = done.stderr.splitlines()[:3]
    assert printed == "printing 2"
    assert envelope(result + "\n")["result"] == "hello hello "
    assert message.startswith("capsule: stdout cannot be written: File too large")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(capsule: Command, closed: str) -> None:
    capsule.write("hello.py", HELLO)
    done = subprocess.run(
        ["bash", "-c", f"exec {sys.executable} -m capsule run hello.py {closed}"],
        cwd=capsule.folder,
        env=capsule.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_a_source_on_a_closed_stdin(capsule: Command) -> None:
    with capsule.popen("run", "-", preexec_fn=lambda: os.close(0)) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == b"capsule: stdin is closed, and something should be read from it\n"


@pytest.mark.parametrize("end", ["timeout", "signal"])
def test_a_stderr_that_nobody_reads_holds_nothing_up(capsule: Command, end: str) -> None:
    capsule.write("flood.py", "def main():\n    while True: print('x' * 60000)")
    reader, writer = os.pipe()
    limits = ("--timeout", "1s") if end == "timeout" else ()
    try:
        with capsule.popen("run", "flood.py", *limits, stderr=writer) as process:
            os.close(writer)
            if end == "signal":
                # The pipe is full once its first bytes are there and the sandbox goes on.
                select.select([reader], [], [], 60)
                process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=60)
    finally:
        os.close(reader)
    error = json.loads(out)["error"]
    expected = {"timeout": (124, "timeout"), "signal": (130, "cancelled")}[end]
    assert (process.returncode, error["error_type"]) == expected


def test_a_working_folder_that_is_gone(capsule: Command) -> None:
    (capsule.folder / "gone").mkdir()
    line = f"cd gone && rmdir ../gone && exec {sys.executable} -m capsule run x.py"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=capsule.folder,
        env=capsule.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "capsule: the working folder is gone" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("variable", "code"), [("CAPSULE_HOME", 2), ("CAPSULE_WASMTIME", 3)])
def test_a_user_that_does_not_exist(capsule: Command, variable: str, code: int) -> None:
    capsule.environ[variable] = "~no-such-user/x"
    done = capsule("run", "-", stdin="def main(): pass")
    assert (done.code, done.out) == (code, "")
    assert f"{variable}='~no-such-user/x'" in done.err


def test_export_replaces_files_only(capsule: Command) -> None:
    os.mkfifo(capsule.folder / "pipe")
    for target in ("pipe", "."):
        done = capsule("toolchain", "export", target)
        assert done.code == 3
        assert "no file that can be replaced" in done.err
    assert stat.S_ISFIFO((capsule.folder / "pipe").stat().st_mode)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("run", "hllo.py"), "capsule run hello.py"),
        (("run", "hello"), "capsule run hello.py"),
        (("run", "sub/jbo.py", "--json"), "capsule run 'sub/j b o.py'"),
        (("run", "zzzz.py"), "capsule run FILE.py"),
        (("run", "no/where/hello.py"), "capsule run FILE.py"),
        (("build", "helo"), "capsule build hello.py"),
        (("exec", "helo.wasm"), "capsule exec hello.wasm"),
        (("exec", "zzzz"), "capsule exec FILE.wasm"),
    ],
)
def test_a_file_that_is_nearly_there(capsule: Command, words: tuple[str, ...], hint: str) -> None:
    for name in ("hello.py", "sub/j b o.py", "hello.wasm"):
        capsule.write(name, HELLO)
    done = capsule(*words)
    assert done.code == 2
    said = json.loads(done.out)["error"]["message"] if "--json" in words else done.err
    assert said.rstrip("\n").endswith(f" does not exist\n  try: {hint}")


def test_no_command_shows_the_help(capsule: Command) -> None:
    for words in ((), ("toolchain",)):
        done = capsule(*words)
        assert done.code == 2
        assert done.err.startswith("Usage: capsule")
        assert done.out == ""


def test_a_reader_that_goes_away_is_no_error(capsule: Command) -> None:
    capsule.write("big.py", "def main(): return 'x' * 1_000_000")
    with capsule.popen("run", "big.py") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(60) == 0
    assert err == b""


def test_no_control_characters_reach_a_terminal(capsule: Command) -> None:
    capsule.write(
        "evil.py",
        "def main():\n    print('\\x1b]0;title\\x07\\x1b[2J', '\\x9b31m')\n    return 'a\\x1bb\\x9bc\\x7f'",
    )
    shown = capsule.on_terminal("run", "evil.py").out
    assert not any(ord(char) < 32 and char not in "\n\t" for char in shown)
    assert "\x9b" not in shown
    assert "\x7f" not in shown
    piped = capsule("run", "evil.py")
    assert "\x1b]0;title" in piped.err


def test_output_is_utf8_whatever_the_locale(capsule: Command) -> None:
    capsule.environ |= {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = capsule("run", "-", "--result", stdin="def main():\n    print('ä')\n    return 'é'")
    assert done == (0, "é\n", "ä\n")


def test_a_shebang_line(capsule: Command, tmp_path: Path) -> None:
    launcher = capsule.write("bin/capsule", f'#!/bin/sh\nexec {sys.executable} -m capsule "$@"\n')
    launcher.chmod(0o755)
    script = capsule.write(
        "tool", "#!/usr/bin/env -S capsule run --result\ndef main(*words): return len(words)\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    environ = capsule.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        [script, "a", "b"], env=environ, capture_output=True, check=True, timeout=60
    )
    assert done.stdout == b"2\n"


def test_the_caller_only_ever_narrows(capsule: Command) -> None:
    capsule.write("hello.py", HELLO)
    done = capsule(
        "run", "hello.py", "-v", "--max-fuel", "HIGH", "--max-ram", "4GB", "--timeout", "1m"
    )
    assert "compute LOW, ram 64MB, timeout 1m" in done.err
    done = capsule("run", "hello.py", "-v", "--max-fuel", "50_000_000", "--max-ram", "48MB")
    assert "compute 50_000_000, ram 48MB, timeout none" in done.err


def test_a_read_only_home_of_the_user(capsule: Command) -> None:
    (capsule.folder / "user").write_text("a file, so nothing can be made below it")
    done = capsule("run", "-", "--result", stdin="def main(): return 1")
    assert done == (0, "1\n", "")


def test_doctor_says_that_all_is_well(capsule: Command) -> None:
    done = capsule("doctor")
    assert done.code == 0
    assert "a task answered in" in done.out
    rows: list[dict[str, Any]] = json.loads(capsule("doctor", "--json").out)
    assert {row["name"] for row in rows} >= {"version", "state", "toolchain", "confinement", "run"}
    assert {row["state"] for row in rows} <= {"ok", "warning"}
    assert max(map(len, capsule.on_terminal("doctor").out.splitlines())) <= 200


def test_help_and_version(capsule: Command) -> None:
    done = capsule.on_terminal("run", "--help", columns=80)
    assert done.code == 0
    assert max(map(len, without_styles(done.out).splitlines())) <= 80
    assert capsule("--version").out.startswith("capsule ")
    assert capsule("--help").code == 0


def test_modules_of_the_working_folder_are_not_ours(capsule: Command) -> None:
    for name in ("tomllib", "shutil", "typer", "json", "locale", "zoneinfo"):
        capsule.write(f"{name}.py", "open('pwned', 'w').close()\nraise SystemExit(9)\n")
    capsule.write("hello.py", HELLO)
    done = subprocess.run(
        [sys.executable, "-m", "capsule", "run", "hello.py", "1", "--result"],
        cwd=capsule.folder,
        env=capsule.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not (capsule.folder / "pwned").exists()
    assert (done.returncode, done.stdout) == (0, "hello \n"), done.stderr


def test_an_import_error_in_any_script(capsule: Command) -> None:
    capsule.write("hello.py", "raise ValueError('\u00e9')\ndef main(): pass\n")
    capsule.environ.update(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    done = capsule("run", "hello.py", "--json", "--verbose")
    assert done.code == 1
    error = envelope(done.out)["error"]
    assert error is not None
    assert error["message"] == "ValueError: \u00e9"


def test_a_module_that_is_no_python_is_named_as_the_user_does(capsule: Command) -> None:
    capsule.write("beside.py", "def f(:\n")
    capsule.write("uses.py", "import beside\ndef main(): pass\n")
    error = json.loads(capsule("run", "uses.py").out)["error"]
    assert '  File "beside.py", line 1\n    def f(:\n' in error["traceback"]
