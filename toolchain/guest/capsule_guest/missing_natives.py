"""The scientific packages, whose native parts the core interpreter does not have.

Their native parts are the built-in modules with a dot in the name. In the core interpreter that
code is taken out, and calling it would end the sandbox; so the import is a clear error instead.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder

_NATIVE = frozenset(name for name in sys.builtin_module_names if "." in name)
_PACKAGES = frozenset(name.partition(".")[0] for name in _NATIVE)


class Refusal:
    """A finder that finds nothing, and refuses some names."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname in self.names:
            package = fullname.partition(".")[0]
            raise ImportError(
                f"{package} needs the science interpreter, and this task runs on core: "
                f"write 'import {package}' at the top of the task's file"
            )


def refuse() -> None:
    """Refuse the native parts always, and the packages unless the task brings its own."""
    sys.meta_path.insert(0, Refusal(_NATIVE))
    sys.meta_path.insert(sys.meta_path.index(PathFinder), Refusal(_PACKAGES))
