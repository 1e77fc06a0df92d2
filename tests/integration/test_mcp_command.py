"""`capsule mcp` where its extra is not installed: what to type is said."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.command import Command

if TYPE_CHECKING:
    from pathlib import Path

# As it is where a package is not installed, or an older version of it is.
WITHOUT = """
import sys
sys.argv = ["capsule", "mcp"]
sys.modules[{name!r}] = None
from capsule.cli.main import main
main()
"""


@pytest.mark.parametrize("name", ["mcp", "mcp_types"])
def test_without_the_extra_it_says_what_to_install(tmp_path: Path, name: str) -> None:
    command = Command(tmp_path, tmp_path / "home")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(name=name)],
        env=command.environ,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "capsule mcp needs version 2 of the package mcp, which is not installed" in done.stderr
    assert "pip install 'mcp>=2,<3'" in done.stderr
