"""The page of a run in headless Chromium, without a network: `nox -s browser`."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from capsule.cli.render.html_page import page
from tests.browser import chromium
from tests.integration.records import command_with_a_record
from tests.unit.cli.render.test_html_page import HOSTILE, hostile, read
from tests.unit.cli.render.test_render import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAMILY = """
from capsule import task
@task(timeout="5s", ram="64MB")
def shaky(n):
    return sum(range(n))
@task(name="main", compute="HIGH")
def main():
    return [shaky(10).result, shaky(1000000).result]
"""
# The page forbids scripts, so a copy without that rule is measured.
RULES = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
MEASURE = """<script>
document.querySelectorAll("details").forEach((one) => { one.open = true; });
const boxes = (at) => [...document.querySelectorAll(at)].map((one) => {
  const inner = one.getBoundingClientRect(), outer = one.parentElement.getBoundingClientRect();
  return {left: inner.left - outer.left, width: inner.width, height: inner.height,
          room: outer.width, color: getComputedStyle(one).backgroundColor};
});
document.title = JSON.stringify({
  timeline: boxes(".line i.working"), charts: boxes(".chart i"), meters: boxes(".meter i"),
  loaded: performance.getEntriesByType("resource").length,
  wide: document.documentElement.scrollWidth - innerWidth,
});
</script>"""


@pytest.fixture
def browser(tmp_path: Path) -> Callable[..., str]:
    """Returns what Chromium made of a page; no name is looked up, so nothing can be loaded."""
    program = chromium.find()
    assert program is not None, f"none of {', '.join(chromium.NAMES)} is installed"

    def opened(text: str, *flags: str) -> str:
        path = tmp_path / "page.html"
        path.write_text(text)
        done = subprocess.run(
            [
                program,
                *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update"),
                "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={tmp_path / 'user'}",
                *flags,
                "--dump-dom",
                path.as_uri(),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        return done.stdout

    return opened


def measured(dom: str) -> dict[str, Any]:
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert title is not None
    found: dict[str, Any] = json.loads(unescape(title[1]))
    return found


def test_what_a_task_chose_does_nothing(browser: Callable[..., str]) -> None:
    shown = browser(page(hostile(), NOW))
    assert HOSTILE in read(shown)
    assert "<title>broken" not in shown


def test_timeline_and_charts_of_a_real_run(
    browser: Callable[..., str], toolchain_home: Path, tmp_path: Path
) -> None:
    capsule = command_with_a_record(toolchain_home, tmp_path)
    capsule.write("family.py", FAMILY)
    assert capsule("run", "family.py", "--result").out == "[45, 499999500000]\n"
    text = capsule("trace", "latest", "--html", "-").out
    assert "http" not in text.replace("http-equiv", "")
    copy, rules = RULES.subn("", text)
    assert rules == 1
    for width in (600, 1400):
        found = measured(browser(copy + MEASURE, f"--window-size={width},900"))
        assert found["loaded"] == 0
        assert found["wide"] <= 0
        main, first, second = found["timeline"]
        # Below the one that called them, one behind the other, within the line.
        assert main["left"] <= first["left"] < second["left"]
        assert first["left"] + first["width"] <= second["left"] + 2
        for bar in found["timeline"]:
            assert bar["width"] >= 2
            assert bar["height"] > 4
            assert bar["left"] + bar["width"] <= bar["room"] + 2
            assert bar["color"] not in ("rgba(0, 0, 0, 0)", "transparent")
        fuel = found["charts"][::3]
        assert fuel[1]["width"] < fuel[2]["width"]
        assert all(bar["width"] <= bar["room"] for bar in found["charts"])
        assert all(0 < bar["width"] <= bar["room"] for bar in found["meters"])
