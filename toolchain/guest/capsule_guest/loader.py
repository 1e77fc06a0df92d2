"""Importing the bundle's modules from memory: the files that came with the request.

Nothing of the bundle lies on a file system that the sandbox could write to.
"""

from __future__ import annotations

import sys
from importlib.machinery import BuiltinImporter, ModuleSpec
from importlib.util import decode_source

ROOT = "/task/"


class BundleFinder:
    """Finds and loads modules of one bundle; files are keyed by their path in it."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.folders = {path[: i + 1] for path in files for i, c in enumerate(path) if c == "/"}

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        base = fullname.replace(".", "/")
        for name, package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if name in self.files:
                spec = ModuleSpec(  # a finder that is its own loader, by protocol alone
                    fullname,
                    self,  # type: ignore[arg-type]
                    origin=ROOT + name,
                    is_package=package,
                )
                spec.has_location = True
                if package:
                    spec.submodule_search_locations = [ROOT + base]
                return spec
        if f"{base}/" in self.folders:
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [ROOT + base]
            return spec
        return None

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        return None

    def exec_module(self, module) -> None:  # type: ignore[no-untyped-def]
        origin = module.__spec__.origin
        source = self.files[origin.removeprefix(ROOT)]
        exec(compile(source, origin, "exec", dont_inherit=True), module.__dict__)

    def get_source(self, fullname: str) -> str | None:
        spec = self.find_spec(fullname)
        if spec is None or spec.origin is None:
            return None
        return decode_source(self.files[spec.origin.removeprefix(ROOT)])

    def get_data(self, path: str) -> bytes:
        try:
            return self.files[path.removeprefix(ROOT)]
        except KeyError:
            raise FileNotFoundError(path) from None


def install(files: dict[str, bytes]) -> None:
    """Put the bundle's modules behind the built-in ones and ahead of all others."""
    places = [at for at, finder in enumerate(sys.meta_path) if finder is BuiltinImporter]
    sys.meta_path.insert(places[0] + 1 if places else 0, BundleFinder(files))


def installed() -> dict[str, bytes]:
    """Return the files of the bundle."""
    return next(found.files for found in sys.meta_path if isinstance(found, BundleFinder))


def add_packages(folder: str) -> None:
    """Look for packages in `folder` too, behind the standard library."""
    if folder not in sys.path:
        sys.path.append(folder)
