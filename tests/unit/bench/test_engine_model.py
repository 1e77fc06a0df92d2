"""The model of docs/scale.md, and that the page has the same one."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.bench import engine_model

PAGE = Path(__file__).parents[3] / "docs" / "scale.md"


def test_the_page_and_the_check_have_one_model() -> None:
    text = PAGE.read_text()
    assert "items * processor_ms / 1000 / processors / share + beginning" in text
    assert re.search(rf"a\s+`share`\s+of\s+{engine_model.SHARE}\b", text)
    assert "python -m scripts.bench.engine_model" in text


def test_what_the_model_says() -> None:
    assert engine_model.modelled(1_000_000, 9) == 10_000
    assert engine_model.holds(100, 100)
    assert not engine_model.holds(111, 100)
    assert not engine_model.holds(69, 100)
