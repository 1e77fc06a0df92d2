"""Size first, then SHA-256; the message names the file, what was expected and what was found."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore.verify_hash import check, difference

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"some bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.whl"
    path.write_bytes(CONTENT)
    return path


def test_the_pinned_file_passes(file: Path) -> None:
    check(file, len(CONTENT), SHA256)
    assert difference(file, len(CONTENT), SHA256) is None


def test_another_size(file: Path) -> None:
    with pytest.raises(ToolchainError) as caught:
        check(file, 98_332_122, SHA256)
    assert caught.value.message == (
        f"{file} is not the pinned file: expected 98,332,122 bytes, found 10"
    )
    assert caught.value.hint == "capsule toolchain install"


def test_another_content_of_the_same_size(file: Path) -> None:
    file.write_bytes(CONTENT[::-1])
    found = hashlib.sha256(CONTENT[::-1]).hexdigest()
    with pytest.raises(ToolchainError, match=f"expected SHA-256 {SHA256}, found {found}"):
        check(file, len(CONTENT), SHA256)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"cannot read .*gone: No such file"):
        check(tmp_path / "gone", 1, SHA256)
