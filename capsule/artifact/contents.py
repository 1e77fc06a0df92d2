"""What an artifact holds, and how much of it there may be."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from capsule.snapshot.changed_pages import PageRun

FORMAT = 1

MANIFEST = "capsule.manifest"
SOURCES = "capsule.sources"
PACKAGES = "capsule.packages"
DIGEST = "capsule.sha256"
# The last sections of the file, in this order.
SECTIONS = (MANIFEST, SOURCES, PACKAGES, DIGEST)
# How the names of all sections start that capsule ever defines.
OWN = "capsule."

DIGEST_SIZE = 32
MAX_ARTIFACT = 512 << 20
MAX_MANIFEST = 1 << 20
# The interpreter starts with the one; no memory above the other is dumped.
MIN_MEMORY = 40 << 20
MAX_MEMORY = 1 << 30
# How many runs a snapshot's pages may be in: wasmtime takes long to compile many.
MAX_RUNS = 4096
# A table may unpack to so many times its size; a small one to anything that is no trouble.
MAX_RATIO = 30
HARMLESS = 32 << 20
# A path and a part of one, in bytes, and how many parts: what any system can lay out.
MAX_PATH = 512
MAX_NAME = 255
MAX_PARTS = 64


class ArtifactContents(NamedTuple):
    """What an artifact holds.

    `manifest` is the caller's: any JSON object without the keys that the format keeps for itself
    (`manifest.RESERVED`). `sources` and `packages` are files by relative path. `memory` is how many
    bytes of linear memory the snapshot had, and `pages` what changed in it; without a snapshot
    there are no pages, and `memory` may be 0. `digest` is the SHA-256 that a file bears, in
    hexadecimal; before it is written there is none.
    """

    manifest: dict[str, Any]
    sources: dict[str, bytes]
    packages: dict[str, bytes]
    memory: int
    pages: list[PageRun]
    digest: str = ""


class Bounds(NamedTuple):
    """How much a table of files may hold: how many, and bytes of each and of all together.

    There may be as many folders as files. `on_disk` says that the files are laid out in a folder,
    which may ignore case.
    """

    what: str
    files: int
    each: int
    total: int
    on_disk: bool

    @property
    def table(self) -> int:
        """How many bytes the table itself may have: contents, paths, and two numbers each."""
        return self.total + self.files * (MAX_PATH + 10) + 5


SOURCE_BOUNDS = Bounds("sources", 5_000, 10 << 20, 64 << 20, on_disk=False)
PACKAGE_BOUNDS = Bounds("packages", 20_000, 512 << 20, 512 << 20, on_disk=True)
