"""What programs say of files is judged before anything runs, and again where it arrives."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from capsule import UsageError
from capsule.engines.item_codec import decode_item, encode_item
from capsule.sdk.file_contents import run_files


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a/" * 65 + "x": b""}, "lies more than 64 folders deep"),
        ({f"{number}": b"" for number in range(10_001)}, "10,001 are more than 10,000"),
    ],
)
def test_too_many_or_too_deep(files: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run_files(files, Path())
    assert run_files({"a/" * 64 + "x": b""}, Path()) == {"a/" * 64 + "x": b""}


@pytest.mark.parametrize("name", ["../x", "/x", "a\\x", "tmp/x", "a/", ""])
def test_names_are_judged_where_they_arrive(name: str) -> None:
    content = base64.b64encode(b"content").decode()
    with pytest.raises(UsageError, match="is no name of a file in the working folder"):
        decode_item(json.dumps([[], {}, {name: content}]))
    item = encode_item(([1], {}), {"in/x": b"content"}).decode()
    assert decode_item(item) == ([1], {}, {"in/x": b"content"})
