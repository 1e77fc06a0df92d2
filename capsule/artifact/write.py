"""Writing an artifact: a run's driver, and behind it the data to make it from."""

from __future__ import annotations

from capsule import wasm
from capsule.artifact import file_table, layout, manifest
from capsule.artifact.contents import (
    DIGEST,
    MANIFEST,
    MAX_ARTIFACT,
    PACKAGE_BOUNDS,
    PACKAGES,
    SOURCE_BOUNDS,
    SOURCES,
)
from capsule.artifact.errors import ArtifactError
from capsule.artifact.manifest import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from capsule.artifact.contents import ArtifactContents


_INSTEAD = "capsule run FILE.py, which needs no artifact"


def write(module: bytes, parts: ArtifactContents) -> bytes:
    """Return the artifact of a task.

    `module` is its driver, made from the same pages by `snapshot.driver.artifact_driver`. The same
    arguments give the same bytes, and `read` gives `parts` again.

    Raises `ArtifactError` when the driver has other pages, and when something is more or other
    than an artifact may hold.
    """
    try:
        return _written(module, parts)
    except ArtifactError as error:
        # What is checked here is checked in reading too, where the next step is another one.
        raise ArtifactError(f"it cannot be exported: {error.message}", hint=_INSTEAD) from None


def custom(name: str, body: bytes) -> bytes:
    """Return a custom section."""
    return wasm.section(wasm.CUSTOM, wasm.name(name) + body)


def sealed(pieces: Iterable[bytes]) -> bytes:
    """Join the pieces of an artifact and put the digest behind them.

    Raises `ArtifactError` when that is more than an artifact may be.
    """
    import hashlib

    pieces = list(pieces)
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    pieces.append(custom(DIGEST, digest.digest()))
    size = sum(map(len, pieces))
    if size > MAX_ARTIFACT:
        raise ArtifactError(
            f"the artifact would have {size:,} bytes; at most {MAX_ARTIFACT:,} may be"
        )
    return b"".join(pieces)


def _written(module: bytes, parts: ArtifactContents) -> bytes:
    _check_driver(module, parts)
    runs = [(run.offset, len(run.data)) for run in parts.pages]
    return sealed(
        [
            module,
            custom(MANIFEST, manifest.encode(Manifest(parts.manifest, parts.memory, runs))),
            custom(SOURCES, file_table.pack(parts.sources, SOURCE_BOUNDS)),
            custom(PACKAGES, file_table.pack(parts.packages, PACKAGE_BOUNDS)),
        ]
    )


def _check_driver(module: bytes, parts: ArtifactContents) -> None:
    found = layout.find(memoryview(module))
    if found.own:
        raise ArtifactError("the driver is an artifact already")
    _, *runs = layout.segments(found.data, 1 + len(parts.pages))
    for run, segment in zip(parts.pages, runs, strict=True):
        # bytes compare much faster than views do.
        if bytes(segment) != run.data:
            raise ArtifactError(f"the driver has other pages at {run.offset:,} than the snapshot")
