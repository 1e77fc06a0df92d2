"""How much memory a sandbox has that cannot be asked: read from what the kernel has mapped for it.

WebAssembly's memory lies at the beginning of a reservation that is larger than any other mapping:
what the program inside has is readable and writable, the rest is not accessible. It only grows, so
that what it is now is the most that it was. Only Linux tells.
"""

from __future__ import annotations

from capsule.wasm import PAGE

# Bytes of the list, of some 60 lines, and of the rest of a reservation at least.
_LONGEST, _REST = 1 << 20, 4 << 30


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
    """Return what lies ahead of the largest mapping that is not accessible.

    >>> _found(_read("1000-21000 rw-p 0\\n21000-41000 rw-p 0\\n41000-200041000 ---p 0\\n"))
    262144
    """
    size, end = 0, 0
    for begin, after, rights in mapped:
        if rights == "rw-p":
            size = after - begin + (size if begin == end else 0)
        else:
            if rights == "---p" and begin == end and after - begin >= _REST:
                return size if size and size % PAGE == 0 else None
            size = 0
        end = after
    return None
