"""A bundle: the files that go into the sandbox, and what is known about them."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.toolstore.digests import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = b"capsule bundle 1\0"


class Bundle(NamedTuple):
    """The files of one task, as they were when they were read.

    `files` maps relative paths with "/" to contents. `entry` is the name of the module to import
    first, and `imports` are the top-level modules that the files name and do not hold: standard
    library and packages. `digest` is a SHA-256 in hexadecimal. `dependencies` and
    `requires_python` are what inline metadata states, as it is written. `shown` is what the file of
    the entry is called, where its module cannot be called so: tracebacks show that.
    """

    files: Mapping[str, bytes]
    entry: str
    imports: frozenset[str]
    digest: str
    dependencies: tuple[str, ...] = ()
    requires_python: str | None = None
    shown: str = ""

    @property
    def entry_file(self) -> str:
        """Return the path of the entry module's file in `files`."""
        return f"{self.entry.replace('.', '/')}.py"


def digest_of(files: Mapping[str, bytes], entry: str, shown: str = "") -> str:
    """Return the SHA-256 of the entry's name and of all paths and contents, in hexadecimal.

    Every piece has its length in front of it, so that no two bundles run into the same bytes. The
    entry counts, because two modules that import each other are two bundles of the same files, and
    so does what its file is shown as, which its code remembers.

    >>> digest_of({"a.py": b"xy"}, "a") == digest_of({"a.py": b"x"}, "a")
    False
    """
    pieces = [entry.encode()]
    for path in sorted(files):
        pieces += [path.encode(), files[path]]
    if shown:
        pieces.append(shown.encode())
    measured = [part for piece in pieces for part in (len(piece).to_bytes(8, "little"), piece)]
    return sha256(_FORMAT, *measured)
