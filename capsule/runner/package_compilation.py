"""Compiling the packages of a task once, by the interpreter that will import them.

It is done in a sandbox: the sources are a stranger's, and their compiler is the sandbox's. None of
their code runs. What comes out is imported in sandboxes alone.

<home>/cache/modules/<key>/code         the code of all modules, one behind the other
<home>/cache/modules/<key>/index.json   where in it that of each begins, and how long it is
"""

from __future__ import annotations

import json
import struct
import time

from capsule.paths import toolchain_data
from capsule.progress import Step
from capsule.runner import attempt as attempts
from capsule.runner.limit_messages import Limits
from capsule.snapshot import cache, request
from capsule.snapshot.task_code import PACKAGES_GUEST, Code, mounts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.packages.dependency_types import Packages
    from capsule.progress import Progress, Tracker
    from capsule.snapshot.base_snapshot import Base

STORE = "modules"
_CODE, _INDEX = "code", "index.json"
_MODULE = "capsule_package_compiler"
_HEADER = struct.Struct("<HI")
# A hundred modules take some two seconds.
_SECONDS, _FUEL, _MEMORY = 30, 10**12, 1 << 30
_MOST_BYTES = 512 << 20
_MOST_OF_ONE = 64 << 20
_USUAL = 4.0


def obtain(
    home: Path, base: Base, packages: Packages, layers: IsolationLayers, progress: Progress
) -> cache.Entry | None:
    """Return the folder with the code of these packages, None where there are none.

    What is not compiled in half a minute is left out: it is compiled where it is imported. That
    time is not the task's, as that of preparing the toolchain is not: it is spent once.

    Raises `ToolchainError` when nothing can be kept.
    """
    if packages.folder is None:
        return None
    source = (toolchain_data() / "guest" / "package_compiler.py").read_bytes()
    files = {f"{_MODULE}.py": source}
    code = Code(files, _MODULE, "", packages.folder, packages.digest)

    def make(folder: Path) -> cache.Facts:
        with (
            progress.step(Step("compiling packages", _USUAL, "seconds")) as tracker,
            (folder / _CODE).open("wb") as file,
        ):
            journal = _Journal(file, tracker)
            _run(base, code, layers, journal)
        (folder / _INDEX).write_text(json.dumps(journal.places), encoding="utf-8")
        return {"modules": len(journal.places)}

    key = cache.key(
        b"packages", base.runtime.interpreter.encode(), packages.digest.encode(), source
    )
    return cache.obtain(home / "cache" / STORE, key, make, progress, ("modules",))


def _run(base: Base, code: Code, layers: IsolationLayers, journal: _Journal) -> None:
    from capsule.process.cancel import Cancellation

    call = request.Call(_MODULE, "main", (PACKAGES_GUEST,), task="main")
    launch = base.launch._replace(
        image=base.generic.image,
        fuel=_FUEL + base.generic.overhead,
        budget=_FUEL,
        memory=_MEMORY,
        mounts=(*base.launch.mounts, *mounts_of(code)),
    )
    limits = Limits(_FUEL, _MEMORY, round(_SECONDS * 1000))
    plan = attempts.Plan(launch, base.first_step, layers, request.call(call, code), limits)
    with Cancellation() as never:
        # However it ends: what is whole of what came is of use.
        attempts.attempt(plan, attempts.Cold(), journal, never)


class _Journal:
    """Writes code as it comes to `file`, up to the bound; `places` says which module is where."""

    def __init__(self, file: BinaryIO, tracker: Tracker) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        self._file, self._tracker = file, tracker
        self._begin = time.monotonic()
        self._rest = bytearray()
        self._at = 0
        self._broken = False

    def stdout(self, data: bytes) -> None:
        """Take a piece of what the compiler writes."""
        self._tracker.update(time.monotonic() - self._begin)
        if self._broken:
            return
        self._rest += data
        for name, code in self._whole():
            if self._at + len(code) <= _MOST_BYTES:
                self.places[name] = self._at, len(code)
                self._file.write(code)
                self._at += len(code)

    def stderr(self, data: bytes) -> None:
        """Ignore it."""

    def _whole(self) -> Iterator[tuple[str, bytes]]:
        """Yield what has come whole, and keep the rest."""
        while len(self._rest) >= _HEADER.size:
            length, size = _HEADER.unpack_from(self._rest)
            end = _HEADER.size + length + size
            if size > _MOST_OF_ONE:
                self._broken = True
                self._rest.clear()
            if len(self._rest) < end:
                break
            name = bytes(self._rest[_HEADER.size : _HEADER.size + length])
            code = bytes(self._rest[_HEADER.size + length : end])
            del self._rest[:end]
            yield name.decode("utf-8", "replace"), code
