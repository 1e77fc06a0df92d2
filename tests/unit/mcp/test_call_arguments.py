"""What a model may write as arguments, and what it is told of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from capsule.errors import UsageError
from capsule.mcp.call_arguments import MOST_FILE_BYTES, parsed


def test_a_call_is_code_a_handle_and_files() -> None:
    said = {"code": "1", "state": "abc", "files": {"a": "\u00e9", "b": {"base64": "AAE="}}}
    assert parsed(said) == ("1", "abc", {"a": b"\xc3\xa9", "b": b"\0\1"})
    # What some models write for nothing.
    assert parsed({"code": "", "state": None, "files": None}) == ("", None, {})
    assert parsed({"code": "", "state": ""}).state is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (None, "code: None"),
        ({"code": 1}, "code: 1: Python source is needed"),
        ({"code": "x" * (1 << 21)}, "characters are more than"),
        ({"code": "1", "File": {}}, "takes no argument 'File'"),
        ({"code": "1", "state": 1}, "state: 1"),
        ({"code": "1", "files": []}, "files: []"),
        ({"code": "1", "files": {"a": None}}, "files: 'a': None"),
        ({"code": "1", "files": {"a": {"base64": "!"}}}, "files: 'a'"),
        ({"code": "1", "files": {"a": {"base64": 1}}}, "files: 'a'"),
        ({"code": "1", "files": {"a": {"base64": "", "x": 1}}}, "files: 'a'"),
        ({"code": "1", "files": {"a": "\ud800"}}, "files: 'a'"),
        ({"code": "1", "files": {str(n): "" for n in range(101)}}, "101 are more than 100"),
        ({"code": "1", "files": {"a": "x" * (MOST_FILE_BYTES + 1)}}, "more than 16 MB in all"),
    ],
)
def test_what_is_wrong_is_named(said: dict[str, Any] | None, words: str) -> None:
    with pytest.raises(UsageError, match=r".+") as raised:
        parsed(said)
    assert words in raised.value.message
