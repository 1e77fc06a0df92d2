"""How a command was started last, so that its process can be started before all is read again.

It is no grant: whoever starts by it gives the process a request only when all that the run may do
was settled anew, and came to the very same launch.
"""

from __future__ import annotations

from pathlib import Path

from capsule.confine.isolation_layers import IsolationLayers
from capsule.namedtuples import NamedTuple
from capsule.process.argv import Launch, Mount
from capsule.runner import parse_cache
from capsule.toolstore.file_index import signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_MOST = 1 << 63
# The fields of a launch that are files.
_FILES = ("wasmtime", "image", "guard", "host_module", "interpreter", "driver")


class RememberedLaunch(NamedTuple):
    """What a process was started with; `files` has the signatures of what that came from.

    `timeout_ms` is what its bound on processor time was made of.
    """

    launch: Launch
    layers: IsolationLayers
    timeout_ms: int | None
    files: dict[str, list[int]]

    def is_unchanged(self) -> bool:
        """Say whether all that it came from is as it was."""
        try:
            return all(list(signature(path)) == known for path, known in self.files.items())
        except OSError:
            return False


def remembered(
    launch: Launch, layers: IsolationLayers, timeout_ms: int | None, sources: Iterable[Path]
) -> RememberedLaunch:
    """Return what is to be remembered of a launch that came from `sources`. Raises `OSError`."""
    paths = [*sources, launch.wasmtime, *launch.modules]
    files = {str(path): list(signature(path)) for path in paths}
    return RememberedLaunch(launch, layers, timeout_ms, files)


def key(*words: str) -> str:
    """Return what stands for a command, given in words.

    >>> key("run", "a.py") == key("run", "b.py")
    False
    """
    return parse_cache.key("start", *(word.encode(errors="surrogateescape") for word in words))


def recall(home: Path, key: str) -> RememberedLaunch | None:
    """Return what was remembered under `key`, None when there is nothing that is understood."""
    values = parse_cache.recall(home, key)
    if values is None:
        return None
    try:
        return _read(values)
    except (KeyError, TypeError, ValueError):
        return None


def remember(home: Path, key: str, found: RememberedLaunch) -> None:
    """Keep it under `key`; nothing happens where that fails."""
    launch = found.launch._asdict()
    values = {
        "launch": {
            **launch,
            **{name: str(launch[name]) for name in _FILES},
            "mounts": [[str(mount.host), *mount[1:]] for mount in found.launch.mounts],
        },
        "layers": list(found.layers),
        "timeout_ms": found.timeout_ms,
        "files": found.files,
    }
    parse_cache.keep(home, key, values)


def _read(values: dict[str, Any]) -> RememberedLaunch:
    launch, files, timeout_ms = values["launch"], values["files"], values["timeout_ms"]
    paths = {name: Path(_typed(launch[name], str)) for name in _FILES}
    _typed(launch["codegen"], str)
    numbers = [launch["fuel"], launch["budget"], launch["memory"], timeout_ms]
    for number in numbers:
        if number is not None and not 0 <= _typed(number, int) < _MOST:
            raise ValueError(number)
    mounts = tuple(
        Mount(Path(_typed(host, str)), _typed(guest, str), *(_typed(each, bool) for each in rights))
        for host, guest, *rights in launch["mounts"]
    )
    landlock, seccomp = values["layers"]
    if missing := {f"{path}" for path in paths.values()} - set(_typed(files, dict)):
        raise ValueError(missing)
    return RememberedLaunch(
        Launch(**(launch | paths | {"mounts": mounts})),
        IsolationLayers(_typed(landlock, int), _typed(seccomp, bool)),
        timeout_ms,
        files,
    )


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(value)
    return value
