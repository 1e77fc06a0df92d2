"""The interpreters that are made of the pinned one, and which packages' native code each has.

They are few and fixed, for the sake of the disk: a union for each task would be a compile for each,
and a file. Where one is there that has more than is asked for, it is used, and none is made. How
each is cut out of the interpreter is in `toolchain/pins.toml`.
"""

from __future__ import annotations

import sys
from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    Flavour = Literal["core", "documents", "numpy", "pandas", "matplotlib", "scipy", "science"]
# The smaller ones first.
FLAVOURS: tuple[Flavour, ...] = (
    *("core", "documents", "numpy", "pandas", "matplotlib", "scipy", "science"),
)

_DOCUMENTS = frozenset(("PIL", "lxml", "regex"))
_PLOTS = frozenset(("contourpy", "kiwisolver", "matplotlib"))
# What can be imported, by top-level names. scipy takes from matplotlib's archives what both have.
KEEPS = MappingProxyType(
    {
        "core": frozenset[str](),
        "documents": _DOCUMENTS,
        "numpy": frozenset(("numpy",)),
        "pandas": frozenset(("numpy", "pandas")),
        "matplotlib": _DOCUMENTS | _PLOTS | {"numpy", "pandas"},
        "scipy": _DOCUMENTS | _PLOTS | {"numpy", "scipy"},
        "science": _DOCUMENTS | _PLOTS | {"numpy", "pandas", "scipy", "sklearn", "statsmodels"},
    }
)
NATIVES = KEEPS["science"]


# How wasmtime makes code, for all modules of a process alike. Its own cache would be in the home of
# the user, which may be missing or only to be read. There are no tables for a debugger to unwind
# the stack by: each start would register them, and they are a twentieth of the file. Windows needs
# them, and wasmtime refuses to go without.
PLAIN = "cache=n" if sys.platform == "win32" else "cache=n,native-unwind-info=n"
# Python runs in 0.95 of the time where small functions are put into those that call them, for 1.35
# times the compile and 1.3 times the file. The larger interpreters would take a minute more.
_INLINED = f"{PLAIN},inlining=y,cranelift-wasmtime_inlining_sum_size_threshold=800"


def codegen(flavour: Flavour) -> str:
    """Return what wasmtime is told of the code that it makes for an interpreter.

    >>> "inlining" in codegen("core"), "inlining" in codegen("pandas")
    (True, False)
    """
    return _INLINED if flavour == "core" else PLAIN


def flavour_with(natives: Iterable[str]) -> Flavour:
    """Return the smallest interpreter that has the native code of these packages.

    >>> flavour_with([]), flavour_with(["pandas"]), flavour_with(["pandas", "scipy"])
    ('core', 'pandas', 'science')
    """
    wanted = frozenset(natives)
    return next(each for each in FLAVOURS if wanted <= KEEPS[each])


def lacking(flavour: Flavour) -> frozenset[str]:
    """Return the packages whose native code an interpreter has not.

    >>> sorted(lacking("scipy"))
    ['pandas', 'sklearn', 'statsmodels']
    """
    return NATIVES - KEEPS[flavour]


def standing_in(flavour: Flavour) -> tuple[Flavour, ...]:
    """Return the interpreters that can be used for `flavour`, itself first, then the smaller ones.

    Only `core` serves for `core`: the tables of another are read at each start, for nothing.

    >>> standing_in("pandas"), standing_in("core")
    (('pandas', 'matplotlib', 'science'), ('core',))
    """
    if flavour == "core":
        return ("core",)
    return tuple(each for each in FLAVOURS if KEEPS[flavour] <= KEEPS[each])
