"""How much memory a sandbox has that cannot be asked: read from what the kernel has mapped for it.

WebAssembly's memory lies at the beginning of a reservation that is larger than any other mapping,
and behind a guard that is larger than that of a stack: what the program inside has is readable and
writable, the rest is not accessible. It only grows, so that what it is now is the most that it was.
Linux and Windows tell.
"""

from __future__ import annotations

import sys

from capsule.wasm import PAGE

# Bytes of the list, of some 60 lines; of the guard ahead of a memory, and of the rest of its
# reservation, at least: wasmtime has 32 MB, and 4 GB less what is in use. Arenas of malloc have 64.
_LONGEST, _GUARD, _REST = 1 << 20, 1 << 20, 128 << 20


def memory_size(pid: int) -> int | None:
    """Return the bytes of WebAssembly's memory in a sandbox that runs, None where nobody can tell.

    >>> memory_size(0) is None
    True
    """
    try:
        return _found(mappings(pid))
    except (OSError, ValueError):
        return None


def mappings(pid: int) -> list[tuple[int, int, str]]:
    """Return what the kernel has mapped for a process: from where, to where, with which rights.

    Raises `OSError` where it does not tell, `ValueError` for what is no such list.
    """
    if sys.platform == "win32":
        from capsule.process import memory_map_windows

        return memory_map_windows.mappings(pid)
    with open(f"/proc/{pid}/maps", "rb") as file:  # noqa: PTH123 - pathlib is for more than this
        return _read(file.read(_LONGEST).decode("ascii", "replace"))


def _read(text: str) -> list[tuple[int, int, str]]:
    found = []
    for line in text.splitlines():
        place, _, rest = line.partition(" ")
        first, _, last = place.partition("-")
        found.append((int(first, 16), int(last, 16), rest[:4]))
    return found


def _found(mapped: list[tuple[int, int, str]]) -> int | None:
    """Return what lies between such a guard and such a rest.

    >>> guard, rest = "1000-201000 ---p 0\\n", "241000-200041000 ---p 0\\n"
    >>> _found(_read(guard + "201000-221000 rw-p 0\\n221000-241000 rw-p 0\\n" + rest))
    262144
    """
    size, end = None, 0
    for begin, after, rights in mapped:
        adjacent = begin == end
        if rights == "rw-p":
            size = size + after - begin if adjacent and size is not None else None
        elif rights == "---p":
            if adjacent and size and after - begin >= _REST:
                return size if size % PAGE == 0 else None
            size = 0 if after - begin >= _GUARD else None
        else:
            size = None
        end = after
    return None
