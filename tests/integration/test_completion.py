"""Completion in real shells: keys are typed into one on a terminal, as a user does it.

bash is there wherever the tests run; zsh and fish are asked where they are installed.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.command import Command
from tests.integration.records import command_with_a_record

if sys.platform != "win32":
    import pty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.integration,
    # The child of `pty.fork` does nothing before it is another program.
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]

_SECONDS = 30
# What each shell is started with, what prepares it, and how it takes a script.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "true", 'eval "$(capsule completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -Uz compinit && compinit -D -u",
        'eval "$(capsule completion zsh)"',
    ),
    "fish": (["fish", "--no-config", "-i"], "true", "capsule completion fish | source"),
}
INSTALLED = ["bash", *(name for name in ("zsh", "fish") if shutil.which(name))]
# Answers what a shell asks, and shows the arguments of everything else in place of doing it.
LAUNCHER = """#!/bin/sh
case "$1" in __complete | completion) exec {python} -m capsule "$@" ;; esac
printf '<%s>' "$@"
echo
"""


class Typing:
    """A shell on a terminal, and what it has shown."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._shown = ""

    def type(self, keys: str) -> None:
        self._shown = ""
        os.write(self._descriptor, keys.encode())

    def wait_for(self, text: str) -> None:
        """Return as soon as `text` was shown behind what was typed last."""
        while text not in self._shown:
            ready, _, _ = select.select([self._descriptor], [], [], _SECONDS)
            assert ready, f"no {text!r} in {self._shown!r}"
            data = os.read(self._descriptor, 65536)
            if b"\x1b[c" in data or b"\x1b[0c" in data:
                # Who the terminal is: a shell may wait for that.
                os.write(self._descriptor, b"\x1b[?62c")
            self._shown += data.decode(errors="replace")


@contextmanager
def shell(name: str, command: Command) -> Iterator[Typing]:
    """Start a shell that has run what `capsule completion` prints for it."""
    argv, prepare, load = SHELLS[name]
    process, descriptor = pty.fork()
    if process == 0:
        os.chdir(command.folder)
        os.execvpe(argv[0], argv, command.environ)  # noqa: S606 - a shell it is
    try:
        typing = Typing(descriptor)
        typing.type(f"{prepare}; {load}; capsule lo'a'ded\n")
        typing.wait_for("<loaded>")
        yield typing
    finally:
        os.kill(process, signal.SIGKILL)
        os.close(descriptor)
        os.waitpid(process, 0)


@pytest.fixture
def capsule(toolchain_home: Path, tmp_path: Path) -> Command:
    made = command_with_a_record(toolchain_home, tmp_path)
    launcher = made.write("bin/capsule", LAUNCHER.format(python=sys.executable))
    launcher.chmod(0o755)
    made.environ["PATH"] = f"{tmp_path / 'bin'}:{made.environ['PATH']}"
    for name in ("user/.keep", "my task.py", "artifact.wasm", "words.json", "data/in.csv"):
        made.write(name, "")
    return made


TYPED = [
    ("toolch\tverify", "toolchain><verify>"),
    ("toolchain exp\t", "toolchain><export>"),
    ("run --max-f\t5", "run><--max-fuel><5>"),
    ("run --max-fuel ME\t", "run><--max-fuel><MEDIUM>"),
    ("run --max-fuel=ME\t", "run><--max-fuel=MEDIUM>"),
    ("run hel\t", "run><hello.py>"),
    ("run my\t", "run><my task.py>"),
    ("run 'my\t", "run><my task.py>"),
    ("run hello.py wo\t", "run><hello.py><words.json>"),
    ("run hello.py --args-file wo\t", "run><hello.py><--args-file><words.json>"),
    ("run hello.py --args-file=wo\t", "run><hello.py><--args-file=words.json>"),
    ("run hello.py --mount da\t", "run><hello.py><--mount><data"),
    ("run --args-file data/\t", "run><--args-file><data/in.csv>"),
    ("exec ar\t", "exec><artifact.wasm>"),
    ("exec hel\t", "exec><hel>"),
    ("trace la\t", "trace><latest>"),
    ("trace --state timed\t", "trace><--state><timed_out>"),
    ("trace --task res\t", "trace><--task><resize>"),
    ("help toolch\tre\t", "help><toolchain><remove>"),
]


@pytest.mark.parametrize("name", INSTALLED)
def test_what_is_typed_is_completed(name: str, capsule: Command) -> None:
    capsule.write("odd.py", "from capsule import task\n@task(name='resize')\ndef main(): pass\n")
    assert capsule("run", "odd.py").code == 0
    with shell(name, capsule) as typing:
        for typed, completed in TYPED:
            typing.type(f"capsule {typed}\n")
            typing.wait_for(f"<{completed}")


@pytest.mark.parametrize("words", [("trace", "--task", ""), ("trace", ""), ("trace", "--task=")])
def test_what_a_stranger_chose_is_only_offered_when_no_shell_could_take_it_for_a_command(
    toolchain_home: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    command = command_with_a_record(toolchain_home, tmp_path)
    for name in ("$(touch pwned)", "; reboot", "a b", "`x`", "-rf", "plain-1.x"):
        command.write(
            "odd.py", f"from capsule import task\n@task(name={name!r})\ndef main(): pass\n"
        )
        assert command("run", "odd.py").code == 0
    done = command("__complete", "words", *words)
    assert (done.code, done.err) == (0, "")
    offered = [line.split("\t")[0] for line in done.out.splitlines()[4:]]
    if "--task" in words[1]:
        assert offered == ["plain-1.x"]
    else:
        assert [len(name) for name in offered] == [len("latest"), *[16] * 6]
    assert "\x1b" not in done.out


@pytest.mark.parametrize(
    "line", ["capsule trace ", "capsule run --max-fuel ", "capsule x ", "", "'"]
)
def test_asking_changes_nothing_and_says_nothing(tmp_path: Path, line: str) -> None:
    command = Command(tmp_path, tmp_path / "home")
    done = command("__complete", "line", line)
    assert (done.code, done.err) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_is_damaged_is_none_of_its_business(tmp_path: Path) -> None:
    command = Command(tmp_path, tmp_path / "home")
    command.write("home/lifecycle/runs.db", "no database" * 100)
    done = command("__complete", "line", "capsule trace ")
    assert (done.code, done.out, done.err) == (0, "words\n\n\n\n", "")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(tmp_path: Path, name: str) -> None:
    command = Command(tmp_path, tmp_path / "home")
    done = command("completion", name)
    assert (done.code, done.err) == (0, "")
    assert "__complete" in done.out
    assert list(tmp_path.iterdir()) == []
