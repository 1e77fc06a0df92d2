"""Which of the pinned builds this machine needs: its system, processor and C library."""

from __future__ import annotations

from dataclasses import dataclass

# Systems name the same processor differently.
_PROCESSORS = {
    "amd64": "x86_64",
    "x64": "x86_64",
    "x86_64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of machine; `libc` is "glibc" or "musl" on Linux and empty elsewhere."""

    system: str
    machine: str
    libc: str = ""

    def __str__(self) -> str:
        return f"{self.system} {self.machine}" + (f" ({self.libc})" if self.libc else "")


def describe(system: str, machine: str, glibc: str | None) -> Machine:
    """Return the kind of machine in the words of the pins.

    `system` and `machine` are as `platform` reports them; `glibc` is what the C library says of
    itself ("glibc 2.36"), None where it says nothing: musl does not.

    >>> str(describe("Linux", "x86_64", None))
    'linux x86_64 (musl)'
    >>> str(describe("Darwin", "arm64", None))
    'macos aarch64'
    """
    name = system.lower()
    name = {"darwin": "macos"}.get(name, name)
    processor = _PROCESSORS.get(machine.lower(), machine.lower())
    libc = ""
    if name == "linux":
        libc = "glibc" if glibc and glibc.startswith("glibc") else "musl"
    return Machine(name, processor, libc)


def detect() -> Machine:
    """Return the kind of the machine that this process runs on."""
    import os
    import platform
    import sys

    glibc = None
    machine = platform.machine()
    if not machine and sys.platform == "win32":
        # It reads a variable that a bare environment lacks. Python's own kind runs here, too.
        machine = "arm64" if "(ARM64)" in sys.version else "amd64"
    if sys.platform != "win32":
        try:
            glibc = os.confstr("CS_GNU_LIBC_VERSION")
        except (ValueError, OSError):  # musl and macOS have no such name
            glibc = None
    return describe(platform.system(), machine, glibc)
