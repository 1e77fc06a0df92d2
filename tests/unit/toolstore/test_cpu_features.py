"""Telling processors apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.toolstore import cpu_features

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

X86 = "processor\t: 0\nmodel name\t: x\nMHz\t: {}\nflags\t\t: {}\n\nprocessor\t: 1\n"


def test_features_make_the_difference(tmp_path: Path) -> None:
    def mark(text: str) -> str | None:
        (tmp_path / "cpuinfo").write_text(text)
        return cpu_features.mark(tmp_path / "cpuinfo")

    first = mark(X86.format(2000, "sse sse2 avx"))
    assert mark(X86.format(3100, "sse sse2 avx")) == first
    assert mark(X86.format(2000, "sse sse2")) != first
    assert mark("processor: 0\nFeatures: fp asimd\n") != mark("processor: 0\nFeatures: fp\n")


def test_without_a_list_of_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Linux without /proc does not say; other systems never do, and go by the architecture.
    assert cpu_features.mark(tmp_path / "none") is None
    monkeypatch.setattr("sys.platform", "darwin")
    assert cpu_features.mark(tmp_path / "none") == cpu_features.mark(tmp_path / "other") != None  # noqa: E711
