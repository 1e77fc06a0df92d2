"""What every command prints: on a terminal of 80 columns, in a pipe, as JSON, and when it errs.

One table; a command that is not in it fails a test. All share one home of their own: a copy of the
toolchain, which some of them change.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from capsule.cli.app import app
from capsule.cli.grammar.command_model import everything
from capsule.cli.grammar.command_tree import command_tree
from capsule.toolstore.open_toolchain import layout_of
from capsule.toolstore.sources import ToolchainSources
from tests.integration.command import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.command import Done

pytestmark = pytest.mark.integration

COMMANDS = [command for command in everything(command_tree(app)) if not command.commands]
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Case(NamedTuple):
    """A line of a command, and what it prints.

    `out` and `err` are patterns of the whole of stdout and stderr in a pipe. What `shows` is a
    pattern of what a terminal has somewhere; None is `out` or, where that is empty, `err`. `found`
    looks at the JSON; None is for a command without.
    """

    words: str
    out: str = ""
    err: str = ""
    found: Callable[[Any], bool] | None = None
    shows: str | None = None
    typed: bytes = b""
    code: int = 0


STEPS = r"(capsule: (importing|exporting) the toolchain.*\n)*"
RUN = "[0-9a-f]{16}"
CASES = {
    "run": Case(
        "run hello.py 2",
        r'\{"success": true, "result": "hello hello ", .*\}\n',
        "said\n",
        lambda found: found["result"] == "hello hello ",
        r'said\n\{\n  "success": true,\n  "result": "hello hello ",\n(.|\n)*\n\}\n',
    ),
    "exec": Case(
        "exec hello.wasm 1",
        r'\{"success": true, "result": "hello ", .*\}\n',
        "said\n",
        lambda found: found["result"] == "hello ",
        r'"result": "hello ",\n',
    ),
    "build": Case(
        "build --export hello.py -o out.wasm",
        "out.wasm\n",
        r"capsule: hello\.py is exported, \d\.\d MB, in \d+\.\d s\n",
        lambda found: found.keys() == {"artifact", "size", "without_snapshot"},
        r"out\.wasm\ncapsule: hello\.py is exported",
    ),
    "inspect": Case(
        "inspect hello.py",
        r"file +hello\.py\nproject +/.*\n(.*\n)*ceilings .*\n\ntask main, line 1, .*\n(  .*\n)+",
        "",
        lambda found: [task["task"] for task in found["tasks"]] == ["main"],
    ),
    "bench": Case(
        "bench hello.py 2 --seconds 1",
        r"file +hello\.py, task main\nmachine .*\na second +[\d.]+ runs, [\d.]+ for each processor\n"
        r"one alone +[\d.]+ ms: [\d.]+ to start, [\d.]+ to run\n(.*\n)+a million .*\n",
        "capsule: measuring for 1 s\n",
        lambda found: found["runs"] > 0 and found["failed"] == 0 and found["ram_used"] > 0,
    ),
    "ps": Case("ps", "", "capsule: nothing is running\n", lambda found: found == []),
    "trace": Case(
        "trace --limit 1",
        rf"RUN  +AGE  STATE  +TIME +FUEL +MEMORY  TASK\n{RUN} .*  main  hello\.(py|wasm)\n",
        "",
        lambda found: len(found) == 1 and found[0]["task"] == "main",
    ),
    "doctor": Case(
        "doctor",
        r"ok   version      capsule .*\n(.+\n)+ok   run          a task answered in \d+ ms\n",
        "",
        lambda found: {row["state"] for row in found} <= {"ok", "warning"},
    ),
    "worker": Case(
        "worker",
        "",
        "",
        None,
        r'capsule: reading lines of JSON, like \{"id": 1, "file": "hello.py"\}; Ctrl-D ends\n',
        b"\x04",
    ),
    "mcp": Case("mcp", "", "", None, r"capsule: a client starts this, .*; Ctrl-D ends:\n", b"\x04"),
    # In a pipe, nothing is typed.
    "repl": Case("repl", "", "", None, r">>> 6 \* 7\n42\n>>> quit", b"6 * 7\nquit()\n"),
    "completion": Case("completion bash", r"# Completion of capsule in bash(.|\n)*capsule\n"),
    "help": Case("help cache", r"Usage: capsule cache \[OPTIONS\] COMMAND\n(.|\n)*each\.\n"),
    "toolchain install": Case(
        "toolchain install",
        "",
        r"capsule: the toolchain is ready in .*/toolchain\n",
        lambda found: (
            found["folder"].endswith("/toolchain")
            and {"ready"} == {part["state"] for part in found["parts"] if part["size"]}
        ),
    ),
    "toolchain list": Case(
        "toolchain list",
        r"wasmtime wheel +\S+ +ready +17\.\d MB\n(.*\n)*compiled core .*\n(.*\n)*",
        "",
        lambda found: (
            found[0].keys() == {"part", "version", "state", "size", "path", "note", "advisories"}
            and {row["part"]: row["note"] for row in found}["wasmtime"] == "the pinned one"
        ),
    ),
    "toolchain verify": Case(
        "toolchain verify",
        r"wasmtime wheel       ok\n(.* ok\n)+",
        "",
        lambda found: {row["state"] for row in found} == {"ok"},
    ),
    "toolchain export": Case(
        "toolchain export parts.zip",
        "",
        STEPS + r"capsule: wrote 2 wheels, 11\d\.\d MB, to parts\.zip\n",
        lambda found: (
            found["file"] == "parts.zip"
            and found["size"] > 100_000_000
            and [name.endswith(".whl") for name in found["wheels"]] == [True, True]
        ),
    ),
    "toolchain import": Case(
        "toolchain import exported.zip",
        "",
        STEPS + r"capsule: the toolchain is ready in .*/toolchain\n",
        lambda found: "ready" in {part["state"] for part in found["parts"]},
    ),
    "toolchain remove": Case(
        "toolchain remove",
        "",
        r"capsule: removed 2\.0 MB\n",
        lambda found: (
            found == {"removed": [{"toolchain": "0123", "size": 2_000_000}], "freed": 2_000_000}
        ),
    ),
    "cache list": Case(
        "cache list",
        r"code +\d+ entr.*\n(.*\n)+total +\d+ entries +\d+\.\d MB  last used just now\n",
        "",
        lambda found: found[0].keys() == {"kind", "size", "used", "path"},
    ),
    "cache prune": Case(
        "cache prune --older-than 0",
        r"deleted \d+ entr(y|ies), \d+\.\d MB\n",
        "",
        lambda found: found.keys() == {"deleted", "freed"},
    ),
}
ways = pytest.mark.parametrize("name", CASES)
HAVE_JSON = [name for name, case in CASES.items() if case.found is not None]


@pytest.fixture(scope="module")
def home(toolchain_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with all that a run needs, and one run in its record."""
    folder = tmp_path_factory.mktemp("outputs")
    home = folder / "home"
    # Without those of other pins, which somebody may have beside it.
    mine = layout_of(toolchain_home, ToolchainSources()).root
    copy = home / "toolchain" / mine.name
    shutil.copytree(mine, copy, ignore=shutil.ignore_patterns("staging"))
    command = Command(folder, home)
    command.write("hello.py", HELLO)
    assert command("build", "--export", "hello.py", "--quiet").code == 0
    assert command("exec", "hello.wasm", "--quiet").code == 0
    assert command("run", "hello.py", "--quiet").code == 0
    assert command("toolchain", "export", "exported.zip").code == 0
    yield home
    # Windows deletes no file that is only to be read.
    shutil.rmtree(folder, ignore_errors=os.name == "nt")


