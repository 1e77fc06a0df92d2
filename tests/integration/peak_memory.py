"""How much memory this program has had at once."""

from __future__ import annotations

import sys

import psutil

if sys.platform != "win32":
    import resource


def peak_memory() -> int:
    """Return the most memory that this program has had so far, in KiB."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
