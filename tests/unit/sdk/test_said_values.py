"""What programs hand in is held to its kind, by name, before anything runs."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import capsule
from capsule import Sandbox, SandboxExecutor, SandboxSync, Session, SessionSync, run_sync
from capsule.errors import UsageError
from capsule.sdk import said_values

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS: dict[str, Any] = {
    "imports": [5, "json", [5], {"json": 1}],
    "packages": [5, "rich", [5]],
    "files": [5, ["a.csv"], "a.csv", {5: b""}],
    "tools": ["print", 5, [5]],
    "approve": [5, "yes"],
    "mounts": [5, "./data", [5]],
    "cwd": [5, ["."]],
    "limits": [5, "5s", {"timeout": 5}],
    "untrusted": ["yes", 1],
}
CASES = [(name, value) for name, values in OPTIONS.items() for value in values]


@pytest.mark.parametrize("kind", [Session, SessionSync])
@pytest.mark.parametrize(("name", "value"), CASES, ids=str)
def test_an_option_of_a_session(kind: Any, name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        kind(**{name: value})


SHARED = [(name, value) for name, value in CASES if name not in {"imports", "packages", "files"}]


@pytest.mark.parametrize(("name", "value"), SHARED, ids=str)
def test_an_option_of_a_run_and_of_a_sandbox(tmp_path: Path, name: str, value: object) -> None:
    task = tmp_path / "task.py"
    task.write_text("from capsule import task\n@task()\ndef main(): return 1\n")
    with pytest.raises(UsageError, match=name):
        run_sync(file=task, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=name):
        SandboxSync(task, **{name: value}).__enter__()  # type: ignore[arg-type]


WRONG: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a file that is none": ("file", lambda path: run_sync(file=5)),  # type: ignore[arg-type]
    "no file": ("file", lambda path: run_sync(file=None)),  # type: ignore[arg-type]
    "arguments that are none": ("args", lambda path: run_sync(file=path, args=5)),  # type: ignore[arg-type]
    "arguments as text": ("args", lambda path: run_sync(file=path, args="ab")),
    "keywords that are none": ("kwargs", lambda path: run_sync(file=path, kwargs=[1])),  # type: ignore[arg-type]
    "what is printed": ("on_output", lambda path: run_sync(file=path, on_output=5)),  # type: ignore[arg-type]
    "idle": ("idle", lambda path: Sandbox(path, idle="x")),  # type: ignore[arg-type]
    "idle below zero": ("idle", lambda path: Sandbox(path, idle=-1)),
    "idle that is no number": ("idle", lambda path: Sandbox(path, idle=float("nan"))),
    "warm": ("warm", lambda path: Sandbox(path, warm="x")),  # type: ignore[arg-type]
    "max_waiting": ("max_waiting", lambda path: Sandbox(path, max_waiting=True)),
    "a path to load": ("path", lambda path: SessionSync.load(5)),  # type: ignore[arg-type]
    "a path to load, awaited": ("path", lambda path: asyncio.run(Session.load(5))),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", WRONG)
def test_what_else_is_handed_in(tmp_path: Path, case: str) -> None:
    name, do = WRONG[case]
    task = tmp_path / "task.py"
    task.write_text("from capsule import task\n@task()\ndef main(): return 1\n")
    with pytest.raises(UsageError, match=name):
        do(task)


async def awaited(stream: str, text: str) -> None:
    """Stand for a function that has to be awaited."""


def test_what_has_to_be_awaited_is_not_called() -> None:
    with pytest.raises(UsageError, match="called, and not awaited"):
        said_values.called("on_output", awaited)


MISSPELT: dict[str, Callable[[], object]] = {
    "Session": lambda: Session(timout="5s"),  # type: ignore[call-arg]
    "SessionSync": lambda: SessionSync.load("a.session", timout="5s"),
    "Sandbox": lambda: Sandbox("task.py", wram=1),  # type: ignore[call-arg]
    "SandboxSync": lambda: SandboxSync("task.py", wram=1),  # type: ignore[call-arg]
    "SandboxExecutor": lambda: SandboxExecutor("task.py", wram=1),  # type: ignore[call-arg]
}


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_keyword_is_of_the_class_that_was_called(name: str) -> None:
    meant = "warm" if "Sandbox" in name else "timeout"
    with pytest.raises(TypeError) as caught:
        MISSPELT[name]()
    assert re.fullmatch(
        rf"{name}\(\) got an unexpected keyword argument '\w+'\n  try: {meant}", str(caught.value)
    )


def test_every_error_that_a_program_may_get_comes_from_capsule() -> None:
    """By the codes that docs/python.md lists: `UsageError` is `usage_error`."""
    page = (Path(__file__).parents[3] / "docs" / "python.md").read_text()
    codes = re.findall(r"^\| `(\w+_error)` \|", page.partition("| `code` |")[2], re.MULTILINE)
    assert len(codes) == 9
    for code in codes:
        name = "".join(map(str.capitalize, code.split("_")))
        found = getattr(capsule, name)
        assert (name in capsule.__all__, found.code) == (True, code)
        assert issubclass(found, capsule.CapsuleError)
