"""Packages whose wheels are for particular machines, and hold all that these do in Python as well.

Each tries its native part when it is imported, and goes on without. Their wheels are taken without
that part. A package is here when it was seen to do its work so: nothing in a wheel says it.
"""

from __future__ import annotations

# By the names that an index knows, normalized.
NAMES = frozenset({"msgpack", "rapidfuzz", "tornado", "zope-interface"})

# A machine and a Python that everybody makes such wheels for. Nothing for the machine is kept.
PLATFORM = "manylinux2014_x86_64"
PYTHON = "3.13"
TAGS = (
    *("--platform", "manylinux_2_17_x86_64", "--platform", "manylinux_2_28_x86_64"),
    *("--implementation", "cp", "--abi", "cp313", "--abi", "abi3"),
)
