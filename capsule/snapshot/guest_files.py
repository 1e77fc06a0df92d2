"""The files that run inside the sandbox, laid out as the interpreter sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from capsule import shared
from capsule.paths import toolchain_data
from capsule.toolstore.flavours import lacking

if TYPE_CHECKING:
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
    data = toolchain_data() / "guest"
    files = {
        path.relative_to(data).as_posix(): path for path in (data / "capsule_guest").rglob("*.py")
    }
    for folder in shared.__path__:
        files |= {f"capsule/shared/{path.name}": path for path in Path(folder).glob("*.py")}
    files["capsule/__init__.py"] = data / "capsule_api.py"
    return {name: path.read_bytes() for name, path in sorted(files.items())}


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
