"""Whose processor the compiled files are for.

wasmtime compiles for the processor that it runs on, and refuses the file on one that lacks a
feature. A home can move between machines (a shared folder, a disk image), so the compiled files
bear the processor's mark, and are made again where it is another.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from capsule.toolstore import files
from capsule.toolstore.digests import sha256
from capsule.toolstore.open_toolchain import recompile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.progress import Progress
    from capsule.toolstore.toolchain import Toolchain

_MARK = "processor"
_CPUINFO = Path("/proc/cpuinfo")
# The first processor's entry is in here; the file can be long, and is made as it is read.
_ENOUGH = 8192
_FEATURES = ("flags", "Features")
# Windows numbers what it knows of, up to here.
_OF_WINDOWS = 64


def mark(cpuinfo: Path = _CPUINFO) -> str | None:
    """Return a short text that differs between processors with different features.

    Linux lists the features, and Windows answers for each; elsewhere the architecture has to do.
    None where Linux does not say, as without /proc.
    """
    if sys.platform == "win32":
        return sha256(_of_windows().encode())[:16]
    lines: list[str] = []
    try:
        with cpuinfo.open("rb") as file:
            lines = file.read(_ENOUGH).decode(errors="replace").splitlines()
    except OSError:
        if sys.platform == "linux":
            return None
    features = [line for line in lines if line.startswith(_FEATURES)]
    text = f"{_machine()} {features[0] if features else ''}"
    return sha256(text.encode())[:16]


def _machine() -> str:
    if hasattr(os, "uname"):
        return os.uname().machine
    import platform

    return platform.machine()


if sys.platform == "win32":

    def _of_windows() -> str:
        """Return the machine, and for each number of a feature whether it is there."""
        import ctypes

        from capsule.toolstore import platform_tag

        present = ctypes.WinDLL("kernel32").IsProcessorFeaturePresent
        found = "".join("1" if present(number) else "0" for number in range(_OF_WINDOWS))
        return f"{platform_tag.detect().machine} {found}"


def fit(home: Path, toolchain: Toolchain, progress: Progress) -> Toolchain:
    """Return a toolchain that is compiled for this processor: `toolchain`, or one made now.

    Raises `ToolchainError` when it cannot be made.
    """
    path, mine = toolchain.root / _MARK, mark()
    if mine is None:
        return toolchain  # wasmtime itself refuses what is for a processor with more features
    try:
        theirs = path.read_text()
    except FileNotFoundError:
        theirs = mine
        with files.writing(path.parent):
            files.write_whole(path, mine.encode())
    if theirs == mine:
        return toolchain
    progress.note("this is another processor than the interpreter was compiled for")
    made = recompile(home, toolchain, progress=progress)
    with files.writing(path.parent):
        # What was compiled from snapshots is as foreign, and is made again when it is missing.
        files.delete(home / "cache")
        files.write_whole(path, mine.encode())
    return made
