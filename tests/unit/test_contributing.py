"""CONTRIBUTING.md: its menu is that of nox, and its set-up is that of the README."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()


def sessions() -> tuple[set[str], set[str]]:
    """Return the names of all sessions of the noxfile, and of those that run by default."""
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    every: set[str] = set()
    default: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            if any(ast.unparse(one).startswith("nox.session") for one in node.decorator_list):
                every.add(node.name)
        elif isinstance(node, ast.Assign) and ast.unparse(node).startswith("nox.options.sessions"):
            default = {name.partition("(")[0] for name in ast.literal_eval(node.value)}
    return every, default


def test_the_menu_is_that_of_nox() -> None:
    every, default = sessions()
    rows = re.findall(r"^\| `(\w+)`( \*)? \|", PAGE, re.MULTILINE)
    assert len(rows) == len(every)
    assert {name for name, _ in rows} == every
    assert {name for name, star in rows if star} == default


def test_every_session_that_is_named_is_there() -> None:
    assert {*re.findall(r"nox -s (\w+)", PAGE)} <= sessions()[0]


def test_the_set_up_is_that_of_the_readme() -> None:
    block = re.search(r"```sh\n(.*)\n```", PAGE)
    assert block is not None
    assert f"\n{block[1]} && .venv/bin/nox\n" in (ROOT / "README.md").read_text()
