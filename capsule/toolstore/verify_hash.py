"""Is a file what it is pinned to be: its size first, then its SHA-256, before anything opens it."""

from __future__ import annotations

import hashlib

from capsule.errors import ToolchainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

REPAIR = "capsule toolchain install"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def difference(path: Path, size: int, sha256: str) -> str | None:
    """Return how a file differs from its pinned size in bytes and SHA-256, None if it does not.

    Raises `OSError` when the file cannot be read.
    """
    if (found := path.stat().st_size) != size:
        return f"expected {size:,} bytes, found {found:,}"
    if (seen := digest(path)) != sha256:
        return f"expected SHA-256 {sha256}, found {seen}"
    return None


def check(path: Path, size: int, sha256: str, *, hint: str = REPAIR) -> None:
    """Raise `ToolchainError` unless the file has this size in bytes and this SHA-256."""
    try:
        wrong = difference(path, size, sha256)
    except OSError as error:
        raise ToolchainError(f"cannot read {path}: {error.strerror}", hint=hint) from error
    if wrong:
        raise ToolchainError(f"{path} is not the pinned file: {wrong}", hint=hint)
