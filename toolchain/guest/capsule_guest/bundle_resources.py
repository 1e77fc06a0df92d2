"""Files that lie in the task's own packages, for `importlib.resources`."""

from __future__ import annotations

import io
from importlib.resources import simple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class BundleReader(simple.TraversableReader):
    """Reads what lies in one folder of a bundle; `files` are keyed by their path in it."""

    def __init__(self, files: Mapping[str, bytes], folder: str) -> None:
        self._files = files
        self._folder = folder

    @property
    def package(self) -> str:
        return self._folder.replace("/", ".")

    @property
    def name(self) -> str:
        return self._folder.rpartition("/")[2]

    def children(self) -> list[simple.SimpleReader]:
        names = {rest.partition("/")[0] for rest in self._below() if "/" in rest}
        return [BundleReader(self._files, f"{self._folder}/{name}") for name in sorted(names)]

    def resources(self) -> list[str]:
        return sorted(rest for rest in self._below() if "/" not in rest)

    def open_binary(self, resource: str) -> io.BytesIO:
        return io.BytesIO(self._files[f"{self._folder}/{resource}"])

    def _below(self) -> list[str]:
        start = f"{self._folder}/"
        return [path.removeprefix(start) for path in self._files if path.startswith(start)]
