"""docs/cli.md is what its program writes, and lacks nothing that the code reads or answers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from capsule.cli.app import app
from capsule.cli.grammar.command_model import Command, everything
from capsule.cli.grammar.command_tree import command_tree
from capsule.errors import CapsuleError
from scripts import cli_page_texts as texts
from scripts import write_cli_page

ROOT = Path(__file__).parents[4]
COMMANDS = list(everything(command_tree(app)))
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
# Texts of the code that look like variables: constants of systems, of SQLite, of encodings.
OTHERS = {
    *("TYPE_CHECKING", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "O_BINARY"),
    *("O_PATH", "MSG_CMSG_CLOEXEC", "SC_PAGE_SIZE", "WHEEL_PKG_DIR"),
    *("CREATE_NEW_PROCESS_GROUP", "CS_GNU_LIBC_VERSION"),
}
# What is set for a child, or tells a system from another one.
NOT_FOR_USERS = {
    *("RUST_BACKTRACE", "PIP_NO_COLOR", "NO_COLOR", "FORCE_COLOR", "PIP_REQUIRE_VIRTUALENV"),
    *("PIP_QUIET", "PIP_VERBOSE", "PIP_REQUIREMENT", "ANDROID_DATA", "SYSTEMROOT"),
    "TOKIO_WORKER_THREADS",
}


def strings() -> set[str]:
    return {
        node.value
        for path in (ROOT / "capsule").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def read_by_name() -> set[str]:
    """Return the names that something called `environ` is asked for."""
    pattern = re.compile(
        r"""environ(?:\.get\(|\[)"([A-Za-z_]+)"|"([A-Z_]+)"(?: not)? in \S*environ"""
    )
    return {
        name
        for path in (ROOT / "capsule").rglob("*.py")
        for found in pattern.finditer(path.read_text())
        for name in found.groups()
        if name
    }


def test_it_is_what_is_written() -> None:
    assert write_cli_page.PAGE.read_text() == write_cli_page.page(), (
        "docs/cli.md is not what the commands say; run: python -m scripts.write_cli_page"
    )


def test_every_variable_that_is_read_is_on_it() -> None:
    named = {text for text in strings() if VARIABLE.fullmatch(text)} | read_by_name()
    assert {"CAPSULE_HOME", "HOME", "PATH", "XDG_DATA_HOME"} <= named
    said = " ".join([*texts.ENVIRONMENT, *texts.ENVIRONMENT.values()])
    lacking = {
        name
        for name in named - OTHERS - NOT_FOR_USERS
        if not re.search(rf"\b{name}\b", said) and not name.startswith(("PIP_", "UV_"))
    }
    # Examples in the texts of errors and help.
    assert lacking - {"API_KEY"} == set()


def test_every_variable_of_ours_that_is_on_it_is_read() -> None:
    ours = {name for name in texts.ENVIRONMENT if name.startswith("CAPSULE_")}
    assert ours <= strings()


def test_the_texts_are_for_commands_that_there_are() -> None:
    assert set(texts.EXIT_CODES) <= {command.name for command in COMMANDS}
    assert set(texts.OUTPUTS) <= {one for command in COMMANDS for one in command.examples}


def test_every_exit_code_of_an_error_is_on_it() -> None:
    def below(kind: type[CapsuleError]) -> list[type[CapsuleError]]:
        return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]

    assert {kind.exit_code for kind in below(CapsuleError)} <= {1, 124, *texts.SHARED_CODES}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_is_on_it_with_all_that_it_has(command: Command) -> None:
    text = write_cli_page.PAGE.read_text()
    assert f" {command.name}\n\n    {command.synopsis}\n" in text
    for example in command.examples:
        assert f"```sh\n{example}\n```" in text
