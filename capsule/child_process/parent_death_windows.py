"""What ends the sandboxes of a program that is gone, on Windows: a job, which the system closes.

All sandboxes are put into one job of this program. Its only handle is closed with the program,
however that ends, and the system then ends what is in it. The tests hold the layout of its
structure, and what it does under wine.
"""

from __future__ import annotations

import struct
import sys

_EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
_KILL_ON_CLOSE = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
# JOBOBJECT_EXTENDED_LIMIT_INFORMATION: two times, the flags, two sizes, a count, a mask and two
# classes; six counters of input and output; four sizes.
_LAYOUT = "2q L 2N L N 2L 6Q 4N"

_jobs: list[int] = []


def limits() -> bytes:
    """Return the structure that says: end all that is in the job when its last handle is closed.

    >>> len(limits())
    144
    """
    layout = struct.Struct("@" + _LAYOUT.replace("L", "I"))
    return layout.pack(0, 0, _KILL_ON_CLOSE, *([0] * 6), *([0] * 10))


if sys.platform == "win32":
    import ctypes

    def join(process: int) -> None:
        """Put a process, by its handle, into this program's job. Raises `OSError`."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = ctypes.c_void_p
        if not _jobs:
            job, said = kernel.CreateJobObjectW(None, None), limits()
            if not job or not kernel.SetInformationJobObject(
                ctypes.c_void_p(job), _EXTENDED_LIMITS, said, len(said)
            ):
                raise ctypes.WinError(ctypes.get_last_error())
            _jobs.append(job)
        handle = ctypes.c_void_p(process)
        if not kernel.AssignProcessToJobObject(ctypes.c_void_p(_jobs[0]), handle):
            raise ctypes.WinError(ctypes.get_last_error())
