"""Modules of this runtime that few tasks need: kept as packed code, and loaded when imported.

Where a task runs there are no files to load them from, and what is loaded in the snapshot that all
tasks start from makes every start slower.
"""

from __future__ import annotations

import marshal
import sys
import zlib
from importlib.machinery import ModuleSpec
from importlib.util import find_spec


class DeferredFinder:
    """Finds the modules that were packed; `packages` are those that hold others."""

    def __init__(self) -> None:
        self.packed: dict[str, bytes] = {}
        self.packages: set[str] = set()

    def pack(self, name: str) -> None:
        """Keep the code of a module, which is not imported."""
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            raise ImportError(f"there is no {name}")
        if spec.submodule_search_locations is not None:
            self.packages.add(name)
        source = spec.loader.get_source(name)  # type: ignore[attr-defined]
        code = compile(source, spec.origin or name, "exec", dont_inherit=True, optimize=2)
        self.packed[name] = zlib.compress(marshal.dumps(code), 9)

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname not in self.packed:
            return None
        return ModuleSpec(fullname, self, is_package=fullname in self.packages)  # type: ignore[arg-type]

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        return None

    def exec_module(self, module) -> None:  # type: ignore[no-untyped-def]
        code = marshal.loads(zlib.decompress(self.packed[module.__name__]))  # noqa: S302 - our own
        exec(code, module.__dict__)


def defer(*names: str) -> None:
    """Pack these modules, the packages among them first."""
    finder = DeferredFinder()
    for name in names:
        finder.pack(name)
        if name in finder.packages:
            # Found in it are those that follow.
            sys.modules.pop(name, None)
    sys.meta_path.insert(0, finder)
