"""Gathering a bundle: the task file, and what it imports of the modules beside it.

Sources are parsed, never imported. A module that this Python cannot parse travels as it is: the
interpreter inside may be newer, and has the last word.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from capsule.bundle.contents import Bundle, digest_of
from capsule.bundle.folder import Folder
from capsule.bundle.inline_script_metadata import read_metadata
from capsule.bundle.module_name import module_name
from capsule.errors import TooCostlyError, UsageError
from capsule.message_text import nearest, printable
from capsule.policy.source_decoding import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    # What a source imports, given its content and its name for messages; it raises `UsageError`.
    Imports = Callable[[bytes, str], Sequence[str]]

_LISTED = 1_000  # names of a folder to look through for one that was meant


def collect(path: Path, *, root: Path, imports: Imports | None = None, package: str = "") -> Bundle:
    """Return the bundle of a task file, or of a module of a package, which is a dotted name.

    `root` is the project's; messages name files relative to it. Modules are looked for in the
    folder where the task file really is, as Python does it. `imports` says what a source imports;
    None is `imports.imports_of`.

    Raises `UsageError` when the file is missing, is no Python, or when what it imports cannot be
    read, leads out of the folder by a link, or is too large.
    """
    _check_file(path)
    place = Path(os.path.realpath(path))
    # A module of a package is imported from the folder that this lies in.
    above = place.parents[package.count(".") + 1] if package else place.parent
    folder = Folder(above, Path(os.path.realpath(root)))
    content = folder.read(place)
    imports = imports or _parsed
    if package:
        return _of_package(path, package, content, folder, imports)
    files, missing = _follow(imports(content, folder.name(place)), folder, imports)
    entry = _free_name(place, files)
    files[f"{entry}.py"] = content
    shown = "" if place.name == f"{entry}.py" or not place.name.isprintable() else place.name
    return _bundle(folder.name(place), files, entry, missing, shown)


def collect_text(source: bytes, name: str = "stdin", imports: Imports | None = None) -> Bundle:
    """Return the bundle of a source that stands in no file, so has no modules beside it.

    >>> collect_text(b"import json").entry_file
    'stdin.py'
    """
    entry = module_name(name)
    filename = f"<{name}>"
    missing = (imports or _parsed)(source, filename)
    return _bundle(filename, {f"{entry}.py": source}, entry, missing)


def _of_package(
    path: Path, package: str, content: bytes, folder: Folder, imports: Imports
) -> Bundle:
    """Return the bundle of a module whose package travels whole, for what it imports from there."""
    top = package.partition(".")[0]
    files, missing = _follow([top, *imports(content, folder.name(path))], folder, imports)
    entry = f"{package}.{path.stem}"
    name = f"{entry.replace('.', '/')}.py"
    if name not in files:
        raise UsageError(f"{folder.name(path)} is not a module of the package {package}")
    return _bundle(folder.name(path), files, entry, missing)


def _parsed(content: bytes, filename: str) -> Sequence[str]:
    from capsule.bundle.imports import imports_of

    return imports_of(content, filename)


def _follow(
    names: Sequence[str], folder: Folder, imports: Imports
) -> tuple[dict[str, bytes], set[str]]:
    """Return the files that have these names, and that those import; and the names not found."""
    files: dict[str, bytes] = {}
    missing: set[str] = set()
    seen: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        found = folder.find(name)
        if not found:
            missing.add(name)
        for path, place in found.items():
            # Read, and counted, once for each path: links may repeat one file without end.
            files[path] = folder.read(place)
            if path.endswith(".py"):
                pending += _imports_of(files[path], path, imports)
    return files, missing


def _imports_of(content: bytes, path: str, imports: Imports) -> Iterable[str]:
    if b"import" not in content:
        return ()
    try:
        return imports(content, path)
    except TooCostlyError:
        raise
    except UsageError:
        return ()


def _bundle(
    filename: str, files: dict[str, bytes], entry: str, missing: Iterable[str], shown: str = ""
) -> Bundle:
    content = files[f"{entry.replace('.', '/')}.py"]
    metadata = read_metadata(decode(content, filename), filename)
    return Bundle(
        files=files,
        entry=entry,
        imports=frozenset(missing),
        digest=digest_of(files, entry, shown),
        dependencies=metadata.dependencies,
        requires_python=metadata.requires_python,
        shown=shown,
    )


def _free_name(place: Path, files: Mapping[str, bytes]) -> str:
    """Return the name of the entry's module, which may not be that of another one in `files`."""
    name = module_name(place.stem)
    while place.name != f"{name}.py" and f"{name}.py" in files:
        name += "_"
    # A package comes before a module of the same name.
    while any(path.startswith(f"{name}/") for path in files):
        name += "_"
    return name


def _check_file(path: Path) -> None:
    name = printable(str(path))
    if path.suffix == ".wasm":
        raise UsageError(f"{name} is an artifact, not a source", hint=f"capsule exec {name}")
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{name} does not exist", hint=meant_file(path)) from None
    except (OSError, ValueError) as wrong:
        raise UsageError(f"{name} cannot be read: {printable(str(wrong))}") from None
    if stat.S_ISDIR(mode):
        raise UsageError(f"{name} is a folder; a task is a file in it")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{name} is not a regular file", hint="- to read the source from stdin")


def meant_file(path: Path) -> str | None:
    """Return the path of a source beside one that is not there, if it was probably meant."""
    try:
        with os.scandir(path.parent) as found:
            names = [entry.name for _, entry in zip(range(_LISTED), found, strict=False)]
    except OSError:
        return None
    meant = nearest(path.name, [name for name in names if name.endswith(".py")])
    return meant and printable(str(path.with_name(meant)))
