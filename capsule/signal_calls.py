"""What Python's module `signal` is made of, with numbers in place of its enumerations.

To make those takes longer than all that a command does with signals.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

__all__ = ["signal"]
