"""`--verbose` as a user sees it: a tree on a terminal, lines in a pipe."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.integration.command import Command
from tests.integration.terminal import Terminal
from tests.integration.test_worker import listening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.integration

FAMILY = """
import asyncio, sys
from capsule import task

@task(compute="LOW", ram="64MB")
async def leaf(name):
    print("leaf", name, end=" ", flush=True)
    await asyncio.sleep(0.3)
    print("is done")

@task(max_retries=1)
async def shaky():
    raise ValueError("no")

@task(timeout="300ms")
async def slow():
    await asyncio.sleep(3600)

@task(max_retries=0)
async def middle():
    return [answer.success for answer in await asyncio.gather(leaf("a"), leaf("b"))]

@task(name="main")
async def main():
    print("no line end", end="", flush=True)
    answers = await asyncio.gather(middle(), shaky(), slow())
    sys.stdout.write("\\nthe last has none either")
    return [answer.success for answer in answers]
"""
ENDLESS = """
import asyncio
from capsule import task

@task()
async def below():
    await asyncio.sleep(3600)

@task(name="main")
async def main():
    print("up", end="", flush=True)
    await asyncio.gather(below(), below())
"""


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    command = Command(tmp_path, toolchain_home)
    # Where nobody listens, until a test has somebody do that; the path of a socket has to be short.
    command.environ["CAPSULE_SOCKET"] = str(tmp_path / "s" / "w")
    command.environ["CAPSULE_RECORD"] = "0"
    command.write("family.py", FAMILY)
    command.write("endless.py", ENDLESS)
    return command


def without_amounts(lines: Sequence[str]) -> list[str]:
    """Take out what is different from run to run, and the numbers, which go by who comes first."""
    lines = [re.sub(r"\d+(\.\d+)? m?s\b", "TIME", line) for line in lines]
    lines = [re.sub(r"\b\d+(\.\d+)? [KM] of", "SOME of", line) for line in lines]
    return [re.sub(r" +", " ", re.sub(r"^\.\d+ ", ".N ", line)) for line in lines]


TREE = [
    ".N main TIME completed fuel SOME of 2.0 G, 40 MB",
    ".N ├─ middle TIME completed fuel SOME of 2.0 G, 40 MB",
    ".N │ ├─ leaf TIME completed fuel SOME of 100 M, 40 MB",
    ".N │ └─ leaf TIME completed fuel SOME of 100 M, 40 MB",
    ".N ├─ shaky TIME failed: task_error fuel SOME of 2.0 G, 40 MB",
    ".N ├─ slow TIME timed out 40 MB",
    ".N └─ shaky (retry 1) TIME failed: task_error fuel SOME of 2.0 G, 40 MB",
]
PRINTED = ["leaf a is done", "leaf b is done", "no line end", "the last has none either"]


def family(lines: Sequence[str]) -> None:
    """Look at what a run of the family has left on the screen."""
    shown = without_amounts(lines)
    assert shown[-1] == "[true, false, false]"
    tree = shown[-1 - len(TREE) : -1]
    # The second attempt may be made before or after the third task begins.
    assert sorted(line.replace("└", "├") for line in tree) == sorted(
        line.replace("└", "├") for line in TREE
    )
    assert sorted(shown[: -1 - len(TREE)]) == PRINTED
    assert shown.index("no line end") < shown.index("the last has none either")


def test_a_tree_that_grows_and_stays(capsule: Command) -> None:
    with Terminal(capsule, "run", "family.py", "--verbose", "--result") as terminal:
        lines = terminal.wait_until(
            lambda lines: any("─ leaf" in line and "running" in line for line in lines)
        )
        (main,) = [line for line in lines if re.search(r"\bmain\b", line)]
        assert re.fullmatch(r"\.1  main .* running +│ no line end", main)
        terminal.wait_until(
            lambda lines: any("shaky" in line and "failed: task_error" in line for line in lines)
        )
        assert terminal.finish() == 0
        family(terminal.lines)
        assert not terminal.console.cursor.hidden


def test_a_worker_shows_the_same(capsule: Command) -> None:
    with (
        listening(capsule),
        Terminal(capsule, "run", "family.py", "--verbose", "--result") as terminal,
    ):
        assert terminal.finish() == 0
        family(terminal.lines)


def test_an_artifact_too(capsule: Command) -> None:
    assert capsule("build", "--export", "family.py", "-q").code == 0
    with Terminal(capsule, "exec", "family.wasm", "--verbose", "--result") as terminal:
        assert terminal.finish() == 0
        family(terminal.lines)


def test_a_narrow_terminal(capsule: Command) -> None:
    with Terminal(capsule, "run", "family.py", "-v", "--result", columns=40) as terminal:
        assert terminal.finish() == 0
        lines = terminal.lines
    assert len(lines) == len(PRINTED) + len(TREE) + 1
    assert any(re.fullmatch(r"\.\d+  │  └─ leaf .* completed +…", line) for line in lines)


@pytest.mark.parametrize("through_a_worker", [False, True])
def test_ctrl_c_leaves_a_clean_terminal(capsule: Command, *, through_a_worker: bool) -> None:
    def look() -> None:
        with Terminal(capsule, "run", "endless.py", "--verbose", "--result") as terminal:
            terminal.wait_until(
                lambda lines: sum("below" in line and "running" in line for line in lines) == 2
            )
            terminal.type(b"\x03")
            assert terminal.finish() == 130
            # One that has hardly begun has no memory yet.
            lines = [line.removesuffix(" 40 MB") for line in without_amounts(terminal.lines)]
            assert lines == [
                "up",
                ".N main TIME cancelled",
                ".N ├─ below TIME cancelled",
                ".N └─ below TIME cancelled",
                "cancelled: the run was cancelled",
            ]
            assert not terminal.console.cursor.hidden

    if through_a_worker:
        with listening(capsule):
            look()
    else:
        look()


def test_whatever_a_task_chose_drives_no_terminal(capsule: Command) -> None:
    capsule.write(
        "evil.py",
        "from capsule import task\n"
        "from capsule_guest import calls\n"
        "@task(name='日本 语')\ndef evil(): print('\\x1b]0;t\\x07', end='')\n"
        "@task(name='main')\ndef main():\n    print('50 %\\r60 %\\x9b2J', end='')\n    evil()\n"
        "    asked = {'name': 'a\\x1b[2Jb\\n\\u202ec', 'args': [], 'kwargs': {}}\n"
        "    calls.call('task', asked)\n",
    )
    with Terminal(capsule, "run", "evil.py", "--verbose", "--result") as terminal:
        assert terminal.finish() == 0
        lines = terminal.lines
    assert lines[0] == "?]0;t?"
    assert any(re.match(r"\.3  └─ a\?\[2Jb\?\?c ", line) for line in lines)
    assert "60 %?2J" in lines
    # What moves the cursor is ours alone.
    known = rb"\x1b\[(\?25[lh]|\?7[lh]|\d+A|J|K)"
    assert b"\x1b" not in re.sub(known, b"", bytes(terminal.raw))
    piped = capsule("run", "evil.py", "--verbose")
    said = [line for line in piped.err.splitlines() if "capsule:" in line]
    assert len(said) == 5
    assert all("\x1b[2J" not in line and "\u202e" not in line for line in said)


def test_more_tasks_than_lines(capsule: Command) -> None:
    capsule.write(
        "many.py",
        "import asyncio\nfrom capsule import task\n"
        "@task()\nasync def one(n):\n    if n == 3: raise ValueError\n"
        "@task()\nasync def last(): await asyncio.sleep(3600)\n"
        "@task(name='main')\nasync def main():\n"
        "    await asyncio.gather(*map(one, range(40)))\n    await last()\n",
    )
    with Terminal(capsule, "run", "many.py", "--verbose", "--result", lines=12) as terminal:
        terminal.wait_until(
            lambda lines: any("last" in line and "running" in line for line in lines)
        )
        console = [line.rstrip() for line in terminal.console.display]
        assert console[0].split()[:2] == [".1", "main"]
        assert sum("failed: task_error" in line for line in console) == 1
        assert console[-2:] == ["(32 more: 32 completed)", ""]
        terminal.type(b"\x03")
        assert terminal.finish() == 130
        # All of them stay, where that is not too much.
        assert len(terminal.lines) == 42 + 1


def test_a_terminal_that_takes_nothing_holds_up_no_timeout(capsule: Command) -> None:
    capsule.write(
        "flood.py",
        "from capsule import task\n@task(timeout='1s', compute='HIGH')\n"
        "def main():\n    while True: print('x' * 1000)\n",
    )
    # What it prints to stdout is read; the terminal is not.
    with Terminal(
        capsule, "run", "flood.py", "--verbose", "--json", stdout=subprocess.PIPE
    ) as terminal:
        assert terminal.process.stdout is not None
        assert b'"error_type": "timeout"' in terminal.process.stdout.read()
        assert terminal.process.wait(60) == 124


def test_all_of_a_long_line_is_shown(capsule: Command) -> None:
    capsule.write("long.py", "def main(): print('0123456789' * 2_000, end='')")
    with Terminal(capsule, "run", "long.py", "--verbose", "--result") as terminal:
        assert terminal.finish() == 0
        lines = terminal.lines
    assert "".join(lines[:250]) == "0123456789" * 2_000
    assert re.match(r"\.1  main ", lines[250])


def test_a_call_that_is_refused(capsule: Command) -> None:
    capsule.write(
        "deep.py",
        "from capsule import task\n@task(name='main')\ndef main(n=1): return main(n + 1)['error']\n",
    )
    with Terminal(capsule, "run", "deep.py", "--verbose", "--result") as terminal:
        assert terminal.finish() == 0
        lines = terminal.lines
    assert "capsule: task 'main': tasks call each other more than 8 deep" in lines
    assert sum("completed" in line for line in lines) == 9
    assert any(re.search(r"└─ main +- +failed: policy_error", line) for line in lines)
    piped = capsule("run", "deep.py", "--verbose").err
    assert f"capsule: {'  ' * 9}task 'main' (.10, called by .9) policy_error: tasks call" in piped


def test_lines_in_a_pipe_say_who_called(capsule: Command) -> None:
    done = capsule("run", "family.py", "--verbose", "--result")
    assert done.code == 0
    text = done.err.replace("no line end", "").replace("leaf a is done\n", "")
    told = [line[line.index("capsule:") :] for line in text.splitlines() if "capsule:" in line]
    assert told[0] == "capsule: task 'main' started (compute MEDIUM, ram no limit, timeout none)"
    assert re.fullmatch(r"capsule: task 'main' completed in \d+ ms \(fuel .*\)", told[-1])
    middle = next(line for line in told if "'middle'" in line)
    assert re.match(r"capsule:   task 'middle' \(\.\d, called by \.1\) started \(", middle)
    number = re.findall(r"\.\d", middle)[0]
    leaves = [line for line in told if "'leaf'" in line]
    assert len(leaves) == 4
    for line in leaves:
        assert line.startswith("capsule:     task 'leaf' (.")
        assert f", called by {number}) " in line
    assert sum("retry 1 of 1, task_error in" in line for line in told) == 1
    assert sum("'slow'" in line and "timeout in " in line for line in told) == 1
    assert not any(char in text for char in "\x1b\r")


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(capsule: Command) -> None:
    capsule.environ["TERM"] = "dumb"
    for words in (("run", "family.py"),):
        done = capsule.on_terminal(*words, "--verbose", "--result")
        assert done.code == 0
        assert "called by .1) started" in done.out
        assert "\x1b" not in done.out


@pytest.mark.parametrize("first", ["", "other()"])
def test_a_pipe_that_nobody_reads_holds_up_no_timeout(capsule: Command, first: str) -> None:
    # The other one has no timeout, which is nothing to this one.
    capsule.write(
        "flood.py",
        "from capsule import task\n@task()\ndef other(): pass\n"
        "@task(name='main', timeout='1s', compute='HIGH')\n"
        f"def main():\n    {first}\n    while True: print('x' * 1000)\n",
    )
    reader, writer = os.pipe()
    with capsule.popen("run", "flood.py", "--verbose", "--json", stderr=writer) as process:
        os.close(writer)
        assert process.stdout is not None
        assert b'"error_type": "timeout"' in process.stdout.read()
        assert process.wait(60) == 124
    os.close(reader)


def test_lines_say_that_a_run_was_cancelled(capsule: Command) -> None:
    with capsule.popen("run", "endless.py", "--verbose") as process:
        assert process.stderr is not None
        said = b""
        while said.count(b"'below'") < 2:
            said += process.stderr.readline()
        process.send_signal(signal.SIGINT)
        err = process.stderr.read().decode()
        assert process.wait(60) == 130
    assert re.search(r"capsule: task 'main' cancelled in \d+ ms", err)
