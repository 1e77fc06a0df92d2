"""Importing the bundle's modules from memory: the files that came with the request.

Nothing of the bundle lies on a file system that the sandbox could write to.
"""

from __future__ import annotations

import sys
from importlib.machinery import BuiltinImporter, ModuleSpec
from importlib.util import decode_source

from capsule_guest import bundle_resources, compiled_packages

ROOT = "/task/"

_ran: list = []


class BundleFinder:
    """Finds and loads modules of one bundle; files are keyed by their path in it.

    `entry` is the module of the task's file, and `shown` what that file is called, where the module
    cannot be called so: nothing else is found by that name because of it.
    """

    def __init__(self, files: dict[str, bytes], entry: str | None, shown: str | None) -> None:
        self.files = files
        self.renamed = {f"{entry}.py": shown} if shown else {}
        self.hidden = None
        if shown and shown not in files:
            files[shown], self.hidden = files[f"{entry}.py"], shown
        self.folders = {path[: i + 1] for path in files for i, c in enumerate(path) if c == "/"}

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        base = fullname.replace(".", "/")
        for name, package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if name in self.files and name != self.hidden:
                spec = ModuleSpec(  # a finder that is its own loader, by protocol alone
                    fullname,
                    self,  # type: ignore[arg-type]
                    origin=ROOT + self.renamed.get(name, name),
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
        name = origin.removeprefix(ROOT)
        source = self.files[name]
        # Where it would lie outside: in the working folder, beside what the task may see of it.
        module.__file__ = f"/{name}"
        ran(module)
        exec(compile(source, origin, "exec", dont_inherit=True), module.__dict__)

    def get_source(self, fullname: str) -> str | None:
        spec = self.find_spec(fullname)
        if spec is None or spec.origin is None:
            return None
        return decode_source(self.files[spec.origin.removeprefix(ROOT)])

    def get_resource_reader(self, fullname: str):  # type: ignore[no-untyped-def]
        return bundle_resources.reader(self.files, fullname.replace(".", "/"))

    def get_data(self, path: str) -> bytes:
        try:
            return self.files[path.removeprefix(ROOT).removeprefix("/")]
        except KeyError:
            raise FileNotFoundError(path) from None


def install(files: dict[str, bytes], entry: str | None, shown: str | None) -> None:
    """Put the bundle's modules behind the built-in ones and ahead of all others."""
    places = [at for at, finder in enumerate(sys.meta_path) if finder is BuiltinImporter]
    sys.meta_path.insert(places[0] + 1 if places else 0, BundleFinder(files, entry, shown))


def installed() -> dict[str, bytes]:
    """Return the files of the bundle."""
    return next(found.files for found in sys.meta_path if isinstance(found, BundleFinder))


def source_of(path: str) -> bytes | None:
    """Return what stands in a file of the bundle, by its absolute path in the working folder."""
    for finder in sys.meta_path:
        if type(finder) is BundleFinder:
            return finder.files.get(path.removeprefix("/"))
    return None


def ran(module) -> None:  # type: ignore[no-untyped-def]
    """Say that a module of the task's begins to run."""
    _ran.append(module)


def task_modules() -> list:
    """Return the modules that came with the request, in the order in which they were run."""
    return list(_ran)


def add_packages(folder: str, compiled: str | None) -> None:
    """Look for packages in `folder` too, behind the standard library.

    `compiled` is the folder with their code, if there is one.
    """
    if folder not in sys.path:
        sys.path.append(folder)
        if compiled is not None:
            compiled_packages.install(folder, compiled)
