"""Ctrl-C, Ctrl-Break and the closing of a console on Windows, each told as the signal that it is.

Python's own handlers run in the main thread, which on Windows sleeps on while it waits for another.
The system calls those of the console in a thread of their own, which is what is wanted here.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager

from capsule.signal_calls import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# CTRL_C_EVENT, CTRL_BREAK_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT.
_INTERRUPT, _ENDS = 0, frozenset((1, 2, 5, 6))

if sys.platform == "win32":
    import ctypes

    _HANDLER = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)

    @contextmanager
    def told_in_a_thread(tell: Callable[[int], None]) -> Iterator[None]:
        """Call `tell` for each event inside the block; where there is no console, none comes."""
        ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN

        def handle(event: int) -> int:
            if event == _INTERRUPT and not ignored:
                tell(signal.SIGINT)
            elif event in _ENDS:
                tell(signal.SIGTERM)
            else:
                return 0
            return 1

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        # Kept as long as the system may call it.
        handler = _HANDLER(handle)
        kernel.SetConsoleCtrlHandler(handler, 1)
        try:
            yield
        finally:
            kernel.SetConsoleCtrlHandler(handler, 0)
