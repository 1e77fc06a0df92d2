"""What is imported in a sandbox: the code of one task."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from capsule.process.argv import Mount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Where a sandbox sees the packages that its task depends on.
PACKAGES_GUEST = "/packages"


class Code(NamedTuple):
    """A task's code: the bundle's files by path, the module to import, and what stands for both.

    `packages` is the folder of the packages that it depends on, None where there is none.
    """

    files: Mapping[str, bytes]
    entry: str
    digest: str
    packages: Path | None = None
    packages_digest: str = ""


def mounts_of(code: Code) -> tuple[Mount, ...]:
    """Return the mount of the packages that a task depends on, if there are any."""
    if code.packages is None:
        return ()
    return (Mount(code.packages, PACKAGES_GUEST, writable=False),)
