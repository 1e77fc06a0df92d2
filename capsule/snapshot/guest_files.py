"""The files that run inside the sandbox, laid out as the interpreter sees them."""

from __future__ import annotations

import os
from pathlib import Path

from capsule import shared
from capsule.errors import ToolchainError
from capsule.paths import toolchain_data
from capsule.progress import Silent
from capsule.snapshot import cache
from capsule.toolstore import file_index
from capsule.toolstore.digests import short_id
from capsule.toolstore.flavours import lacking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.toolstore.flavours import Flavour

MOUNT = "/capsule"
_CONTENT, _SIZE = "content", 16
# Where the runtime is compiled to, and the turn of Python that does it: what a compiler leaves in
# memory would be in the snapshot, and slow down every start.
COMPILED = "/compiled"
COMPILATION = (
    "import sys\n"
    f"sys.path.insert(0, {MOUNT!r})\n"
    "import capsule_guest.bytecode\n"
    f"capsule_guest.bytecode.write({MOUNT!r}, {COMPILED!r})\n"
)


def guest_files(fingerprint: bytes) -> dict[str, bytes]:
    """Return the guest's modules by their path below `MOUNT`, which are those of `fingerprint`.

    Inside, the package `capsule` is a small one of the guest's own, with the code that both sides
    share. Raises `ToolchainError` when they were changed since that was taken.
    """
    files = _contents(_paths())
    if _fingerprint(files) != fingerprint:
        raise ToolchainError("the files of capsule were changed just now", hint="run it again")
    return files


def fingerprint(home: Path) -> bytes:
    """Return what stands for the names and the content of the guest's modules.

    There are seventy. They are read anew only when one of them was changed, and what came out is
    kept in the cache below `home`.
    """
    paths, now = _paths(), file_index.now()
    states = [(name, os.stat(path)) for name, path in paths]  # noqa: PTH116
    if not all(file_index.settled(status, now) for _, status in states):
        return _fingerprint(_contents(paths))

    def make(_folder: Path) -> cache.Facts:
        return {_CONTENT: int.from_bytes(_fingerprint(_contents(paths)), "big")}

    known = [(name, file_index.signature_of(status)) for name, status in states]
    key = cache.key(b"guest", repr((shared.__file__, known)).encode())
    found = cache.obtain(home / "cache" / "generic", key, make, Silent(), (_CONTENT,))
    return found.facts[_CONTENT].to_bytes(_SIZE, "big")


def _fingerprint(files: dict[str, bytes]) -> bytes:
    parts = [part for name, text in files.items() for part in (name.encode(), text)]
    return bytes.fromhex(short_id(*parts, size=_SIZE))


# Each command does this: objects for paths would take three times as long.
def _paths() -> list[tuple[str, str]]:
    data = f"{toolchain_data() / 'guest'}"
    files = dict(_modules(f"{data}/capsule_guest", "capsule_guest"))
    for folder in shared.__path__:
        files |= _modules(folder, "capsule/shared")
    files["capsule/__init__.py"] = f"{data}/capsule_api.py"
    return sorted(files.items())


def _modules(folder: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the modules below a folder: their path in the sandbox, and theirs here."""
    with os.scandir(folder) as entries:
        for entry in entries:
            inside = f"{name}/{entry.name}"
            if entry.is_dir():
                yield from _modules(entry.path, inside)
            elif entry.name.endswith(".py"):
                yield inside, entry.path


def _contents(paths: list[tuple[str, str]]) -> dict[str, bytes]:
    return {name: Path(path).read_bytes() for name, path in paths}


def lay_out(files: dict[str, bytes], folder: Path) -> None:
    """Write `files` below `folder`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def preparation(flavour: Flavour, *, asyncio: bool) -> str:
    """Return the turn of Python that loads the runtime, before the snapshot is taken."""
    return (
        "import sys\n"
        f"sys.path.insert(0, {MOUNT!r})\n"
        "import capsule_guest.main\n"
        f"capsule_guest.main.prepare(flavour={flavour!r}, lacking={sorted(lacking(flavour))}, "
        f"asyncio={asyncio}, folder={MOUNT!r})\n"
        f"sys.path.remove({MOUNT!r})\n"
    )
