"""What to do about a module that a task does not find: it may be the user's own, or a package."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from capsule.message_text import nearest, printable

# What Python says of a module that is nowhere, and of one that is not in its package.
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([A-Za-z_]\w*)((?:\.\w+)*)'")
# How a source is named that is no file, to which the caller grants packages.
_OWN_WORDS = ("-c", "-")
_MOST_NAMES = 1_000
_PYTHON = ".py"


def advice(message: str, file: str | None = None) -> str | None:
    """Return what to do about the missing module that `message` tells of, None for other messages.

    `file` is the task's file, as the user named it, or `-c`. What lies beside it, or elsewhere in
    the working folder, is the user's own: no package of its name is proposed, which may be
    anybody's.
    """
    if (match := _NO_MODULE.match(message)) is None:
        return None
    name, below = match[1], match[2]
    if name in sys.stdlib_module_names:
        return f"{name}{below} of the standard library is not in the sandbox: do without"
    if below:
        return f"{name} was found, and has no module {below[1:]}: see how it is written"
    folder = Path(file).parent if file and file != "-" else Path()
    if own := _own_module(name, folder):
        return own
    if file in _OWN_WORDS:
        return f"--package {name}, where that is a package of pure Python"
    return (
        f"where {name} is a package of pure Python, name it in the file:\n"
        f'       # /// script\n       # dependencies = ["{name}"]\n       # ///'
    )


def _own_module(name: str, folder: Path) -> str | None:
    beside = _modules(folder)
    if name in beside:
        return (
            f"{name} lies beside the task's file, and comes along where that file says so: write"
            f" 'import {name}' in it"
        )
    if meant := nearest(name, beside, alike=0.75):
        return f"import {printable(meant)}, which lies beside the task's file"
    for above in _folders_above(folder):
        if name in _modules(above):
            return (
                f"{name} is in {printable(str(above))}, and only what lies beside the task's file"
                " comes along: move one of the two"
            )
    return None


def _folders_above(folder: Path) -> list[Path]:
    """Return the folders above that belong to the same work, up to the working folder."""
    real, working = Path(os.path.realpath(folder)), Path.cwd()
    above = [each for each in real.parents if each.is_relative_to(working)]
    return above if working in (real, *above) else [working]


def _modules(folder: Path) -> list[str]:
    """Return the names that can be imported from a folder."""
    found: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry, _ in zip(entries, range(_MOST_NAMES), strict=False):
                name = entry.name.removesuffix(_PYTHON)
                module = name != entry.name or (entry.is_dir() and _is_package(entry))
                if module and name.isidentifier():
                    found.append(name)
    except OSError:
        return []
    return found


def _is_package(entry: os.DirEntry[str]) -> bool:
    with os.scandir(entry) as inside:
        names = (each.name for each, _ in zip(inside, range(_MOST_NAMES), strict=False))
        return any(name.endswith(_PYTHON) for name in names)
