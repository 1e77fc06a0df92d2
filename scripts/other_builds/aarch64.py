"""The build for aarch64, and what runs it here: qemu's emulation of programs."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from scripts.other_builds import call_numbers
from scripts.other_builds.build_side import BuildSide
from scripts.other_builds.pinned_program import program

# Debian's libraries for programs of this processor: libc6-arm64-cross and libgcc-s1-arm64-cross.
_LIBRARIES = Path("/usr/aarch64-linux-gnu")
_PACKAGES = "qemu-user libc6-arm64-cross libgcc-s1-arm64-cross linux-libc-dev-arm64-cross"


def _qemu() -> str | None:
    return shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")


def lacking() -> str | None:
    """Say what is not here without which it does not run."""
    if _qemu() and (_LIBRARIES / "lib" / "libgcc_s.so.1").exists():
        return None
    return f"aarch64 cannot be emulated here (Debian: {_PACKAGES})"


def side(folder: Path) -> BuildSide:
    """Make what is needed in a folder. Raises `ToolchainError` as `program` does."""
    binary = program(folder, "aarch64", "glibc")
    wrapper = folder / "wasmtime"
    words = shlex.join((str(_qemu()), "-L", str(_LIBRARIES), str(binary)))
    wrapper.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    wrapper.chmod(0o755)
    command = (sys.executable, "-m", "scripts.other_builds.without_walls")
    return BuildSide(command, {**os.environ, "CAPSULE_WASMTIME": str(wrapper)})


def wrong() -> list[str]:
    """Return what else is not as it has to be."""
    found = call_numbers.differing(_LIBRARIES / "include" / "asm-generic" / "unistd.h")
    print(
        f"system calls that are closed on aarch64, against the kernel's header: {len(found)} wrong"
    )
    return found
