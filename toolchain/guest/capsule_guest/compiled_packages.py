"""Importing packages from their code, which the host keeps compiled beside their sources."""

from __future__ import annotations

import json
import marshal
import sys
from importlib.machinery import FileFinder, SourceFileLoader, SourcelessFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType


class CompiledPackages:
    """The code of the modules below `folder`; `store` holds all of it, and where each begins."""

    def __init__(self, folder: str, store: str) -> None:
        self._below, self._store = f"{folder}/", store
        self._places: dict[str, tuple[int, int]] | None = None

    def __repr__(self) -> str:
        return f"<CompiledPackages {self._store}>"

    def finder(self, path: str) -> FileFinder:
        """Return what finds modules in a folder; this is a path hook."""
        if not f"{path}/".startswith(self._below):
            raise ImportError("it is no folder of packages", path=path)

        def loader(fullname: str, path: str) -> CompiledLoader:
            return CompiledLoader(fullname, path, self)

        details = (loader, [".py"]), (SourcelessFileLoader, [".pyc"])
        return FileFinder(path, *details)  # type: ignore[arg-type]

    def code(self, path: str) -> CodeType | None:
        """Return the code of a module, None where there is none to be had."""
        try:
            if self._places is None:
                with open(f"{self._store}/index.json", "rb") as file:  # noqa: PTH123
                    self._places = json.load(file)
            at, size = self._places[path.removeprefix(self._below)]
            with open(f"{self._store}/code", "rb", buffering=0) as code:  # noqa: PTH123
                code.seek(at)
                found: CodeType = marshal.loads(code.read(size))  # noqa: S302 - the host wrote it
                return found
        except (OSError, KeyError, ValueError, EOFError, TypeError):
            return None


class CompiledLoader(SourceFileLoader):
    """Loads a module as usual, but for where its code comes from."""

    def __init__(self, fullname: str, path: str, packages: CompiledPackages) -> None:
        super().__init__(fullname, path)
        self._packages = packages

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module; its source is compiled where none is kept."""
        return self._packages.code(self.path) or super().get_code(fullname)


def install(folder: str, store: str) -> None:
    """Take the code of the packages in `folder` out of `store`."""
    sys.path_hooks.insert(0, CompiledPackages(folder, store).finder)  # type: ignore[arg-type]
