"""`capsule cache` on a terminal, in a pipe, in JSON."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.integration.command import Command
from tests.integration.records import link_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture
def command(toolchain_home: Path, tmp_path: Path) -> Command:
    """A command with a cache of its own beside the toolchain of all tests."""
    home = tmp_path / "home"
    home.mkdir()
    link_folder(toolchain_home / "toolchain", home / "toolchain")
    made = Command(tmp_path, home)
    made.write("hello.py", "def main(): return 1\n")
    return made


def kinds(command: Command) -> list[str]:
    return sorted(row["kind"] for row in json.loads(command("cache", "list", "--json").out))


def test_an_empty_cache(command: Command) -> None:
    done = command("cache", "list")
    assert (done.code, done.out) == (0, "total           0 entries        0.0 MB\n")
    assert json.loads(command("cache", "list", "--json").out) == []
    assert command("cache", "prune").out == "deleted 0 entries, 0.0 MB\n"


def test_list_and_prune(command: Command) -> None:
    assert command("run", "hello.py").code == 0
    # What a run costs besides its task is kept with the generic snapshot; what the files of the
    # guest are too, where a file's status tells of each change, and the code of the command, where
    # modes say whose it is.
    by_status = [] if os.name == "nt" else ["code", "generic"]
    kept = sorted([*by_status, "generic", "generic", "host", "plans", "plans", "tasks"])
    assert kinds(command) == kept
    listed = command("cache", "list").out
    assert re.search(r"^tasks +1 entry +\d+\.\d MB  last used just now$", listed, re.MULTILINE)
    assert listed == command.on_terminal("cache", "list").out
    (row,) = [
        row for row in json.loads(command("cache", "list", "--json").out) if row["kind"] == "tasks"
    ]
    assert row.keys() == {"kind", "size", "used", "path"}
    # What was just used stays, unless all of it is to go.
    assert command("cache", "prune", "--older-than", "0").out == "deleted 0 entries, 0.0 MB\n"
    deleted = command("cache", "prune", "--all").out
    assert re.fullmatch(rf"deleted {len(kept)} entries, \d+\.\d MB\n", deleted)
    assert kinds(command) == []
    assert command("run", "hello.py", "--result").out == "1\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prune", "--max-size", "much"), "--max-size"),
        (("prune", "--older-than", "-1"), "older-than"),
        (("prune", "--everything"), "there is no option --everything"),
        (("shrink",), "there is no command shrink of capsule cache"),
    ],
)
def test_what_is_wrong_is_said(command: Command, words: tuple[str, ...], said: str) -> None:
    done = command("cache", *words)
    assert done.code == 2
    assert said in done.err
