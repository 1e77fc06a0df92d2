"""Packages that came with an artifact: laid out and kept as if they had been fetched."""

from __future__ import annotations

from pathlib import Path

from capsule.namedtuples import NamedTuple
from capsule.packages import package_store
from capsule.packages.dependency_types import NOTHING, Packages
from capsule.packages.package_store import File
from capsule.toolstore import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.progress import Progress


def keep(home: Path, found: Mapping[str, bytes], progress: Progress) -> Packages:
    """Return a folder with just these files, by relative path, which were checked before.

    Raises `ToolchainError` when `home` cannot be written.
    """
    if not found:
        return NOTHING
    measure = measured(found)
    if (there := kept(home, measure.digest)) is not None:
        return there
    store = _store(home)
    target = package_store.folder_of(store, measure.digest)
    with files.writing(store):
        files.make_private(store)
        with package_store.making(store, target.name, progress) as folder:
            if kept(home, measure.digest) is None:
                with folder as made:
                    _write(made, found)
                    package_store.finish(made, measure.known)
                    package_store.put(made, store, measure.digest, progress)
    return _packages(target / package_store.SITE, measure.digest)


def kept(home: Path, digest: str) -> Packages | None:
    """Return the packages of this digest, None when they are not there whole."""
    found = package_store.look(package_store.folder_of(_store(home), digest), digest)
    return _packages(found, digest) if isinstance(found, Path) else None


class Measured(NamedTuple):
    """Size and hash of each file, and the digest that stands for all."""

    known: dict[str, File]
    digest: str


def measured(found: Mapping[str, bytes]) -> Measured:
    """Return what is known of files by relative path."""
    import hashlib

    known = {
        path: File(len(data), hashlib.sha256(data).hexdigest()) for path, data in found.items()
    }
    return Measured(known, package_store.digest_of(known))


def _store(home: Path) -> Path:
    return home / "cache" / "packages"


def _packages(site: Path, digest: str) -> Packages:
    return Packages(site, digest, (), frozenset())


def _write(made: Path, found: Mapping[str, bytes]) -> None:
    (made / package_store.SITE).mkdir(mode=files.PRIVATE)
    for path, data in found.items():
        place = made / package_store.SITE / path
        place.parent.mkdir(mode=files.PRIVATE, parents=True, exist_ok=True)
        place.write_bytes(data)
        place.chmod(files.DATA)
