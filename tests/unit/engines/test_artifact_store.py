"""The artifacts of a node: kept once, and not deleted while they are used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from capsule.engines import artifact_store
from capsule.engines.job import FILE
from capsule.errors import EngineError
from capsule.snapshot import cache
from capsule.toolstore import files
from capsule.toolstore.digests import sha256

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"what build --export writes"


def kept(home: Path, content: bytes = CONTENT) -> str:
    files.make_private(home)
    artifact_store.keep(home, sha256(content), content)
    return sha256(content)


def test_what_is_kept_is_found_and_nothing_else(tmp_path: Path) -> None:
    digest = kept(tmp_path)
    found = artifact_store.find(tmp_path, digest)
    assert found is not None
    assert (found.folder / FILE).read_bytes() == CONTENT
    assert found.lease is not None
    assert artifact_store.find(tmp_path, sha256(b"another")) is None


def test_another_content_than_was_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="has another SHA-256"):
        artifact_store.keep(tmp_path, sha256(b"another"), CONTENT)


def test_one_that_is_found_was_used_now(tmp_path: Path) -> None:
    """What is deleted first is what nobody has used for longest."""
    digest = kept(tmp_path)
    found = artifact_store.find(tmp_path, digest)
    assert found is not None
    mark = found.folder / cache.INDEX
    os.utime(mark, (1_000_000_000, 1_000_000_000))
    artifact_store.find(tmp_path, digest)
    assert mark.stat().st_mtime > 1_700_000_000
