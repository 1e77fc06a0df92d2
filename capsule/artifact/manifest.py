"""The manifest: a JSON object of the caller's, and three keys that belong to the format."""

from __future__ import annotations

import json
from math import isfinite

from capsule.artifact.contents import FORMAT, MAX_MANIFEST, MAX_MEMORY, MAX_RUNS, MIN_MEMORY
from capsule.artifact.errors import AGAIN, UPDATE, ArtifactError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, farthest
from capsule.wasm import PAGE as WASM_PAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

RESERVED = ("format", "memory", "pages")
MAX_DEPTH = 32


class Manifest(NamedTuple):
    """What a manifest says: the caller's object, the memory's size, offset and length of pages."""

    values: dict[str, Any]
    memory: int
    pages: list[tuple[int, int]]


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest.

    Raises `ArtifactError` when `decode` would not give the same again.
    """
    taken = [key for key in RESERVED if key in manifest.values]
    if taken:
        raise ArtifactError(f"manifest: the key {taken[0]!r} belongs to the format")
    whole = {
        "format": FORMAT,
        **manifest.values,
        "memory": manifest.memory,
        "pages": manifest.pages,
    }
    try:
        text = json.dumps(
            whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
    except (TypeError, ValueError, RecursionError) as wrong:
        raise ArtifactError(f"manifest: it is no JSON object ({type(wrong).__name__})") from None
    if decode(text) != manifest:
        raise ArtifactError("manifest: it holds values that JSON does not have, as tuples or keys")
    return text


def decode(text: bytes) -> Manifest:
    """Parse a manifest and check what belongs to the format.

    The caller's values are JSON, at most `MAX_DEPTH` deep, with finite numbers, without half
    characters and without keys that stand twice; nothing else is known of them.

    Raises `ArtifactError`.
    """
    try:
        return _decoded(text)
    except ArtifactError as error:
        raise error.of("manifest") from None


def _decoded(text: bytes) -> Manifest:
    if len(text) > MAX_MANIFEST:
        raise ArtifactError(f"it has {len(text):,} bytes; at most {MAX_MANIFEST:,} may be")
    values = _parsed(text)
    if not isinstance(values, dict):
        raise ArtifactError(f"it is no JSON object, but {shown(values)}")
    missing = [key for key in RESERVED if key not in values]
    if missing:
        raise ArtifactError(f"it has no key {missing[0]!r}")
    version, memory, table = (values.pop(key) for key in RESERVED)
    if type(version) is not int or version != FORMAT:
        raise ArtifactError(
            f"it has format {shown(version)}, and this capsule reads format {FORMAT}", hint=UPDATE
        )
    _check_values(values)
    pages = _pages(table)
    check_pages(memory, pages)
    return Manifest(values, memory, pages)


def check_pages(memory: object, pages: Sequence[tuple[int, int]]) -> None:
    """Raise `ArtifactError` unless `pages` are runs of whole pages of a memory of such a size.

    They stand in order and do not overlap, so together they are no more than the memory.
    """
    if type(memory) is not int:
        raise ArtifactError(f"the size of the memory is {shown(memory)}, which is no number")
    if (memory or pages) and not MIN_MEMORY <= memory <= MAX_MEMORY:
        raise ArtifactError(
            f"the memory has {shown(memory)} bytes;"
            f" allowed: {MIN_MEMORY:,} to {MAX_MEMORY:,}, or 0 without pages"
        )
    if memory % WASM_PAGE:
        raise ArtifactError(f"the memory has {memory:,} bytes, no multiple of {WASM_PAGE:,}")
    if len(pages) > MAX_RUNS:
        raise ArtifactError(f"the pages are in {len(pages):,} runs; at most {MAX_RUNS:,} may be")
    most = min(memory, farthest(sum(length for _, length in pages)))
    before = 0
    for offset, length in pages:
        if offset % PAGE or length % PAGE or length <= 0:
            raise ArtifactError(
                f"pages of {shown(length)} bytes at {shown(offset)}: both are multiples of {PAGE:,}"
            )
        if not STACK_TOP <= offset <= most - length:
            raise ArtifactError(
                f"pages of {shown(length)} bytes at {shown(offset)} lie outside the memory that a"
                f" snapshot keeps, from {STACK_TOP:,} to {most:,}"
            )
        if offset < before:
            raise ArtifactError(
                f"pages at {offset:,} overlap the ones before, which end at {before:,},"
                " or are out of order"
            )
        before = offset + length


def _pages(table: object) -> list[tuple[int, int]]:
    if not isinstance(table, list):
        raise ArtifactError(f"the table of pages is {shown(table)}, which is no list")
    pages = []
    for row in table:
        match row:
            # A type check, as True and False are numbers too.
            case [offset, length] if type(offset) is int and type(length) is int:
                pages.append((offset, length))
            case _:
                raise ArtifactError(f"the table of pages has {shown(row)} for offset and length")
    return pages


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode(),
            parse_float=_finite,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ArtifactError(f"it is nested more than {MAX_DEPTH} deep") from None
    except ValueError as wrong:
        # The text of such an error can quote the file; where it is wrong says enough.
        at = getattr(wrong, "pos", getattr(wrong, "start", None))
        place = "" if at is None else f", at {at:,}"
        raise ArtifactError(f"it is not JSON in UTF-8{place}", hint=AGAIN) from None


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ArtifactError(f"it holds the number {shown(text)}, which is too large")
    return value


def _refuse_constant(name: str) -> None:
    raise ArtifactError(f"it holds {name}, which is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ArtifactError(f"it has the key {shown(key)} twice")
        values[key] = value
    return values


def _check_values(values: dict[str, Any]) -> None:
    """Check depth and text, without recursion: the depth is what is in question."""
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str):
                _check_text(value)
        level = below
    if level:
        raise ArtifactError(f"it is nested more than {MAX_DEPTH} deep")


def _check_text(text: str) -> None:
    # JSON can spell half a character, which nothing that reads it later could write.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArtifactError(f"it holds the text {shown(text)}, which is half a character") from None
