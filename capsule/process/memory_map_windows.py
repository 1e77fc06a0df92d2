"""What Windows has mapped for a process, as `memory_size` reads it.

Constants are those of the Windows headers `winnt.h` and `memoryapi.h`.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

_QUERY = 0x0400  # PROCESS_QUERY_INFORMATION
_COMMITTED, _RESERVED = 0x1000, 0x2000
_READ_WRITE = 0x04
# wasmtime and a sandbox have some hundred.
_MOST = 100_000


class _Region(ctypes.Structure):
    _fields_ = (
        ("begin", ctypes.c_size_t),
        ("allocation", ctypes.c_size_t),
        ("first_rights", wintypes.DWORD),
        ("partition", wintypes.WORD),
        ("size", ctypes.c_size_t),
        ("state", wintypes.DWORD),
        ("rights", wintypes.DWORD),
        ("kind", wintypes.DWORD),
    )


if sys.platform == "win32":

    def mappings(pid: int) -> list[tuple[int, int, str]]:
        """Return it as Linux lists it: from where, to where, with which rights.

        What is only reserved is not accessible. Raises `OSError` where Windows does not tell.
        """
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        query, close = kernel.VirtualQueryEx, kernel.CloseHandle
        query.restype = ctypes.c_size_t
        query.argtypes = (wintypes.HANDLE, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        close.argtypes = (wintypes.HANDLE,)
        process = kernel.OpenProcess(_QUERY, False, pid)
        if not process:
            raise ctypes.WinError(ctypes.get_last_error())
        found: list[tuple[int, int, str]] = []
        try:
            region, at = _Region(), 0
            while len(found) < _MOST:
                if not query(process, at, ctypes.byref(region), ctypes.sizeof(region)):
                    return found
                at = region.begin + region.size
                if region.state == _RESERVED:
                    found.append((region.begin, at, "---p"))
                elif region.state == _COMMITTED:
                    is_plain = region.rights == _READ_WRITE
                    found.append((region.begin, at, "rw-p" if is_plain else "r--p"))
        finally:
            close(process)
        return found
