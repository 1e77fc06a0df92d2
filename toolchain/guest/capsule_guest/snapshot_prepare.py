"""What a snapshot freezes, and how a run from it thaws."""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import sys

from capsule_guest import matplotlib_setup, program_end, streams
from capsule_guest.environ_monitor import EnvironMonitor
from capsule_guest.import_monitor import ImportMonitor

# What the system may have open for one process at most: see capsule.confine.linux.
_DESCRIPTORS = 64
HOME = "/tmp"  # noqa: S108 - the sandbox's own
_MAX_PRINTED = 64 << 10


def freeze(module: str) -> bytes:
    """Import `module` and say, in JSON, what of that cannot be frozen."""
    before = _open_descriptors()
    report = _watched(module)
    forget_folders()
    gc.collect()
    program_end.look()
    gc.freeze()
    report["open"] = sorted(_open_descriptors() - before)
    report["left"] = bool(_left())
    return json.dumps(report).encode()


def _watched(module: str) -> dict[str, object]:
    """Import `module`, and say what it did; who watched it is gone when the snapshot is taken."""
    with ImportMonitor() as monitor, EnvironMonitor() as environ, streams.kept() as printed:
        try:
            importlib.import_module(module)
        finally:
            streams.flush()
    return {
        "fresh": monitor.fresh,
        "files": monitor.files,
        "variables": environ.names,
        "printed": sum(len(data) for _, data in printed) > _MAX_PRINTED,
    }


def forget_folders() -> None:
    """Have imports look into the working folder anew: what is in it is of each run."""
    sys.path_importer_cache.pop("/", None)


def reseed() -> None:
    """Have the generators of random numbers begin anew: once in each process."""
    random.seed()
    if "numpy.random" in sys.modules:
        # Without an argument it would do the same, for ten times the fuel.
        seed = sys.modules["numpy"].frombuffer(os.urandom(32), "u4")
        sys.modules["numpy.random"].seed(seed)


def _left() -> set[str]:
    left: set[str] = set()
    for folder in ("/", HOME):
        try:
            left |= set(os.listdir(folder))  # noqa: PTH208 - names are all that is asked
        except OSError:
            continue
    return left - {matplotlib_setup.CACHE}


def _open_descriptors() -> set[int]:
    found = set()
    for number in range(_DESCRIPTORS):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.add(number)
    return found
