"""The fast parser says what typer says, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from capsule.cli.app import app
from capsule.cli.commands import run as running
from capsule.cli.parsing import fast_parser
from capsule.cli.parsing.run_options import Options

if TYPE_CHECKING:
    from capsule.cli.terminal.console import Console

TYPER: Any = get_command(app)
HELP = {"--help", "-h"}


def declared(command: str) -> dict[str, tuple[bool, bool]]:
    """Return the options that typer knows: whether each is a switch, and whether it repeats."""
    return {
        name: (option.is_flag, option.multiple)
        for option in TYPER.commands[command].params
        if option.param_type_name == "option"
        for name in option.opts
        if name not in HELP
    }


def by_typer(words: list[str]) -> Options | None:
    """Return what typer hands over, None when it hands nothing over."""
    seen: list[Options] = []

    def command(options: Options, console: Console) -> int:
        seen.append(options)
        return 0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "command", command)
        try:
            TYPER.main(list(words), prog_name="capsule", standalone_mode=False)
        except Exception:  # noqa: BLE001 - typer refuses in ways of its own
            return None
    return seen[0] if seen else None


@pytest.mark.parametrize("command", ["run", "exec"])
def test_both_know_the_same_options(command: str) -> None:
    known = dict.fromkeys(fast_parser.SWITCHES, (True, False))
    known |= {
        name: (False, field in fast_parser.REPEATABLE)
        for name, field in fast_parser.WITH_VALUE.items()
        if command == "run" or name not in fast_parser.RUN_ONLY
    }
    assert declared(command) == known
    fields = {*fast_parser.SWITCHES.values(), *fast_parser.WITH_VALUE.values()}
    assert fields | {"file", "args", "artifact"} == set(Options._fields)


OPTIONS = [*fast_parser.SWITCHES, *fast_parser.WITH_VALUE]
PIECES = ["", "-", "--", "a.py", "3", "-1", "é", "x=y", "--jso", "-vq", "-h", "--help", "-V"]
WORDS = (
    st.sampled_from([*OPTIONS, *PIECES])
    | st.builds("{}={}".format, st.sampled_from(OPTIONS), st.sampled_from(PIECES))
    | st.text(max_size=5)
)


@given(st.sampled_from(["run", "exec"]), st.lists(WORDS, max_size=6))
@settings(deadline=None, max_examples=500)
@example("run", [])
@example("run", ["-", "--args-file", "-"])
@example("run", ["--mount", "a", "x.py", "--mount=b:ro", "--", "--json", "--"])
@example("exec", ["--timeout", "1s", "--timeout", "2s", "a.wasm", "--json"])
@example("exec", ["--", "a.wasm"])
@example("run", ["-c", "1", "a", "--json", "b"])
@example("run", ["a", "-m", "b", "-c=1"])
@example("exec", ["a.wasm", "-c", "1"])
def test_what_is_understood_is_what_typer_understands(command: str, words: list[str]) -> None:
    found = fast_parser.parse([command, *words])
    if found is not None:
        assert found == by_typer([command, *words])


PLAIN = st.text("abc./=5", min_size=1, max_size=5)
SAID = st.one_of(
    st.sampled_from(list(fast_parser.SWITCHES)).map(lambda name: [name]),
    st.tuples(st.sampled_from(list(fast_parser.WITH_VALUE)), PLAIN).map(list),
    st.builds(
        lambda name, value: [f"{name}={value}"],
        st.sampled_from(sorted(fast_parser.WITH_VALUE.keys() - fast_parser.SHORT)),
        PLAIN,
    ),
    PLAIN.map(lambda word: [word]),
)


@given(st.sampled_from(["run", "exec"]), PLAIN, st.lists(SAID, max_size=5))
@settings(deadline=None)
def test_plain_lines_are_understood(command: str, file: str, said: list[list[str]]) -> None:
    words = [command, file, *(word for words in said for word in words)]
    assume(command == "run" or not fast_parser.RUN_ONLY & {word.split("=")[0] for word in words})
    found = fast_parser.parse(words)
    assert found is not None
    assert found == by_typer(words)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ps",
        "--version",
        "run --timeout",
        "run x.py -h",
        "run --unknown x.py",
        "exec",
        "run -vq x",
    ],
)
def test_the_rest_is_left_to_typer(line: str) -> None:
    assert fast_parser.parse(line.split()) is None
