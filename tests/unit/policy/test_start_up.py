"""What a good run without capsule.toml does not import: every run pays for its start."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from pathlib import Path
before = set(sys.modules)
from capsule.policy.config import find_project
from capsule.policy.entry_point import entry_task
from capsule.policy.resolve import resolve_all
from capsule.policy.task_declarations import read_source
folder = Path(sys.argv[1])
project = find_project(folder, working=folder)
declared = read_source("from capsule import task\\n@task(ram='1GB')\\ndef main(): pass", "t.py")
policy = resolve_all(declared, project)[entry_task(declared).name]
print(*sorted(set(sys.modules) - before))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("empty")
    program = [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{PROGRAM}"]
    done = subprocess.run([*program, folder], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    "name",
    ["tomllib", "difflib", "hashlib", "json", "logging", "asyncio", "typer"],
)
def test_not_imported(imported: list[str], name: str) -> None:
    assert "capsule.policy.resolve" in imported
    assert name not in imported
