"""The build for musl, behind all walls: in a mount namespace where its loader finds its libraries.

Debian's `musl` has the loader, which is the C library too. What the program needs besides, GCC's
library for unwinding, is in the wheels for musl of other programs that are written in Rust.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from scripts.other_builds.build_side import BuildSide
from scripts.other_builds.pinned_program import program

_PIN = Path(__file__).with_name("libgcc-musl.txt")
# Debian's, where its loader looks first.
_LIBRARIES = Path("/lib/x86_64-linux-musl")
_NAMESPACE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "-m")
_BOUND = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def lacking() -> str | None:
    """Say what is not here without which it does not run."""
    if platform.machine() != "x86_64" or not (_LIBRARIES / "libc.so").exists():
        return "the C library musl for x86_64 is not here (Debian: musl)"
    if subprocess.run([*_NAMESPACE, "true"], check=False, capture_output=True).returncode:
        return "no mount namespace can be made here, as root can"
    return None


def side(folder: Path) -> BuildSide:
    """Make what is needed in a folder. Raises `ToolchainError` as `program` does."""
    binary = program(folder, "x86_64", "musl")
    libraries = folder / "libraries"
    libraries.mkdir(exist_ok=True)
    shutil.copy(_LIBRARIES / "libc.so", libraries)
    if not (libraries / "libgcc_s.so.1").exists():
        (libraries / "libgcc_s.so.1").write_bytes(_libgcc(folder))
    command = (
        *(*_NAMESPACE, "sh", "-c", _BOUND, "sh", str(libraries), str(_LIBRARIES)),
        *(sys.executable, "-m", "capsule"),
    )
    return BuildSide(command, {**os.environ, "CAPSULE_WASMTIME": str(binary)})


def _libgcc(folder: Path) -> bytes:
    where = ("--platform", "musllinux_1_2_x86_64", "--python-version", "3.12")
    options = ("-q", "--no-deps", "--only-binary=:all:", "--require-hashes", "-d", str(folder))
    words = ("download", *options, *where, "-r", str(_PIN))
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    (wheel,) = folder.glob("rpds_py-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if ".libs/libgcc_s" in name]
        return archive.read(name)


def wrong() -> list[str]:
    """Return what else is not as it has to be."""
    return []
