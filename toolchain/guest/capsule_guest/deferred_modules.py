"""Modules of this runtime that few tasks need: kept as packed code, and loaded when imported.

Where a task runs there are no files to load them from, and what is loaded in the snapshot that all
tasks start from makes every start slower.
"""

from __future__ import annotations

import marshal
import sys
import zlib
from importlib.machinery import ModuleSpec

_THREADS = "capsule_guest.threads"
# What holds others of them, and all of them.
_PACKAGES = frozenset((_THREADS,))
DEFERRED = (
    _THREADS,
    *(
        f"{_THREADS}.{name}"
        for name in (
            "strands", "locks", "thread_locals", "step_compiler", "step_functions", "lock_calls",
            "threading_calls", "blocking_calls", "stand_ins", "event_loop",
            "thread_pool",
        )
    ),
    "capsule_guest.net.queued_exchange",
)  # fmt: skip
# What a file with packed code ends in.
PACKED = ".packed"


class DeferredFinder:
    """Finds the modules whose code was packed."""

    def __init__(self, packed: dict[str, bytes]) -> None:
        self.packed = packed

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname not in self.packed:
            return None
        return ModuleSpec(fullname, self, is_package=fullname in _PACKAGES)  # type: ignore[arg-type]

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        return None

    def exec_module(self, module) -> None:  # type: ignore[no-untyped-def]
        code = marshal.loads(zlib.decompress(self.packed[module.__name__]))  # noqa: S302 - our own
        exec(code, module.__dict__)


def file_of(name: str) -> str:
    """Return the path of a module below the runtime's folder, but for its ending."""
    path = name.replace(".", "/")
    return f"{path}/__init__" if name in _PACKAGES else path


def install(folder: str) -> None:
    """Find these modules from now on: their code is read now, from below `folder`."""
    packed = {}
    for name in DEFERRED:
        with open(f"{folder}/{file_of(name)}{PACKED}", "rb") as file:  # noqa: PTH123
            packed[name] = file.read()
    sys.meta_path.insert(0, DeferredFinder(packed))
