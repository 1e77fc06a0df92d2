"""What is said of a line that cannot be understood: each is refused by typer, and by us in words."""

from __future__ import annotations

from typing import Any

import pytest
from typer.main import get_command

from capsule.cli.app import app
from capsule.cli.grammar.command_tree import command_tree
from capsule.cli.grammar.usage_errors import usage_error

ROOT = command_tree(app)
TYPER: Any = get_command(app)


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("run --tmeout 3", "there is no option --tmeout of capsule run", "--timeout TIME"),
        ("run -timeout 3", "there is no option -timeout of capsule run", "--timeout TIME"),
        ("run --max_fuel=3 x", "there is no option --max_fuel of capsule run", "--max-fuel N"),
        ("run x.py --jsn", "there is no option --jsn of capsule run", "--json"),
        ("run --zzz", "there is no option --zzz of capsule run", "capsule run --help"),
        (
            "build --state failed",
            "there is no option --state of capsule build; capsule run, capsule trace, capsule repl have one",
            "capsule run --state",
        ),
        (
            "--timeout 3s run x.py",
            "there is no option --timeout of capsule; capsule run, capsule exec, capsule inspect have one",
            "capsule run --timeout",
        ),
        ("run x.py -1", "there is no option -1 of capsule run", "-- -1, if the task is to get it"),
        (
            "run x.py --zzz",
            "there is no option --zzz of capsule run",
            "-- --zzz, if the task is to get it",
        ),
        (
            "run x.py -vx",
            "there is no option -vx of capsule run",
            "-- -vx, if the task is to get it",
        ),
        ("run x.py --timeout", "--timeout of capsule run needs a value, TIME", "--timeout TIME"),
        ("build -o", "--output of capsule build needs a value, OUT.wasm", "--output OUT.wasm"),
        ("run x.py --json=1", "--json of capsule run takes no value", "--json"),
        ("exec", "capsule exec needs ARTIFACT.wasm", "capsule exec ARTIFACT.wasm"),
        ("ps x", "capsule ps takes no arguments, and x is one more", "capsule ps [OPTIONS]"),
        (
            "trace a b",
            "capsule trace takes one argument, and b is one more",
            "capsule trace [OPTIONS] [RUN]",
        ),
        ("rnu x.py", "there is no command rnu of capsule", "capsule run"),
        ("zzz", "there is no command zzz of capsule", "capsule --help"),
        (
            "toolchain exprt",
            "there is no command exprt of capsule toolchain",
            "capsule toolchain export",
        ),
        (
            "toolchain zzz",
            "there is no command zzz of capsule toolchain",
            "capsule toolchain --help",
        ),
        ("prune", "there is no command prune of capsule", "capsule cache prune"),
        (
            "cache install",
            "there is no command install of capsule cache",
            "capsule toolchain install",
        ),
        ("toolchain run", "there is no command run of capsule toolchain", "capsule run"),
        (
            "list",
            "there is no command list of capsule",
            "capsule toolchain list or capsule cache list",
        ),
        ("hello.py", "hello.py is a file, and no command", "capsule run hello.py"),
        ("-", "- is a file, and no command", "capsule run -"),
        ("dir/a.wasm", "dir/a.wasm is a file, and no command", "capsule exec dir/a.wasm"),
    ],
)
def test_a_mistake(line: str, message: str, hint: str) -> None:
    words = line.split()
    with pytest.raises(Exception, match=r".") as refused:
        TYPER.main(words, prog_name="capsule", standalone_mode=False)
    assert hasattr(refused.value, "format_message")
    error = usage_error(words, ROOT, "typer's own words")
    assert (error.message, error.hint) == (message, hint)


@pytest.mark.parametrize("word", ["a\x1b[2Jb", "x" * 10_000, "\udc80", "a b.py"])
@pytest.mark.parametrize("where", [[], ["run"], ["toolchain"], ["ps"], ["run", "x.py", "--"]])
@pytest.mark.parametrize("dashes", ["", "-", "--"])
def test_no_word_can_drive_a_terminal(where: list[str], word: str, dashes: str) -> None:
    error = str(usage_error([*where, dashes + word], ROOT, dashes + word))
    assert len(error) < 500 or "typer" in error or len(word) > 1_000
    assert all(char.isprintable() or char == "\n" for char in error)


def test_what_only_typer_understands_is_said_in_its_words() -> None:
    assert usage_error(["ps"], ROOT, "something else").message == "something else"
