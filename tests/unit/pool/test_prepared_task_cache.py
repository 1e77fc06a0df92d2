"""Which box a task is run in: the same as long as nothing of it has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule.pool import prepared_task_cache as module
from capsule.pool.prepared_task_cache import Boxes
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner.observer import NOBODY
from capsule.runner.prepare import Call
from capsule.runner.source import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.runner.source import Source


class FakeBox:
    """A box that only counts."""

    made: list[FakeBox] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, source: Source, call: Call, *_: object, **_rest: object) -> None:
        self.source, self.call = source, call
        self.runs: list[Call] = []
        self.closed = False
        self.made.append(self)

    def run(self, call: Call, *_: object) -> dict[str, Any]:
        assert not self.closed
        self.runs.append(call)
        return {"success": True}

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Boxes]:
    monkeypatch.setattr(module, "open_box", FakeBox)
    FakeBox.made = []
    with Boxes(Path("/nowhere"), most=3) as boxes:
        yield boxes
    assert all(box.closed for box in FakeBox.made)


def run(boxes: Boxes, folder: Path, name: str = "job.py", **options: Any) -> FakeBox:
    """Run the file and return the box that did it."""
    before = [len(box.runs) for box in FakeBox.made]
    with Cancellation() as never:
        source = read_file(Path(name), folder)
        boxes.run(source, Call(**options), NOBODY, never, Silent())
    after = [len(box.runs) for box in FakeBox.made]
    return next(
        box for box, was, now in zip(FakeBox.made, [*before, 0], after, strict=False) if now > was
    )


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def test_the_same_task_is_run_in_the_same_box(boxes: Boxes, tmp_path: Path) -> None:
    write(tmp_path, "job.py", "def main(n): return n")
    first = run(boxes, tmp_path, args=[1])
    assert run(boxes, tmp_path, args=[2], kwargs={"a": 1}, environ={"A": "b"}) is first
    assert [call.args for call in first.runs] == [[1], [2]]


@pytest.mark.parametrize("change", ["source", "module", "toml", "limits", "decorator"])
def test_what_has_changed_is_another_task(boxes: Boxes, tmp_path: Path, change: str) -> None:
    from capsule.policy.resolve import CallerLimits

    write(tmp_path, "job.py", "import helper\ndef main(n): return n")
    write(tmp_path, "helper.py", "x = 1")
    first = run(boxes, tmp_path)
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
    assert run(boxes, tmp_path, **options) is not first


def test_the_longest_unused_are_closed(boxes: Boxes, tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path, f"job{number}.py", f"def main(): return {number}")
        run(boxes, tmp_path, f"job{number}.py")
    assert [box.closed for box in FakeBox.made] == [True, True, False, False, False]
    assert repr(boxes) == "<Boxes 3 of 3>"


def test_one_that_was_used_again_stays(boxes: Boxes, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, f"job{number}.py", f"def main(): return {number}")
        run(boxes, tmp_path, f"job{number}.py")
    run(boxes, tmp_path, "job0.py")
    write(tmp_path, "job3.py", "def main(): return 3")
    run(boxes, tmp_path, "job3.py")
    assert [box.closed for box in FakeBox.made] == [False, True, False, False]