HELLO = "def main(n=3):\n    print('said')\n    return 'hello ' * int(n)\n"


@pytest.fixture
def capsule(home: Path, tmp_path: Path) -> Command:
    made = Command(tmp_path, home)
    made.write("hello.py", HELLO)
    for name in ("hello.wasm", "exported.zip"):
        (tmp_path / name).hardlink_to(home.parent / name)
    return made


def done(capsule: Command, name: str, *more: str) -> Done:
    _prepare(capsule, name)
    return capsule(*CASES[name].words.split(), *more)


def _prepare(capsule: Command, name: str) -> None:
    if name == "toolchain remove":
        # Not the one that the others need.
        capsule.environ["CAPSULE_HOME"] = str(capsule.folder / "old")
        capsule.write("old/toolchain/0123/part", "x" * 2_000_000)


def test_every_command_is_in_the_table() -> None:
    assert set(CASES) == {" ".join(command.words) for command in COMMANDS}
    with_json = {" ".join(command.words) for command in COMMANDS if command.option("--json")}
    assert set(HAVE_JSON) == with_json


@ways
def test_in_a_pipe(capsule: Command, name: str) -> None:
    case, said = CASES[name], done(capsule, name)
    assert said.code == case.code
    assert re.fullmatch(case.out, said.out), said.out
    assert re.fullmatch(case.err, said.err), said.err
    assert "\x1b" not in said.out + said.err


