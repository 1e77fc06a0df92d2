"""A command with a record of its own, beside the toolchain that all tests share."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from tests.integration.command import Command

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 60
# Says that it runs, and runs until it is ended.
ENDLESS = """
from capsule import task
@task(ram="64MB", timeout="1h")
def below():
    import time
    time.sleep(3600)
@task(name="main", compute="HIGH")
def main(): below()
"""


def home_beside(toolchain_home: Path, folder: Path) -> Path:
    """Return a home that shares all with that of other tests but the record."""
    home = folder / "home"
    home.mkdir()
    for name in ("toolchain", "cache"):
        link_folder(toolchain_home / name, home / name)
    return home


def link_folder(source: Path, link: Path) -> None:
    if os.name == "nt":
        # Few may make links to folders there; wine says that it has made one, and has not.
        shutil.copytree(source, link, copy_function=os.link)
    else:
        link.symlink_to(source)


def command_with_a_record(toolchain_home: Path, folder: Path) -> Command:
    made = Command(folder, home_beside(toolchain_home, folder))
    made.write("endless.py", ENDLESS)
    made.write("hello.py", "def main(n='1'): return 'hello ' * int(n)\n")
    return made


def changes(watching: subprocess.Popen[bytes]) -> Iterator[list[dict[str, Any]]]:
    """Yield what a `ps --watch` says, each time that something has changed."""
    assert watching.stdout is not None
    for line in watching.stdout:
        yield json.loads(line)


def flat(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield row
        yield from flat(row["below"])
