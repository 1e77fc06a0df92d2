"""Bodies that come compressed although nobody asked for it, unpacked piece by piece."""

from __future__ import annotations

import zlib

from capsule.services.http.failures import FailedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_PIECE = 64 << 10
# zlib's own word for "gzip or zlib, whichever it is", and for neither of them.
_EITHER, _RAW = 47, -15
_PACKED = frozenset(("gzip", "x-gzip", "deflate"))


def coding_of(headers: Sequence[tuple[str, str]], place: str) -> str:
    """Return how a body is coded: "" where it is as it is.

    Raises `FailedError` for a coding that cannot be unpacked here.
    """
    said = [value for name, value in headers if name.lower() == "content-encoding"]
    codings = [part.strip().lower() for value in said for part in value.split(",")]
    codings = [coding for coding in codings if coding not in {"", "identity"}]
    if not codings:
        return ""
    if len(codings) == 1 and codings[0] in _PACKED:
        return codings[0]
    raise FailedError(
        f"{place} answered in a coding that cannot be searched for secrets, although it was asked"
        " for none: only gzip and deflate can"
    )


def unpacked(pieces: Iterable[bytes], coding: str, place: str) -> Iterator[bytes]:
    """Yield a body that came packed, in pieces of a bounded size. Raises `FailedError`."""
    inflater = None
    for piece in pieces:
        data = piece
        while data:
            if inflater is None:
                inflater = zlib.decompressobj(_kind(data, coding))
            try:
                made = inflater.decompress(data, _PIECE)
            except zlib.error:
                raise FailedError(f"{place} sent a body that is not {coding}") from None
            data = inflater.unconsumed_tail
            if made:
                yield made
            if inflater.eof:
                # There may be another member behind it.
                data, inflater = inflater.unused_data, None
    if inflater is not None:
        raise FailedError(f"{place} sent a body that ends too early")


def _kind(data: bytes, coding: str) -> int:
    # Some servers send deflate without the head of zlib.
    return _RAW if coding == "deflate" and data[0] & 15 != 8 else _EITHER
