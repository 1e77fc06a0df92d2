"""The page of a run in a real browser: `nox -s browser`, where Chromium is installed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from capsule.cli.layout.page import page
from tests.unit.cli.test_layout import NOW
from tests.unit.cli.test_page import HOSTILE, hostile, read

if TYPE_CHECKING:
    from pathlib import Path


def test_in_a_browser(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(hostile(), NOW))
    flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}")
    done = subprocess.run(
        ["chromium", *flags, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert HOSTILE in read(done.stdout)
    assert "<title>broken" not in done.stdout
