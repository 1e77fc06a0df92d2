"""Reading an artifact, which is untrusted input: data comes out of it, never code.

Code, types, imports and exports of the module are not looked at and not handed on. The digest finds
damage, not forgery: whoever changes an artifact on purpose can compute it anew. So everything is
checked as if there were none.
"""

from __future__ import annotations

import os
import stat

from capsule import wasm
from capsule.artifact import file_table, layout, manifest
from capsule.artifact.contents import (
    DIGEST,
    DIGEST_SIZE,
    MANIFEST,
    MAX_ARTIFACT,
    MAX_MANIFEST,
    PACKAGE_BOUNDS,
    PACKAGES,
    SOURCE_BOUNDS,
    SOURCES,
    ArtifactContents,
)
from capsule.artifact.errors import AGAIN, ArtifactError
from capsule.message_text import printable
from capsule.snapshot.changed_pages import PageRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, name: str | None = None) -> ArtifactContents:
    """Read the artifact in a file; what it holds may still be anything that `read_bytes` allows.

    `name` is what messages call the file.

    Raises `ArtifactError` when there is no such file, when it is not a regular one, when it is
    larger than an artifact may be, and as `read_bytes`.
    """
    return read_with_status(path, name)[0]


def read_with_status(
    path: Path, name: str | None = None
) -> tuple[ArtifactContents, os.stat_result | None]:
    """Do as `read`, and tell the status of the file whose bytes these are.

    There is none when the file changed meanwhile.
    """
    name = printable(str(path) if name is None else name)
    try:
        data, status = _content(path)
        _check_not_python(name, data)
        return _read(memoryview(data)), status
    except ArtifactError as error:
        raise error.of(name) from None


def read_bytes(data: bytes, name: str = "artifact") -> ArtifactContents:
    """Take an artifact apart; `name` is what messages call it.

    What is returned is whole, within bounds and safe to lay out: pages lie inside the memory in
    order, paths are relative and plain. The manifest is some JSON object, and its policies are
    claims of a stranger's. Neither is the digest a proof of where an artifact comes from.

    Raises `ArtifactError` when the artifact is truncated, changed, foreign, of another version, or
    holds what it may not.
    """
    try:
        if len(data) > MAX_ARTIFACT:
            raise _too_large(len(data))
        return _read(memoryview(data))
    except ArtifactError as error:
        raise error.of(printable(name)) from None


def _content(path: Path) -> tuple[bytes, os.stat_result | None]:
    """Return what a regular file holds; never wait for one that is something else."""
    try:
        # Looked at before it is opened, as opening a device can do something. And after, as it can
        # have been replaced: then O_NONBLOCK keeps a pipe from waiting for a writer.
        _check_regular(path.stat().st_mode)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            _check_regular(status.st_mode)
            if status.st_size > MAX_ARTIFACT:
                raise _too_large(status.st_size)
            data = file.read(status.st_size + 1)
            after = os.fstat(file.fileno())
    except FileNotFoundError:
        raise ArtifactError("there is no such file") from None
    except OSError as wrong:
        raise ArtifactError(f"it cannot be read: {wrong.strerror}") from None
    except ValueError:
        raise ArtifactError("no file has such a name") from None
    if len(data) != status.st_size:
        raise ArtifactError("it changed while it was read", hint=AGAIN)
    same = (status.st_mtime_ns, status.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns)
    return data, status if same else None


def _check_not_python(name: str, data: bytes) -> None:
    if name.endswith(".py") and not data.startswith(wasm.HEADER[:4]):
        raise ArtifactError("it is Python, not an exported task", hint=f"capsule run {name}")


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise ArtifactError("it is a folder, not an exported task")
    if not stat.S_ISREG(mode):
        raise ArtifactError("it is not a regular file")


def _too_large(size: int) -> ArtifactError:
    return ArtifactError(f"it has {size:,} bytes; at most {MAX_ARTIFACT:,} may be")


def _read(module: memoryview) -> ArtifactContents:
    found = layout.find(module)
    layout.check_present(found)
    _check_digest(module[: found.last], found.own[-1][1])
    # The version decides what else there may be, so it is looked at first.
    said = _manifest(found)
    layout.check_order(found)
    own = dict(found.own)
    _, *segments = layout.segments(found.data, 1 + len(said.pages))
    for (offset, length), segment in zip(said.pages, segments, strict=True):
        if len(segment) != length:
            raise ArtifactError(
                f"the pages at {offset:,} are {len(segment):,} bytes, and its manifest tells of"
                f" {length:,}"
            )
    return ArtifactContents(
        said.values,
        file_table.unpack(own[SOURCES], SOURCE_BOUNDS),
        file_table.unpack(own[PACKAGES], PACKAGE_BOUNDS),
        said.memory,
        [
            PageRun(offset, bytes(segment))
            for (offset, _), segment in zip(said.pages, segments, strict=True)
        ],
        own[DIGEST].hex(),
    )


def _manifest(found: layout.Layout) -> manifest.Manifest:
    text = next((body for name, body in found.own if name == MANIFEST), None)
    if text is None:
        raise ArtifactError(f"it has no section {MANIFEST}", hint=AGAIN)
    # Looked at here as well, before it is copied.
    if len(text) > MAX_MANIFEST:
        raise ArtifactError(
            f"its manifest has {len(text):,} bytes; at most {MAX_MANIFEST:,} may be"
        )
    return manifest.decode(bytes(text))


def _check_digest(before: memoryview, said: memoryview) -> None:
    import hashlib

    if len(said) != DIGEST_SIZE:
        raise ArtifactError(f"its digest has {len(said)} bytes, and not {DIGEST_SIZE}", hint=AGAIN)
    digest = hashlib.sha256(before).digest()
    if digest != said:
        raise ArtifactError(
            f"it was changed or damaged: its SHA-256 is {digest.hex()[:16]}..., and it says"
            f" {said.hex()[:16]}...",
            hint=AGAIN,
        )
