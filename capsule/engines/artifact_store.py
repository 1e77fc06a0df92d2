"""The artifacts that a node has: each kept once, under its own hash, for this user alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.engines.job import FILE, STORE, write
from capsule.errors import EngineError
from capsule.progress import Silent
from capsule.snapshot import cache
from capsule.toolstore import files, toolchain_lock
from capsule.toolstore.digests import sha256

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.snapshot.cache import Entry, Facts

# An empty folder beside the artifact: the root of a project that has no files on this machine.
ROOT = "project"


def find(home: Path, digest: str) -> Entry | None:
    """Return the entry of an artifact, which stays while it is referred to; None without one."""
    folder = home / "cache" / STORE / cache.key(digest.encode())
    lease = toolchain_lock.lease(folder)
    found = cache.look(folder) if lease is not None else None
    if not isinstance(found, cache.Entry):
        return None
    # What is sent once to a node must not be what nobody has used for longest.
    files.note_use(folder / cache.INDEX)
    return found._replace(lease=lease)


def keep(home: Path, digest: str, artifact: bytes) -> Entry:
    """Keep an artifact, unless it is there.

    Raises `EngineError` for another one than `digest` stands for, `ToolchainError` where it cannot
    be written.
    """
    if sha256(artifact) != digest:
        raise EngineError(
            f"the artifact that arrived has another SHA-256 than {digest[:12]}...",
            hint="begin the batch again: something on the way has changed it",
        )

    def make(folder: Path) -> Facts:
        write(folder / FILE, artifact)
        (folder / ROOT).mkdir(mode=0o700)
        return {"size": len(artifact)}

    return cache.obtain(home / "cache" / STORE, cache.key(digest.encode()), make, Silent())
