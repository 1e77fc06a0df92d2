"""Short names for content, cheap enough for every start of capsule."""

from __future__ import annotations

import sys

from capsule.errors import ToolchainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import _Hash as Hash
    from pathlib import Path

# Counts up when the same pins have to give other prepared files: other compile flags, another way
# to make `core`, memory and calls that go elsewhere, a table that is read
# faster. It is part of the store's identity, so that no two recipes share a folder.
RECIPE = 7

_FEW = 256 << 10
_SHA256 = "_sha2" if sys.version_info >= (3, 12) else "_sha256"


def short_id(*parts: bytes, size: int = 8) -> str:
    """Return `size` bytes, in hex digits, that stand for `parts`."""
    # The C module behind hashlib: importing hashlib itself costs more than opening the toolchain.
    try:
        from _blake2 import blake2b
    except ImportError:  # a Python that is not CPython
        from hashlib import blake2b
    hasher = blake2b(digest_size=size)
    for part in parts:
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return hasher.hexdigest()


def sha256(*parts: bytes | memoryview) -> str:
    """Return the SHA-256 of `parts`, one after the other, in hex digits."""
    hasher = _sha256(sum(map(len, parts)))
    for part in parts:
        hasher.update(part)
    return hasher.hexdigest()


def _sha256(size: int) -> Hash:
    # As above; but many bytes are worth the import, as what OpenSSL has is faster.
    if size <= _FEW:
        try:
            made: Hash = __import__(_SHA256).sha256()
        except ImportError:
            pass
        else:
            return made
    from hashlib import sha256

    return sha256()


def identity(file: Path) -> str:
    """Return the short id of the pins in `file`, by content: the name of the store's folder.

    Raises `ToolchainError` when the file cannot be read.
    """
    return short_id(read_pins(file), b"%d" % RECIPE)


def edition(file: Path) -> str:
    """Return the short id of a file that comes with capsule. Raises `ToolchainError`."""
    return short_id(read_pins(file, "advisories"))


def read_pins(file: Path, what: str = "pins") -> bytes:
    """Return the content of a pins file, or of `what` it is.

    Raises `ToolchainError` when it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ToolchainError(
            f"cannot read the {what} in {file}: {error.strerror}", hint="install capsule again"
        ) from error
