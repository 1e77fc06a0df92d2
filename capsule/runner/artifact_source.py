"""A task that comes from an artifact: what was read of it, and what can be read again when needed.

Reading an artifact means unpacking, hashing and checking megabytes. What a run needs of them is a
page of JSON as long as the task's snapshot is kept, so that page is remembered.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from capsule.artifact import task_manifest
from capsule.artifact.errors import AGAIN, ArtifactError
from capsule.bundle.contents import Bundle, digest_of
from capsule.namedtuples import NamedTuple
from capsule.runner import parse_cache
from capsule.toolstore import file_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from capsule.artifact.contents import ArtifactContents
    from capsule.artifact.task_manifest import TaskManifest


class ArtifactSource(NamedTuple):
    """What an artifact holds besides its sources.

    `digest` stands for all of it. `memory` is the size of its snapshot's memory, 0 where it brings
    none, and `packages` the digest of its packages, empty where it brings none.
    """

    name: str
    task_manifest: TaskManifest
    memory: int
    packages: str
    digest: str
    contents: LazyContents


class LazyContents:
    """All that an artifact holds, read when somebody asks for it."""

    def __init__(
        self, path: Path, name: str, digest: str, parts: ArtifactContents | None = None
    ) -> None:
        self._path, self._name, self._digest = path, name, digest
        self._parts = parts

    def __repr__(self) -> str:
        return f"<Contents of {self._name}{'' if self._parts else ', unread'}>"

    def read_bytes(self) -> bytes:
        """Return the artifact as it is on the disk; who gets it looks whether it is still the same.

        Raises `ArtifactError` when it cannot be read.
        """
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise ArtifactError(f"{self._name}: cannot be read: {error.strerror}") from None

    @property
    def parts(self) -> ArtifactContents:
        """The parts. Raises `ArtifactError` when the file is not any more what it was."""
        if self._parts is None:
            from capsule.artifact import read

            parts = read.read(self._path, self._name)
            if parts.digest != self._digest:
                raise ArtifactError(f"{self._name}: it changed while it was used", hint=AGAIN)
            self._parts = parts
        return self._parts


class Sources(Mapping[str, bytes]):
    """The files of an artifact's bundle."""

    def __init__(self, contents: LazyContents) -> None:
        self._contents = contents

    def __repr__(self) -> str:
        return f"<Sources: {self._contents!r}>"

    def __getitem__(self, path: str) -> bytes:
        return self._contents.parts.sources[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents.parts.sources)

    def __len__(self) -> int:
        return len(self._contents.parts.sources)


def open_artifact(path: Path, name: str, home: Path | None) -> tuple[ArtifactSource, Bundle]:
    """Return what an artifact holds, with what `home` remembers of it; `name` is for messages.

    Raises `ArtifactError`.
    """
    known = None if home is None else _recalled(home, path)
    contents = None
    if known is None:
        contents, known = _read(path, name, home)
    try:
        return _understood(path, name, known, contents)
    except (ArtifactError, KeyError, TypeError):
        if contents is not None:
            raise
    # What was kept is of no use to this capsule.
    contents, known = _read(path, name, home)
    return _understood(path, name, known, contents)


def _recalled(home: Path, path: Path) -> dict[str, Any] | None:
    try:
        return parse_cache.recall(home, parse_cache.key_of(str(path), os.stat(path)))  # noqa: PTH116
    except (OSError, ValueError):
        return None  # reading it says what is wrong


def _read(path: Path, name: str, home: Path | None) -> tuple[LazyContents, dict[str, Any]]:
    from capsule.artifact import read

    begin = file_index.now()
    parts, status = read.read_with_status(path, name)
    described = task_manifest.decode(parts.manifest, name)
    if f"{described.entry}.py" not in parts.sources:
        raise ArtifactError(f"{name}: it has no module {described.entry}")
    known = {
        "manifest": task_manifest.encode(described),
        "memory": parts.memory if parts.pages else 0,
        "packages": _digest_of_packages(parts.packages),
        "bundle": digest_of(parts.sources, described.entry),
        "digest": parts.digest,
    }
    if home is not None and status is not None and file_index.settled(status, begin):
        parse_cache.keep(home, parse_cache.key_of(str(path), status), known)
    return LazyContents(path, name, parts.digest, parts), known


def _digest_of_packages(packages: Mapping[str, bytes]) -> str:
    if not packages:
        return ""
    from capsule.packages.artifact_packages import measured

    return measured(packages).digest


def _understood(
    path: Path, name: str, known: dict[str, Any], contents: LazyContents | None
) -> tuple[ArtifactSource, Bundle]:
    described = task_manifest.decode(known["manifest"], name)
    contents = contents or LazyContents(path, name, known["digest"])
    artifact = ArtifactSource(
        name, described, known["memory"], known["packages"], known["digest"], contents
    )
    sources = Sources(contents)
    return artifact, Bundle(sources, described.entry, described.imports, known["bundle"])
