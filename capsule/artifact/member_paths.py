"""Which paths an artifact's files may have.

They come from a file that nobody vouches for, and packages are laid out as real files, on any
system: what leaves its folder or meets another file on one of them is refused on all.
"""

from __future__ import annotations

from itertools import pairwise

from capsule.artifact.contents import MAX_NAME, MAX_PARTS, MAX_PATH
from capsule.artifact.errors import ArtifactError
from capsule.message_text import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# Control characters; and what separates folders, drives and streams on Windows.
_REFUSED = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), *b"\\:")))


def check_path(path: str) -> None:
    """Raise `ArtifactError` unless `path` is relative and plain on every system."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise ArtifactError(f"the path {shown(path)} is not UTF-8") from None
    if size > MAX_PATH:
        raise ArtifactError(f"the path {shown(path)} has {size:,} bytes; at most {MAX_PATH} may be")
    if not _REFUSED.isdisjoint(path):
        wrong = next(one for one in path if one in _REFUSED)
        raise ArtifactError(f"the path {shown(path)} holds {wrong!r}, which no path may")
    if path.startswith("/"):
        raise ArtifactError(f"the path {shown(path)} is absolute; only relative ones are allowed")
    parts = path.split("/")
    if len(parts) > MAX_PARTS:
        raise ArtifactError(
            f"the path {shown(path)} has {len(parts)} parts; at most {MAX_PARTS} may be"
        )
    for part in parts:
        if part in ("", ".", ".."):
            raise ArtifactError(f"the path {shown(path)} has a part {part!r}, which no path may")
        # Windows drops these, and could take ".. " for "..".
        if part.endswith((".", " ")):
            raise ArtifactError(
                f"the path {shown(path)} has a part that ends in {part[-1]!r}, which no path may"
            )
        if len(part.encode()) > MAX_NAME:
            raise ArtifactError(
                f"the path {shown(path)} has a part of {len(part.encode()):,} bytes;"
                f" at most {MAX_NAME} may be"
            )


def check_together(paths: Collection[str], *, folders: int, on_disk: bool) -> None:
    """Raise `ArtifactError` unless all `paths` can be files of one folder at once.

    Below it there may be so many `folders`: few paths can name very many. `on_disk` also refuses
    paths that differ only for a file system that tells case apart, or that tells apart the ways to
    write an accented letter.
    """
    # Not folded, as each spelling is a folder of its own where case counts.
    named = _folders(sorted(path.replace("/", "\0") for path in paths))
    if named > folders:
        raise ArtifactError(f"the files lie in {named:,} folders; at most {folders:,} may be")
    # With the lowest character for the separator, a file comes right before what lies below it.
    # A set of all folders would do as well, but could be made far larger than the paths are.
    keys = sorted(((_folded(path) if on_disk else path).replace("/", "\0"), path) for path in paths)
    for (key, path), (following, other) in pairwise(keys):
        if key == following:
            alike = "stands twice" if path == other else f"and {shown(other)} differ only in case"
            raise ArtifactError(f"the path {shown(path)} {alike}")
        if following.startswith(key + "\0"):
            raise ArtifactError(f"{shown(path)} is a file, and a folder in {shown(other)}")


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    # Imported here: few paths need it.
    from unicodedata import normalize

    return normalize("NFD", path.casefold())


def _folders(keys: Iterable[str]) -> int:
    """Count the folders of sorted keys: those that a key does not share with the one before."""
    count = 0
    before: list[str] = []
    for key in keys:
        above = key.split("\0")[:-1]
        shared = 0
        for one, other in zip(above, before, strict=False):
            if one != other:
                break
            shared += 1
        count += len(above) - shared
        before = above
    return count
