"""The code of the modules that commands import, in one file: to find each by itself takes longer.

A command imports some two hundred modules, and Python looks for each in several folders and opens
its file. What a command had to import so, of capsule and of Python's own library, is written into
an entry of the cache, and later commands find it there: as in Python's `__pycache__`, and only
while the source has the size and the time of change that it had then.
"""

from __future__ import annotations

import _imp
import _thread
import marshal
import mmap
import os
import sys

# `importlib.machinery` is two modules more.
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import CodeType, ModuleType
    from typing import Any

    # Source, its time of change and its size, whether it is a package; then of the code where it
    # is behind the table, its size and its hash.
    Module = tuple[str, int, int, bool, int, int, bytes]

STORE, CONTENT = "code", "modules"
_FORMAT = b"1"
_DIGEST, _LENGTH = 8, 4
_MOST = 16 << 20
# All are written again when so many were not found: each new option of a command imports some.
_FEW = 8
# What Python's library tries to import on all systems: to look for it takes 0.05 ms each time.
_OF_WINDOWS = frozenset(("nt", "_winapi", "_overlapped", "msvcrt")) if os.name != "nt" else ()
_PACKAGE = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
_LIBRARY = os.path.dirname(os.__file__)  # noqa: PTH120
_Spec, _Module = type(__spec__), type(sys)
_LATE = _thread.RLock()
_NONE: Mapping[str, Collection[str]] = {}


class CodeCache:
    """Finds modules in what was kept below the state folder `root`.

    In `sys.meta_path` it comes first: a folder that a command is called in has no part in what
    Python's own library is.
    """

    def __init__(self, root: str) -> None:
        self._root, self._key = root, _key()
        self._modules: dict[str, Module] = {}
        # All the code, one behind the other.
        self._codes = memoryview(b"")
        # What comes before this can never be found here.
        self._before = frozenset(sys.modules)
        path = f"{root}/cache/{STORE}/{self._key}/{CONTENT}"
        try:
            with open(path, "rb", 0) as file:  # noqa: PTH123
                # Two megabytes, of which a command takes one. The file is never written to again.
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._modules, self._codes = _table(content)
        except (OSError, ValueError, EOFError, TypeError):
            return

    def __repr__(self) -> str:
        return f"<CodeCache of {len(self._modules)} modules>"

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module that was kept is loaded, None for any other."""
        if name in _OF_WINDOWS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        found = self._modules.get(name)
        if found is None or _state(found[0]) != found[1:3]:
            return None
        code = self._code(found)
        return None if code is None else _spec(name, found, code)

    def load(self, wanted: Collection[str], late: Mapping[str, Collection[str]] = _NONE) -> None:
        """Import those of the modules `wanted` that were kept, without looking for each.

        That takes a third of the time. They are taken in the order in which they were complete when
        they were kept, so that each finds what it imports; of a package that imports modules of its
        own, as they come before it, all is left to `import`. The code of those in `late` runs when
        something of them is asked for, but for the functions that stand beside them: these are
        handed out, and it runs when one is called.
        """
        modules = sys.modules
        for name, found in self._modules.items():
            package, _, own = name.rpartition(".")
            if name not in wanted or name in modules or (package and package not in modules):
                continue
            code = self._code(found) if _state(found[0]) == found[1:3] else None
            if code is None:
                continue
            spec = _spec(name, found, code)
            made = modules[name] = _module(spec)
            if name in late:
                spec.loader_state, made.__class__ = late[name], _LateModule
            else:
                try:
                    exec(marshal.loads(code), made.__dict__)  # noqa: S102, S302 - as a loader does
                finally:
                    del modules[name]
                # Behind what it imported, as `import` does it: so the order stays that of before.
                modules[name] = made
            if package:
                setattr(modules[package], own, made)

    def _code(self, module: Module) -> memoryview | None:
        """Return the code of a module, None where it is not what was written."""
        *_, at, size, digest = module
        code = self._codes[at : at + size]
        return code if _imp.source_hash(0, code) == digest else None

    def close(self) -> None:
        """Find nothing any more."""
        self._modules, self._codes = {}, memoryview(b"")

    def keep(self) -> None:
        """Write the code of what this program has imported, if much of it was not found here.

        Nothing happens where that fails, or another program does it now.
        """
        if sys.dont_write_bytecode:
            return
        loaders: dict[str, SourceFileLoader] = {}
        missing = 0
        for name, module in list(sys.modules.items()):
            spec = getattr(module, "__spec__", None)
            if spec is None or spec.name != name or name in self._before:
                continue
            if type(spec.loader) is _KeptLoader:
                loaders[name] = spec.loader
            elif type(spec.loader) is SourceFileLoader and _is_known(spec.loader.path):
                loaders[name] = spec.loader
                missing += 1
        if missing >= _FEW:
            _write(self._root, self._key, self._all(loaders))

    def _all(self, loaders: Mapping[str, SourceFileLoader]) -> bytes:
        table: dict[str, Module] = {}
        codes: list[bytes | memoryview] = []
        size = 0

        def add(name: str, source: str, *, is_package: bool, code: bytes | memoryview) -> None:
            nonlocal size
            state = _state(source)
            if state is None or size + len(code) > _MOST:
                return
            digest = _imp.source_hash(0, code)
            table[name] = (source, *state, is_package, size, len(code), digest)
            codes.append(code)
            size += len(code)

        def add_kept(*, before: bool) -> None:
            for name, module in self._modules.items():
                if name in table or (name in self._before) != before:
                    continue
                kept = self._code(module) if _state(module[0]) == module[1:3] else None
                if kept is not None:
                    add(name, module[0], is_package=module[3], code=kept)

        # What this program had before it looked here, others may not have: all else may import it.
        add_kept(before=True)
        for name, loader in loaders.items():
            code = marshal.dumps(loader.get_code(name))
            add(name, loader.path, is_package=loader.is_package(name), code=code)
        add_kept(before=False)
        head = marshal.dumps(table)
        length = len(head).to_bytes(_LENGTH, "little")
        return b"".join((_imp.source_hash(0, length + head), length, head, *codes))


class _KeptLoader(SourceFileLoader):
    """Loads a module as it would be from its file, but for where its code comes from."""

    def __init__(self, name: str, path: str, code: memoryview) -> None:
        super().__init__(name, path)
        self._kept = code

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module."""
        if fullname != self.name:
            return super().get_code(fullname)
        # Only this user could write it, as Python's own cache.
        found: CodeType = marshal.loads(self._kept)  # noqa: S302
        return found


