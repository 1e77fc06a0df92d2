"""What a stranger chose can neither drive a terminal nor mislead whoever reads it."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from capsule.cli.render.harmless_text import harmless, harmless_json

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TEXTS = st.text() | st.text(alphabet=[*BIDI, "\x1b", "\x7f", "\x9b", "\n", "a", '"', "\u2028"])


def is_harmful(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in BIDI


@given(TEXTS)
def test_nothing_that_does_harm_is_left(text: str) -> None:
    assert not any(is_harmful(char) for char in harmless(text) if char not in "\t\n\r")
    assert not any(map(is_harmful, harmless(text, keep="")))
    assert len(harmless(text)) == len(text)


@given(TEXTS)
def test_all_else_stays(text: str) -> None:
    for before, after in zip(text, harmless(text, keep=""), strict=True):
        assert after == ("?" if is_harmful(before) else before)


@given(
    st.recursive(
        TEXTS | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)
    )
)
def test_json_means_the_same(value: object) -> None:
    for indent in (None, 2):
        text = json.dumps(value, ensure_ascii=False, indent=indent)
        shown = harmless_json(text)
        assert json.loads(shown) == value
        assert not any(is_harmful(char) for char in shown if char != "\n")


def test_what_joins_letters_and_pictures_stays() -> None:
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{VARIATION SELECTOR-16}"
    assert harmless(family) == family
