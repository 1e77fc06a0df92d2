"""How many states are in this program's memory at once, while they are kept or given to a process.

Each is some megabytes, more than once: as pages, as the bytes of a file, on the way into a pipe. A
program with fifty sessions would have all of theirs at a time, and what reads and compares them is
Python, which does one thing at a time anyway.
"""

from __future__ import annotations

from threading import BoundedSemaphore

from capsule.processors import usable_processors

STATE_SLOTS = BoundedSemaphore(max(2, usable_processors()))
