"""Which prepared task is run: the same as long as nothing of it has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule.pool import prepared_task_cache as module
from capsule.pool.prepared_task_cache import PreparedTaskCache
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner.observer import NOBODY
from capsule.runner.prepare import Call
from capsule.runner.source import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.runner.source import Source


class FakeTask:
    """A prepared task that only counts."""

    made: list[FakeTask] = []  # noqa: RUF012 - emptied by the fixture
    fetched_ms = 0

    def __init__(self, source: Source, call: Call, *_: object, **_rest: object) -> None:
        self.source, self.call = source, call
        self.runs: list[Call] = []
        self.closed = False
        self.made.append(self)

    def run(self, call: Call, *_: object, **_rest: object) -> dict[str, Any]:
        assert not self.closed
        self.runs.append(call)
        return {"success": True}

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def prepared_tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[PreparedTaskCache]:
    monkeypatch.setattr(module, "open_prepared_task", FakeTask)
    FakeTask.made = []
    with PreparedTaskCache(Path("/nowhere"), most=3) as prepared_tasks:
        yield prepared_tasks
    assert all(prepared.closed for prepared in FakeTask.made)


def run(
    prepared_tasks: PreparedTaskCache, folder: Path, name: str = "job.py", **options: Any
) -> FakeTask:
    """Run the file and return the prepared task that did it."""
    before = [len(prepared.runs) for prepared in FakeTask.made]
    with Cancellation() as never:
        source = read_file(Path(name), folder)
        prepared_tasks.run(source, Call(**options), NOBODY, never, Silent())
    after = [len(prepared.runs) for prepared in FakeTask.made]
    return next(
        prepared
        for prepared, was, now in zip(FakeTask.made, [*before, 0], after, strict=False)
        if now > was
    )


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def test_the_same_task_is_run_as_the_same_task(
    prepared_tasks: PreparedTaskCache, tmp_path: Path
) -> None:
    write(tmp_path, "job.py", "def main(n): return n")
    first = run(prepared_tasks, tmp_path, args=[1])
    assert run(prepared_tasks, tmp_path, args=[2], kwargs={"a": 1}, environ={"A": "b"}) is first
    assert [call.args for call in first.runs] == [[1], [2]]


@pytest.mark.parametrize("change", ["source", "module", "toml", "limits", "decorator"])
def test_what_has_changed_is_another_task(
    prepared_tasks: PreparedTaskCache, tmp_path: Path, change: str
) -> None:
    from capsule.policy.resolve import CallerLimits

    write(tmp_path, "job.py", "import helper\ndef main(n): return n")
    write(tmp_path, "helper.py", "x = 1")
    first = run(prepared_tasks, tmp_path)
    options: dict[str, Any] = {}
    if change == "source":
        write(tmp_path, "job.py", "import helper\ndef main(n): return -n")
    elif change == "module":
        write(tmp_path, "helper.py", "x = 2")
    elif change == "toml":
        write(tmp_path, "capsule.toml", "[limits]\nmax_ram = '1GB'\n")
    elif change == "limits":
        options["limits"] = CallerLimits(timeout_ms=5)
    else:
        write(
            tmp_path, "job.py", "from capsule import task\n@task(ram='1GB')\ndef main(n): return n"
        )
    assert run(prepared_tasks, tmp_path, **options) is not first


def test_the_longest_unused_are_closed(prepared_tasks: PreparedTaskCache, tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path, f"job{number}.py", f"def main(): return {number}")
        run(prepared_tasks, tmp_path, f"job{number}.py")
    assert [prepared.closed for prepared in FakeTask.made] == [True, True, False, False, False]
    assert repr(prepared_tasks) == "<PreparedTaskCache 3 of 3>"


def test_one_that_was_used_again_stays(prepared_tasks: PreparedTaskCache, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, f"job{number}.py", f"def main(): return {number}")
        run(prepared_tasks, tmp_path, f"job{number}.py")
    run(prepared_tasks, tmp_path, "job0.py")
    write(tmp_path, "job3.py", "def main(): return 3")
    run(prepared_tasks, tmp_path, "job3.py")
    assert [prepared.closed for prepared in FakeTask.made] == [False, True, False, False]
