"""Finding the modules that have a stand-in here, with what the interpreter has of them below it."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    Fill = Callable[[ModuleType], None]


class ModuleFinder:
    """Finds the modules in `parts`: what completes each, and whether there is one to begin with."""

    def __init__(self, parts: Mapping[str, tuple[Fill, bool]]) -> None:
        self.parts = parts

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname not in self.parts:
            return None
        fill, has_below = self.parts[fullname]
        if not has_below:
            return ModuleSpec(fullname, _Loader(fill, None))  # type: ignore[arg-type]
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(fullname, path, target)):
                spec.loader = _Loader(fill, spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """Loads a module as the interpreter has it, or an empty one, and completes it."""

    def __init__(self, fill: Fill, below) -> None:  # type: ignore[no-untyped-def]
        self._fill = fill
        self._below = below

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        return self._below.create_module(spec) if self._below else None

    def exec_module(self, module: ModuleType) -> None:
        if self._below:
            self._below.exec_module(module)
        self._fill(module)
