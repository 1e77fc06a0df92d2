"""Bodies that come packed, in pieces of any size."""

from __future__ import annotations

import gzip
import zlib

import pytest

from capsule.services.http.content_coding import coding_of, unpacked
from capsule.services.http.failures import FailedError

BODY = b"what nobody packed " * 1_000


def raw(data: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(data) + packing.flush()


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("x-gzip", gzip.compress(BODY[:9], mtime=0) + gzip.compress(BODY[9:], mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw(BODY)),
    ],
)
def test_pieces(coding: str, packed: bytes, size: int) -> None:
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(unpacked(pieces, coding, "x")) == BODY
    assert list(unpacked([], coding, "x")) == []


def test_a_bomb_comes_in_small_pieces() -> None:
    packed = gzip.compress(bytes(50 << 20))
    assert max(map(len, unpacked([packed], "gzip", "x"))) <= 64 << 10


@pytest.mark.parametrize(
    ("packed", "problem"),
    [
        (b"no gzip", "not gzip"),
        (gzip.compress(BODY, mtime=0)[:-9], "ends too early"),
        (gzip.compress(BODY, mtime=0) + b"more", "not gzip"),
    ],
)
def test_what_is_none(packed: bytes, problem: str) -> None:
    with pytest.raises(FailedError, match=problem):
        list(unpacked([packed], "gzip", "x"))


@pytest.mark.parametrize("said", ["br", "zstd", "gzip, br", "gzip, gzip", "compress", "unknown"])
def test_what_cannot_be_searched(said: str) -> None:
    with pytest.raises(FailedError, match="x answered in a coding that cannot be searched"):
        coding_of([("Content-Encoding", said)], "x")


@pytest.mark.parametrize("said", [[], [("content-encoding", "identity")], [("A", "gzip")]])
def test_what_is_as_it_is(said: list[tuple[str, str]]) -> None:
    assert coding_of(said, "x") == ""
    assert coding_of([("CONTENT-encoding", " GZIP ")], "x") == "gzip"