@ways
def test_on_a_terminal(capsule: Command, name: str) -> None:
    case = CASES[name]
    _prepare(capsule, name)
    said = capsule.on_terminal(*case.words.split(), typed=case.typed)
    assert said.code == case.code
    text = STYLE.sub("", said.out)
    expected = (case.out or case.err.removeprefix(STEPS)) if case.shows is None else case.shows
    assert re.search(expected, text), text
    paths = (str(capsule.folder), str(capsule.environ["CAPSULE_HOME"]))
    for line in re.split(r"[\r\n]", text):
        # A path stays whole, for whoever copies it; a script is no text.
        fits = len(line) <= 80 or any(path in line for path in paths) or name == "completion"
        assert fits, line


@pytest.mark.parametrize("name", HAVE_JSON)
def test_as_json(capsule: Command, name: str) -> None:
    case, said = CASES[name], done(capsule, name, "--json")
    assert said.code == case.code
    assert said.out.count("\n") == 1
    assert case.found is not None
    assert case.found(json.loads(said.out)), said.out
    # The task's own words, and the steps of long work.
    assert re.fullmatch(rf"(said\n)?{STEPS}", said.err), said.err


@pytest.mark.parametrize("name", HAVE_JSON)
def test_an_error_as_json(tmp_path: Path, name: str) -> None:
    capsule = Command(tmp_path, tmp_path / "home")
    said = capsule(*name.split(), "--json", "--no-such")
    assert (said.code, said.err) == (2, "")
    assert said.out.count("\n") == 1
    found = json.loads(said.out)
    assert found["error"] == {
        "error_type": "usage_error",
        "message": found["error"]["message"],
    } or name in ("run", "exec")
    message = found["error"]["message"]
    assert message.startswith(f"there is no option --no-such of capsule {name}\n  try: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["--help", "-h", *(f"{name} --help" for name in CASES)])
def test_help(tmp_path: Path, words: str) -> None:
    capsule = Command(tmp_path, tmp_path / "home")
    said = capsule(*words.split())
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Usage: capsule ")
    assert said.out.isascii()
    assert "\x1b" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert capsule.on_terminal(*words.split()).out == said.out
    assert capsule("help", *words.split()[:-1]).out == said.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["--help", "run --help", "help run", "--version"])
def test_help_that_nobody_can_read(tmp_path: Path, words: str) -> None:
    capsule = Command(tmp_path, tmp_path / "home")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone, capsule.popen(*words.split(), stdout=gone) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    (tmp_path / "full").symlink_to("/dev/full")
    with (
        (tmp_path / "full").open("wb") as full,
        capsule.popen(*words.split(), stdout=full) as process,
    ):
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith((b"Usage: capsule ", b"capsule 0.")), err
    assert b"capsule: stdout cannot be written: No space left on device" in err


@pytest.mark.parametrize("words", ["", "toolchain", "cache"])
def test_no_command(tmp_path: Path, words: str) -> None:
    capsule = Command(tmp_path, tmp_path / "home")
    said = capsule(*words.split())
    assert (said.code, said.out) == (2, "")
    assert said.err == capsule(*words.split(), "--help").out


def test_version(tmp_path: Path) -> None:
    capsule = Command(tmp_path, tmp_path / "home")
    for words in ("--version", "-V"):
        said = capsule(words)
        assert (said.code, said.err) == (0, "")
        assert re.fullmatch(r"capsule \d+\.\d+\.\d+\n", said.out)
        assert capsule.on_terminal(words).out == said.out


def test_a_damaged_toolchain_is_one_document_too(capsule: Command, tmp_path: Path) -> None:
    capsule.environ["CAPSULE_HOME"] = str(tmp_path / "empty")
    said = capsule("toolchain", "verify", "--json")
    assert said.code == 3
    assert {row["state"] for row in json.loads(said.out)} == {"missing"}
    assert re.fullmatch(r"capsule: \d+ of \d+ files are not as .*\n  try: .* install\n", said.err)
    said = capsule("toolchain", "export", "x.zip", "--json")
    assert (said.code, said.err) == (3, "")
    assert json.loads(said.out)["error"]["error_type"] == "toolchain_error"
