"""What is imported in a sandbox: the code of one task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.namedtuples import NamedTuple
from capsule.process.argv import Mount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Where a sandbox sees the packages that its task depends on: no folder of a project can be there.
PACKAGES_GUEST = "/usr/local/packages"

_MODULE = "capsule_libraries"
# One that is missing, or fails, is the task's own matter.
_LIBRARIES = """for name in {}:
    try:
        __import__(name)
    except Exception:
        pass"""


class Code(NamedTuple):
    """A task's code: the bundle's files by path, the module to import, and what stands for both.

    `packages` is the folder of the packages that it depends on, None where there is none.
    `libraries` are modules, not of the bundle, that it imports and that take long to import.
    """

    files: Mapping[str, bytes]
    entry: str
    digest: str
    packages: Path | None = None
    packages_digest: str = ""
    libraries: frozenset[str] = frozenset()


def mounts_of(code: Code) -> tuple[Mount, ...]:
    """Return the mount of the packages that a task depends on, if there are any."""
    if code.packages is None:
        return ()
    return (Mount(code.packages, PACKAGES_GUEST, writable=False),)


def libraries_of(code: Code) -> Code | None:
    """Return code that imports the libraries of `code` and no more, None where it has none.

    >>> code = Code({}, "task", "", libraries=frozenset(["numpy"]))
    >>> print(libraries_of(code).files["capsule_libraries.py"].decode())
    for name in ['numpy']:
        try:
            __import__(name)
        except Exception:
            pass
    """
    if not code.libraries:
        return None
    names = sorted(code.libraries)
    source = _LIBRARIES.format(names).encode()
    return Code({f"{_MODULE}.py": source}, _MODULE, f"{names}", code.packages, code.packages_digest)
