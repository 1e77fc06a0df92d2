"""Questions and the answers that are kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from capsule.packages import builtin_table
from capsule.packages.dependency_types import DependencySpec
from capsule.packages.resolution_cache import Answer, key, read, write

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = Answer("ab" * 32, (("one", "1.0"), ("two", "2.0")), ("numpy",))


def test_the_same_question() -> None:
    one = key(DependencySpec(("b >= 1", " a"), ">=3"))
    assert one == key(DependencySpec(("a", "b  >= 1", "a "), ">=3"))
    assert (
        len({one, key(DependencySpec(("a", "b>=2"), ">=3")), key(DependencySpec(("b >= 1", "a")))})
        == 3
    )


def test_another_interpreter_is_another_question(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(DependencySpec(("a",)))
    monkeypatch.setattr(builtin_table, "LIBRARY", "00")
    assert key(DependencySpec(("a",))) != before


def test_an_answer_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "new", "q", ANSWER)
    assert read(tmp_path / "new", "q") == ANSWER
    assert read(tmp_path / "new", "r") is None


def test_an_answer_to_another_question(tmp_path: Path) -> None:
    write(tmp_path, "q", ANSWER)
    (tmp_path / "q.json").rename(tmp_path / "r.json")
    assert read(tmp_path, "r") is None


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"answer": {}, "sha256": "0"}', b"[" * 100_000, b"\xff"]
)
def test_an_answer_that_cannot_be_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "q.json").write_bytes(data)
    assert read(tmp_path, "q") is None


def test_an_answer_with_a_changed_word(tmp_path: Path) -> None:
    write(tmp_path, "q", ANSWER)
    path = tmp_path / "q.json"
    path.write_text(path.read_text().replace("numpy", "json"))
    assert json.loads(path.read_text())["answer"]["imports"] == ["json"]
    assert read(tmp_path, "q") is None
