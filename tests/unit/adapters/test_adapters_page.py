"""The page of the adapters: its parts of examples are in them, and its pins are those of the extras."""

from __future__ import annotations

import textwrap
import tomllib

import pytest

from capsule.adapters import missing
from tests.adapters.example_page import FOLDER, PAGE, shown
from tests.integration.command import REPOSITORY

EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]


def test_every_example_is_shown_and_tested() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert shown().keys() == names
    tests = "".join(path.read_text() for path in (REPOSITORY / "tests" / "adapters").glob("test_*"))
    assert all(f'check_example("{name}"' in tests for name in names)


@pytest.mark.parametrize("name", shown())
def test_what_is_shown_is_part_of_the_example(name: str) -> None:
    text = (FOLDER / f"{name}.py").read_text()
    part = shown()[name][0]
    assert any(textwrap.indent(part, " " * indent) in text for indent in (0, 4, 8))


@pytest.mark.parametrize("extra", missing.REQUIREMENTS)
def test_the_pins_are_said_once(extra: str) -> None:
    assert EXTRAS[extra] == [missing.REQUIREMENTS[extra]]
    assert f"`pip install '.[{extra}]'`" in PAGE.read_text()


def test_other_frameworks_are_those_of_nox() -> None:
    text = (REPOSITORY / "noxfile.py").read_text()
    said = PAGE.read_text().partition("## All others")[2].split('`pip install . "')[1:]
    wanted = [part.partition('"')[0] for part in said]
    assert len(wanted) == 5
    assert all(f'"{each}"' in text for each in wanted)
