"""The first run of a file on a machine with the small interpreter: it compiles another."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.bench.commands import Commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.bench.sides import Side

# Files that a later run may write again; the others are only read.
_SMALL = 1 << 20


class _Prepared(NamedTuple):
    """What a home has when its toolchain was just prepared, with the content of small files."""

    home: Path
    files: dict[Path, bytes | None]


@contextmanager
def first_run(side: Side, source: str) -> Iterator[Callable[[], object]]:
    """Give what runs a file for the first time, again and again, with a home that is gone after."""
    with tempfile.TemporaryDirectory() as folder:
        commands = Commands(Path(folder), Path(folder, "home"), None, side.program)
        commands.task.write_text(source)
        commands.plain("toolchain", "install")
        prepared = _Prepared(commands.home, _files(commands.home))

        def once() -> None:
            _restore(prepared)
            commands.capsule("run", "--json", "--quiet", "hello.py")

        yield once


def _files(home: Path) -> dict[Path, bytes | None]:
    return {
        path: path.read_bytes() if path.stat().st_size < _SMALL else None
        for path in home.rglob("*")
        if path.is_file()
    }


def _restore(prepared: _Prepared) -> None:
    shutil.rmtree(prepared.home / "cache", ignore_errors=True)
    for path in [path for path in prepared.home.rglob("*") if path.is_file()]:
        content = prepared.files.get(path)
        if path not in prepared.files:
            path.unlink()
        elif content is not None and path.read_bytes() != content:
            path.chmod(0o600)
            path.write_bytes(content)
    # What was written is on the disk before the time begins.
    os.sync()
