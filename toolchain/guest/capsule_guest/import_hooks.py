"""Adapting modules to the sandbox when they are imported; until then they are not loaded."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Run = Callable[[ModuleType], None]


class AdaptingFinder:
    """Finds one module as usual; `run` runs it, given the module and what would have run it."""

    def __init__(self, name: str, run: Callable[[ModuleType, Run], None]) -> None:
        self.name = name
        self.run = run

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname != self.name:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _Loader(spec.loader, self.run)  # type: ignore[assignment]
        return spec


class _Loader:
    """Another loader, but for how a module runs; what else that one can do, this one can."""

    def __init__(self, loader, run) -> None:  # type: ignore[no-untyped-def]
        self._loader = loader
        self._run = run

    def exec_module(self, module: ModuleType) -> None:
        self._run(module, self._loader.exec_module)
        # Who looks for the files of a package asks for the loader's own kind.
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)


def adapt(name: str, run: Callable[[ModuleType, Run], None]) -> None:
    """Let `run` run the module `name` when it is imported."""
    sys.meta_path.insert(0, AdaptingFinder(name, run))
