"""The page for those who carry on: its picture is that of the code, and its files are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.test_layers import LAYERS, ROOMS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
# Pages for people who look for code.
NAMING = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"]
OF_USERS = {"hello.py"}

# In the picture: a layer's number, where it changes; a folder; what it holds, two spaces behind.
_FOLDER = re.compile(r"^ {7}(\d| ) {3}([a-z_]+) {2,}\S", re.MULTILINE)
_ROOM = re.compile(r"^ {13}([a-z]+) {2,}\S", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_ENDINGS = (".py", ".toml", ".json", ".ini", ".md")


def section(title: str) -> str:
    """Return what stands below a heading of the page, up to the next."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def named(text: str) -> list[str]:
    """Return the files and folders that a text names as code, from the root of the tree."""
    words = [word for span in _CODE.findall(text) for word in span.split()]
    return [
        word
        for word in words
        if ("/" in word or word.endswith(_ENDINGS))
        and word not in OF_USERS
        and not word.startswith(".venv/")
    ]


def test_the_layers_are_those_that_are_held() -> None:
    layer, shown = "", {}
    for number, folder in _FOLDER.findall(section("The rooms")):
        layer = layer if number == " " else number
        shown[folder] = int(layer)
    # Single files are at the bottom; a folder there is a layer of the picture, not of the table.
    assert shown.pop("shared") == LAYERS["capsule"] == 0
    names = [name.removeprefix("capsule.") for name in LAYERS if name.startswith("capsule.")]
    assert shown == {
        name: LAYERS[f"capsule.{name}"]
        for name in names
        if "." not in name and not name.startswith("__")
    }
    assert list(shown.values()) == sorted(shown.values(), reverse=True)


def test_the_rooms_are_those_that_are_held() -> None:
    assert tuple(_ROOM.findall(section("The rooms"))) == ROOMS


def test_the_way_of_a_run_has_ten_steps_with_files_each() -> None:
    steps = re.split(r"^\d+\. \*\*", section("The way of a run"), flags=re.MULTILINE)[1:]
    assert len(steps) == 10
    assert all(named(step) for step in steps)


def test_ten_changes_are_told_with_what_holds_them() -> None:
    changes = re.split(r"^\*\*", section("Where to begin"), flags=re.MULTILINE)[1:]
    assert len(changes) == 10
    for change in changes:
        files, _, tests = change.partition("Held by")
        assert any(not name.startswith("tests/") for name in named(files)), change
        assert any(name.startswith("tests/") for name in named(tests)), change


@pytest.mark.parametrize("page", NAMING, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    names = named(page.read_text())
    assert len(names) > 10
    absent = sorted({name for name in names if not (ROOT / name).exists()})
    assert not absent, f"{page.name} names what is not there"
