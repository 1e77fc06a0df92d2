"""Every code block of README and docs runs, and prints what the page says it prints.

A ```python or ```toml block whose first line is a comment with a file name becomes that file. A
```sh block runs in a folder that the page's blocks share; a ```text block right behind it is its
output, where `...` stands for anything. A ```console block is a command behind a `$` and what it leaves
on a terminal.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.integration.command import REPOSITORY, Command
from tests.integration.records import home_beside
from tests.integration.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The first that needs the science interpreter compiles it for minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

DOCS = REPOSITORY / "docs"
# All but the index, which has nothing to run, and what `nox -s adapters` runs: it takes frameworks.
ELSEWHERE = {DOCS / "README.md", DOCS / "adapters.md"}
PAGES = [REPOSITORY / "README.md", *sorted({*DOCS.glob("*.md")} - ELSEWHERE)]
# What `nox -s first_run` and CI itself run.
SET_UP = "python3 -m venv"


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [
        Block(*found)
        for found in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    ]


@pytest.fixture
def shell(toolchain_home: Path, tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path, home_beside(toolchain_home, tmp_path))
    for name, words in {"capsule": "-m capsule", "python": ""}.items():
        launcher = command.write(f"bin/{name}", f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        launcher.chmod(0o755)
    # The path of a socket has to be short.
    command.environ["CAPSULE_SOCKET"] = str(tmp_path / "worker.sock")
    command.environ["PATH"] = f"{tmp_path / 'bin'}:{command.environ['PATH']}"
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    yield command
    shutil.rmtree(tmp_path / "offline", ignore_errors=True)


def fits(said: str, expected: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, said.strip(), re.DOTALL) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page(shell: Command, page: Path) -> None:
    said: str | None = None
    ran = 0
    for block in blocks(page):
        if block.language == "python":
            name = re.match(r"# (\S+\.py)\n", block.text)
            assert name is not None, f"a block without a file name: {block.text[:60]!r}"
            shell.write(name[1], block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "text":
            assert said is not None
            assert fits(said, block.text), f"{said!r} is not {block.text!r}"
        elif block.language == "sh" and not block.text.startswith(SET_UP):
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.text],
                cwd=shell.folder,
                env=shell.environ,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, (block.text, done.stderr)
            said = done.stdout
            ran += 1
        elif block.language == "sh":
            words = block.text.rpartition("&& .venv/bin/")[2]
            said = "" if "nox" in words else shell_line(shell, words)
        elif block.language == "console":
            command, _, shown = block.text.removeprefix("$ capsule ").partition("\n")
            with Terminal(shell, *command.split()) as terminal:
                assert terminal.finish() == 0
                left = "\n".join(terminal.lines)
            assert fits(left, shown), f"{left!r} is not {shown!r}"
        else:
            pytest.fail(f"a block of an unknown kind: {block.language!r}")
    assert ran


def shell_line(shell: Command, line: str) -> str:
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=shell.folder,
        env=shell.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
