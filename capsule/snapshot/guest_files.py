"""The files that run inside the sandbox, laid out as the interpreter sees them."""

from __future__ import annotations

import os

from capsule import shared
from capsule.paths import toolchain_data
from capsule.toolstore.flavours import lacking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule.toolstore.flavours import Flavour

MOUNT = "/capsule"
# Where the runtime is compiled to, and the turn of Python that does it: what a compiler leaves in
# memory would be in the snapshot, and slow down every start.
COMPILED = "/compiled"
COMPILATION = (
    "import sys\n"
    f"sys.path.insert(0, {MOUNT!r})\n"
    "import capsule_guest.bytecode\n"
    f"capsule_guest.bytecode.write({MOUNT!r}, {COMPILED!r})\n"
)


def guest_files() -> dict[str, bytes]:
    """Return the guest's modules by their path below `MOUNT`.

    Inside, the package `capsule` is a small one of the guest's own, with the code that both sides
    share.
    """
    data = f"{toolchain_data() / 'guest'}"
    files = dict(_modules(f"{data}/capsule_guest", "capsule_guest"))
    for folder in shared.__path__:
        files |= _modules(folder, "capsule/shared")
    files["capsule/__init__.py"] = f"{data}/capsule_api.py"
    return {name: _content(path) for name, path in sorted(files.items())}


# There are seventy, and each command reads them: objects for paths would take three times as long.
def _modules(folder: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the modules below a folder: their path in the sandbox, and theirs here."""
    with os.scandir(folder) as entries:
        for entry in entries:
            inside = f"{name}/{entry.name}"
            if entry.is_dir():
                yield from _modules(entry.path, inside)
            elif entry.name.endswith(".py"):
                yield inside, entry.path


def _content(path: str) -> bytes:
    with open(path, "rb", 0) as file:  # noqa: PTH123
        return file.read()


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
