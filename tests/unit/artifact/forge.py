"""Artifacts for tests, honest and forged. A forged one always has a digest that fits."""

from __future__ import annotations

import json
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from capsule import wasm
from capsule.artifact.contents import DIGEST, MANIFEST, PACKAGES, SOURCES, ArtifactContents
from capsule.artifact.write import custom, sealed, write
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, PageRun
from capsule.snapshot.driver import artifact_driver

if TYPE_CHECKING:
    from collections.abc import Sequence

MEMORY = 48 << 20
PAGES = [
    PageRun(STACK_TOP, b"a" * PAGE),
    PageRun(STACK_TOP + PAGE * 2, bytes(range(256)) * 32),
    PageRun(MEMORY - PAGE, b"z" * PAGE),
]
PARTS = ArtifactContents(
    {"interpreter": "core", "policy": {"ram": 64 << 20, "hosts": ["*.example.com"], "none": None}},
    {"hello.py": b"def main(): ...\n", "pkg/__init__.py": b"", "pkg/data.bin": bytes(1000)},
    {"dep/__init__.py": b"x = 1\n", "dep-1.0.dist-info/METADATA": b"Name: dep\n"},
    MEMORY,
    PAGES,
)
TURN = "import capsule_guest.main\ncapsule_guest.main.serve()\n"


def unsealed(parts: ArtifactContents) -> ArtifactContents:
    """Return what was read as it was before it was written: without the digest."""
    assert len(bytes.fromhex(parts.digest)) == 32
    return parts._replace(digest="")


def driver(pages: Sequence[PageRun] = PAGES) -> bytes:
    """Return the driver of a run, as it is without being exported."""
    return artifact_driver(TURN, pages, 8)


def artifact(parts: ArtifactContents = PARTS) -> bytes:
    """Return an honest artifact."""
    return write(driver(parts.pages), parts)


def manifest(**changes: Any) -> bytes:
    """Return the manifest of `PARTS` with other values."""
    whole = {
        "format": 1,
        "memory": MEMORY,
        "pages": [[run.offset, len(run.data)] for run in PAGES],
        **changes,
    }
    return json.dumps({key: value for key, value in whole.items() if value is not ...}).encode()


def entry(path: bytes, content: bytes, length: int | None = None) -> bytes:
    """Return one file of a table, with an announced length of its own."""
    announced = len(content) if length is None else length
    return wasm.sized(path) + wasm.uleb(announced) + content


def table(
    *entries: bytes, count: int | None = None, size: int | None = None, level: int = 6
) -> bytes:
    """Return a table of files, with announced numbers of its own."""
    plain = wasm.uleb(len(entries) if count is None else count) + b"".join(entries)
    return wasm.uleb(len(plain) if size is None else size) + zlib.compress(plain, level)


def forge(
    *,
    module: bytes | None = None,
    text: bytes | None = None,
    sources: bytes | None = None,
    packages: bytes | None = None,
) -> bytes:
    """Return an artifact of the given parts."""
    return sealed(
        [
            driver() if module is None else module,
            custom(MANIFEST, manifest() if text is None else text),
            custom(SOURCES, table() if sources is None else sources),
            custom(PACKAGES, table() if packages is None else packages),
        ]
    )


def pieces(data: bytes) -> list[bytes]:
    """Cut a module into its header and its sections."""
    cuts = [0, len(wasm.HEADER), *(part.end for part in wasm.sections(data))]
    return [data[start:end] for start, end in pairwise(cuts)]


def reseal(data: bytes) -> bytes:
    """Compute the digest anew, if the module can be walked over to where it stands."""
    try:
        found = pieces(data)
    except wasm.MalformedModuleError:
        return data
    if found[-1].startswith(custom(DIGEST, bytes(32))[:17]):
        found.pop()
    return sealed(found)
