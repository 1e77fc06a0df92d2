"""The newest CPython on this machine that has its test suite with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NAME = re.compile(r"python3(\.\d+)?")
_ASKED = """
import json, sys, sysconfig
said = [sys.implementation.name, *sys.version_info[:3], sysconfig.get_path("stdlib")]
print(json.dumps(said))
"""
_SECONDS = 60


class TestFolder(NamedTuple):
    """The folder `test` of an interpreter's library, and the version of that interpreter."""

    version: tuple[int, ...]
    folder: Path


def newest(modules: Sequence[str]) -> TestFolder:
    """Return the newest that has all of `modules`.

    Raises `FileNotFoundError` where there is none.
    """
    found = [one for program in _programs(os.environ) if (one := _asked(program))]
    whole = [one for one in found if all(_has(one.folder, name) for name in modules)]
    if not whole:
        raise FileNotFoundError(
            "no CPython on this machine has its test suite: distributions leave it out; one that "
            "was built from source, as pyenv does, has it"
        )
    return max(whole)


def _has(folder: Path, module: str) -> bool:
    return (folder / f"{module}.py").is_file() or (folder / module / "__init__.py").is_file()


def _programs(environ: Mapping[str, str]) -> Iterator[Path]:
    yield Path(sys.executable)
    pyenv = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [*sorted(pyenv.glob("versions/*/bin"))]
    folders += [Path(one) for one in environ.get("PATH", "").split(os.pathsep) if one]
    for folder in folders:
        if folder.is_dir():
            yield from (one for one in sorted(folder.iterdir()) if _NAME.fullmatch(one.name))


def _asked(program: Path) -> TestFolder | None:
    """Return what a program says of itself; None for one that does not answer."""
    try:
        said = subprocess.run(
            [program, "-I", "-c", _ASKED], capture_output=True, check=True, timeout=_SECONDS
        )
        kind, *version, library = json.loads(said.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return TestFolder(tuple(version), Path(library, "test")) if kind == "cpython" else None
