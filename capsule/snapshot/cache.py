"""Made things that are kept: compiled modules on disk, each in a folder named by its key.

An entry is put in place whole, with the hash and stat signature of every file, and is looked at
again before each use: one that was damaged is made again, never run.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

from capsule import direct_json
from capsule.errors import EXHAUSTED, ToolchainError, hint_of
from capsule.namedtuples import NamedTuple
from capsule.toolstore import file_index, files, toolchain_lock
from capsule.toolstore.digests import sha256, short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from capsule.progress import Progress
    from capsule.toolstore.toolchain_lock import Lease

_FORMAT = 2
INDEX = "entry.json"
# Someone may delete an entry between its making and its use.
_TRIES = 10

Facts = dict[str, int]


class Entry(NamedTuple):
    """A folder of files that are as they were made, and the numbers that belong to them.

    As long as `lease` is referred to, nobody takes the folder away.
    """

    folder: Path
    facts: Facts
    lease: Lease | None = None


class Damage(NamedTuple):
    """A file of an entry that is not what was made."""

    path: Path
    found: str


def obtain(
    store: Path,
    key: str,
    make: Callable[[Path], Facts],
    progress: Progress,
    needs: tuple[str, ...] = (),
) -> Entry:
    """Return the entry `key` of `store`, making it once if need be, however many ask at once.

    `make` fills an empty folder and returns the facts, those in `needs` among them. Raises what
    `make` raises, and `ToolchainError` when the store cannot be written.
    """
    folder, guard = store / key, store / f"{key}{files.LOCK}"
    for _ in range(_TRIES):
        if (lease := toolchain_lock.lease(folder)) is not None:
            found = look(folder, needs)
            if isinstance(found, Entry):
                files.note_use(folder / INDEX)
                return found._replace(lease=lease)
            lease.release()
        with files.writing(store):
            files.make_private(store)
            with toolchain_lock.locked(guard, progress):
                found = look(folder, needs)
                if isinstance(found, Damage):
                    progress.note(f"{found.path} is damaged ({found.found}): making it again")
                if not isinstance(found, Entry):
                    _make(store, key, make)
    raise ToolchainError(
        f"{folder} is deleted again and again", hint="wait until nobody prunes the cache"
    )


def renew(store: Path, key: str, make: Callable[[Path], Facts], progress: Progress) -> None:
    """Make the entry `key` of `store`, in place of one that is there.

    Only for entries that nobody holds a lease on while they use them. Raises as `obtain` does.
    """
    with files.writing(store):
        files.make_private(store)
        with toolchain_lock.locked(store / f"{key}{files.LOCK}", progress):
            _make(store, key, make)


def renew_if_free(store: Path, key: str, make: Callable[[Path], Facts]) -> None:
    """Make the entry `key` as `renew` does, unless another program is at it now."""
    with files.writing(store):
        files.make_private(store)
        with toolchain_lock.locked_if_free(store / f"{key}{files.LOCK}") as held:
            if held:
                _make(store, key, make)


def _make(store: Path, key: str, make: Callable[[Path], Facts]) -> None:
    """Make an entry; whoever calls this holds its lock."""
    with files.unfinished(store, key) as made:
        facts = make(made)
        files.write_whole(made / INDEX, _index(made, facts))
        size = sum(files.sizes(made))
        files.delete(store / key)
        made.rename(store / key)
        files.note_growth(store.parent, size)


def key(*parts: bytes) -> str:
    """Return a name for an entry that stands for `parts`.

    >>> key(b"ab", b"c") == key(b"a", b"bc")
    False
    """
    return short_id(*parts, size=16)


def look(folder: Path, needs: tuple[str, ...] = ()) -> Entry | Damage | None:
    """Return the entry in `folder`, what is wrong with it, or None when there is none."""
    index = folder / INDEX
    try:
        # Looked at first: reading what is no file could wait without end.
        if not stat.S_ISREG(index.lstat().st_mode):
            return Damage(index, "it is no file")
        return _understood(folder, direct_json.loads(index.read_bytes()), needs)
    except FileNotFoundError as error:
        missing = Path(error.filename)
        return None if missing == index else Damage(missing, "it is gone")
    except OSError as error:
        if error.errno in EXHAUSTED:
            # The entry may be whole: made again, it would fare no better.
            raise ToolchainError(
                f"cannot read {index}: {error.strerror}", hint=hint_of(error, "")
            ) from None
        return Damage(index, f"{type(error).__name__}: {error}")
    except (
        *(ValueError, KeyError, TypeError, AttributeError),
        *(RecursionError, OverflowError),
    ) as error:
        return Damage(index, f"{type(error).__name__}: {error}")


def _understood(folder: Path, document: Any, needs: tuple[str, ...]) -> Entry | Damage | None:
    """Hold the files against the index; one that lies raises what such a document raises."""
    index = folder / INDEX
    if document["format"] != _FORMAT:
        return None
    if document["sha256"] != _content_hash(document["facts"], document["files"]):
        return Damage(index, "its content is not what its own hash says")
    changed = False
    for name, known in document["files"].items():
        signature = list(file_index.signature(folder / name))
        if signature != known["signature"]:
            damage = _hashed_anew(folder / name, known)
            if damage is not None:
                return damage
            known["signature"], changed = signature, True
    if changed:
        _remember(folder, document)
    facts = {str(name): int(value) for name, value in document["facts"].items()}
    if lacking := set(needs) - facts.keys():
        return Damage(index, f"it does not say {min(lacking)}")
    return Entry(folder, facts)


def _hashed_anew(path: Path, known: dict[str, object]) -> Damage | None:
    """Hash a file whose signature changed: a copied or restored store is as good as the first."""
    size, sha256 = path.stat().st_size, _sha256(path)
    if (size, sha256) != (known["size"], known["sha256"]):
        return Damage(path, f"{size} bytes, SHA-256 {sha256[:12]}...")
    return None


def _remember(folder: Path, document: Any) -> None:
    """Write the new signatures of an entry that was copied, or each start would hash it again.

    Those of before the files were hashed: what changed meanwhile does not fit them either. An index
    that cannot be written stays as it is.
    """
    with (
        suppress(OSError),
        toolchain_lock.locked_if_free(folder.with_name(f"{folder.name}{files.LOCK}")) as held,
    ):
        if held:
            files.write_whole(folder / INDEX, _encoded(document["facts"], document["files"]))


def _index(folder: Path, facts: Facts) -> bytes:
    entries = {
        path.relative_to(folder).as_posix(): {
            "size": path.stat().st_size,
            "sha256": _sha256(path),
            "signature": file_index.signature(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return _encoded(facts, entries)


def _encoded(facts: Facts, entries: dict[str, dict[str, object]]) -> bytes:
    document = {
        "format": _FORMAT,
        "facts": facts,
        "files": entries,
        "sha256": _content_hash(facts, entries),
    }
    return direct_json.dumps(document, indent=1).encode()


def _content_hash(*parts: object) -> str:
    return sha256(direct_json.dumps(parts, sort_keys=True).encode())


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