class _LateModule(type(sys)):  # type: ignore[misc]
    """A module whose code runs when something of it is first asked for, as a plain one then."""

    def __getattr__(self, name: str) -> Any:
        # `import` asks for `__path__`.
        if not name.startswith("__"):
            if name in (self.__spec__.loader_state or ()):
                return _of_late(self, name)
            _run(self)
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None


def _of_late(module: ModuleType, name: str) -> Callable[..., Any]:
    """Return what calls a function of a module that is not loaded yet."""

    def call(*args: Any, **named: Any) -> Any:
        _run(module)
        return module.__dict__[name](*args, **named)

    return call


def _run(module: ModuleType) -> None:
    """Run the code of a late module, once."""
    with _LATE:
        spec = module.__spec__
        if spec is not None and spec.loader is not None and spec.loader_state is not None:
            spec.loader_state = None
            spec.loader.exec_module(module)
            module.__class__ = _Module


def install(root: str | None) -> CodeCache | None:
    """Have modules found in what was kept below the state folder `root`.

    None where there is none, or where others could have written to it.
    """
    if root is None:
        return None
    from capsule import state_folder

    if not state_folder.is_trusted(root):
        return None
    cache = CodeCache(root)
    sys.meta_path.insert(0, cache)
    return cache


def _spec(name: str, found: Module, code: memoryview) -> ModuleSpec:
    source, is_package = found[0], found[3]
    spec = _Spec(name, _KeptLoader(name, source, code), origin=source, is_package=is_package)
    if is_package:
        spec.submodule_search_locations = [os.path.dirname(source)]  # noqa: PTH120
    spec.has_location = True
    return spec


def _module(spec: ModuleSpec) -> ModuleType:
    """Return an empty module with what `import` says about one."""
    made = _Module(spec.name)
    made.__spec__, made.__loader__, made.__file__ = spec, spec.loader, spec.origin
    made.__package__ = spec.parent
    if (inside := spec.submodule_search_locations) is not None:
        made.__path__ = inside
    return made


def _key() -> str:
    """Return what stands for this Python and this capsule; names below the cache look so."""
    about = (__file__, os.__file__, sys.version, f"{sys.flags.optimize}")
    text = b"\0".join([_FORMAT, MAGIC_NUMBER, *map(os.fsencode, about)])
    return "".join(_imp.source_hash(turn, text).hex() for turn in (0, 1))


def _state(source: str) -> tuple[int, int] | None:
    try:
        status = os.stat(source)  # noqa: PTH116
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _is_known(source: str) -> bool:
    """Say whether a module is capsule's own, or of Python's library."""
    if source.startswith(f"{_PACKAGE}{os.sep}"):
        return True
    # Other packages lie below the library's folder.
    return source.startswith(f"{_LIBRARY}{os.sep}") and "-packages" not in source


def _table(content: mmap.mmap) -> tuple[dict[str, Module], memoryview]:
    """Return the table of a file, and the code behind it. Raises `ValueError` for a damaged one."""
    whole = memoryview(content)
    begin = _DIGEST + _LENGTH
    end = begin + int.from_bytes(whole[_DIGEST:begin], "little")
    if end > len(whole) or whole[:_DIGEST] != _imp.source_hash(0, whole[_DIGEST:end]):
        raise ValueError(end)
    found: dict[str, Module] = marshal.loads(whole[begin:end])  # noqa: S302 - as above
    return found, whole[end:]


def _write(root: str, key: str, content: bytes) -> None:
    from pathlib import Path

    from capsule.errors import CapsuleError
    from capsule.snapshot import cache, eviction

    def make(folder: Path) -> cache.Facts:
        eviction.prune_at_times(folder.parent)
        (folder / CONTENT).write_bytes(content)
        return {}

    try:
        cache.renew_if_free(Path(root, "cache", STORE), key, make)
    except (CapsuleError, OSError):
        return
