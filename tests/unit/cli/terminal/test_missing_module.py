"""A module that is not found: whose it is decides what is proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.cli.terminal.missing_module import advice

if TYPE_CHECKING:
    from pathlib import Path


def missing(name: str) -> str:
    return f"ModuleNotFoundError: No module named '{name}'"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task in a folder of its own, with modules beside it and above."""
    (tmp_path / "tasks" / "loaders").mkdir(parents=True)
    (tmp_path / "tasks" / "data").mkdir()
    for name in ("tasks/run.py", "tasks/helpers.py", "tasks/loaders/csv_.py", "shared_code.py"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("helpers", "write 'import helpers' in it"),
        ("loaders", "write 'import loaders' in it"),
        ("helpres", "import helpers, which lies beside the task's file"),
        ("loader", "import loaders, which lies beside"),
        ("shared_code", "and only what lies beside the task's file comes along"),
        ("tkinter", "tkinter of the standard library is not in the sandbox"),
        ("yaml.nothing", "yaml was found, and has no module nothing"),
    ],
)
def test_of_what_is_no_package_none_is_proposed(project: Path, name: str, said: str) -> None:
    found = advice(missing(name), "tasks/run.py")
    assert found is not None
    assert said in found
    assert "dependencies" not in found


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("tasks/run.py", 'dependencies = ["{}"]'),
        (None, 'dependencies = ["{}"]'),
        ("-", "--package {}, where"),
        ("-c", "--package {}, where"),
    ],
)
@pytest.mark.parametrize("name", ["yarl", "data"])
def test_all_else_may_be_a_package(project: Path, name: str, file: str | None, said: str) -> None:
    found = advice(missing(name), file)
    assert found is not None
    assert said.format(name) in found


def test_a_source_on_stdin_has_the_working_folder_beside_it(project: Path) -> None:
    found = advice(missing("shared_code"), "-")
    assert found is not None
    assert "dependencies" not in found


def test_other_errors_are_none_of_its(project: Path) -> None:
    assert advice("ImportError: cannot import name 'a' from 'b'") is None
    assert advice("ModuleNotFoundError: No module named '\x1b'") is None
