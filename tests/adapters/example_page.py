"""The examples of docs/adapters.md: what the page shows of them is what they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.integration.command import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

PAGE = REPOSITORY / "docs" / "adapters.md"
FOLDER = REPOSITORY / "examples" / "adapters"


def shown() -> dict[str, tuple[str, str]]:
    """Return by the name of an example what the page shows of its text, and of its output."""
    found = {}
    every = re.findall(r"^```(\w*)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for part, command, output in zip(every[::3], every[1::3], every[2::3], strict=True):
        assert (part[0], command[0], output[0]) == ("python", "sh", "text")
        name = command[1].removeprefix("python examples/adapters/").strip().removesuffix(".py")
        found[name] = part[1], output[1]
    return found


def check_example(name: str, folder: Path) -> None:
    """Run an example in a folder and compare what it prints with what the page says."""
    environ = os.environ | {"PYTHONPATH": str(REPOSITORY), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py")],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    said = [line.rstrip() for line in done.stdout.splitlines()]
    assert said == shown()[name][1].splitlines()
