"""Files that lie in the task's own packages, for `importlib.resources`."""

from __future__ import annotations

import io
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


def reader(files: Mapping[str, bytes], folder: str) -> Any:
    """Return what reads the files below a folder of a bundle, keyed by their path in it."""
    return _kind()(files, folder)


@cache
def _kind() -> Any:
    # Few tasks ask for it, and it is large.
    from importlib.resources.abc import Traversable, TraversableResources

    class BundlePath(Traversable):
        """A file or a folder."""

        def __init__(self, files: Mapping[str, bytes], path: str) -> None:
            self._files, self._path = files, path

        @property
        def name(self) -> str:
            return self._path.rpartition("/")[2]

        def is_file(self) -> bool:
            return self._path in self._files

        def is_dir(self) -> bool:
            return any(path.startswith(f"{self._path}/") for path in self._files)

        def iterdir(self) -> Iterator[BundlePath]:
            start = f"{self._path}/"
            below = [path.removeprefix(start) for path in self._files if path.startswith(start)]
            for name in sorted({rest.partition("/")[0] for rest in below}):
                yield BundlePath(self._files, start + name)  # type: ignore[abstract]

        def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if not self.is_file():
                raise FileNotFoundError(self._path)
            content = io.BytesIO(self._files[self._path])
            return content if "b" in mode else io.TextIOWrapper(content, *args, **kwargs)

        def __repr__(self) -> str:
            return f"BundlePath({self._path!r})"

    class BundleReader(TraversableResources):
        def __init__(self, files: Mapping[str, bytes], folder: str) -> None:
            self._root = BundlePath(files, folder)  # type: ignore[abstract]

        def files(self) -> BundlePath:
            return self._root

    return BundleReader
