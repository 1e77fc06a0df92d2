"""The function of a session as a tool, with the real package and a scripted model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.adapters.example_page import check_example

if TYPE_CHECKING:
    from pathlib import Path


def test_the_example(tmp_path: Path) -> None:
    check_example("llama_index_agent", tmp_path)
