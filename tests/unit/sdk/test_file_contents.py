"""What programs say of files is judged before anything runs, and again where it arrives."""

from __future__ import annotations

import base64
import json
import os
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule import UsageError
from capsule.engines.item_codec import decode_item, encode_item
from capsule.sdk.file_contents import MOST_OF_RUN, content_of, run_files

if TYPE_CHECKING:
    from collections.abc import Callable


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


def _memory(work: Callable[[], object]) -> int:
    """Return how many bytes more than before were in use at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_more_is_read_than_is_allowed(tmp_path: Path) -> None:
    # It has a size, and no blocks of the disk.
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 100 << 20)

    def large() -> None:
        with pytest.raises(UsageError, match="up to 'b', they have more than 32 MB together"):
            run_files({"a": b"1", "b": "large"}, tmp_path)

    assert _memory(large) < 1 << 20
    (tmp_path / "small").write_bytes(b"12")
    assert _memory(lambda: run_files({"a": "small"}, tmp_path)) < 1 << 20
    os.truncate(tmp_path / "large", (128 << 20) + 1)

    def too_large() -> None:
        with pytest.raises(UsageError, match="files: 'a' has more than 128 MB"):
            content_of("a", "large", tmp_path)

    assert _memory(too_large) < 1 << 20


def test_all_that_is_allowed_is_read(tmp_path: Path) -> None:
    rest = MOST_OF_RUN - 2
    (tmp_path / "rest").touch()
    os.truncate(tmp_path / "rest", rest)
    found = run_files({"a": b"12", "b": "rest"}, tmp_path)
    assert found == {"a": b"12", "b": bytes(rest)}
    with pytest.raises(UsageError, match="up to 'c'"):
        run_files({"a": b"12", "b": "rest", "c": b"1"}, tmp_path)
    assert run_files({"a": b"12", "b": "rest", "c": b""}, tmp_path)["c"] == b""


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_file_without_a_size_is_read_whole() -> None:
    content = run_files({"a": "/proc/self/mountinfo"}, Path())["a"]
    assert content == Path("/proc/self/mountinfo").read_bytes()
    assert len(content) > 1
