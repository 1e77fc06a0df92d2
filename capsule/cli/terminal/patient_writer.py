"""Writing where nobody can say whether a write would wait: in a thread, which may be left in it.

Windows does not tell of a pipe whether it takes more.
"""

from __future__ import annotations

import time
from threading import Condition, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.process.cancel import Cancellation


class PatientWriter:
    """Does one write after another, from any thread, and waits for each no longer than is asked.

    >>> from capsule.process.cancel import Cancellation
    >>> with Cancellation() as never:
    ...     PatientWriter().do(lambda: print("said"), None, never)
    said
    True
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._busy = False

    def __repr__(self) -> str:
        return f"<PatientWriter {'in a write' if self._busy else 'at rest'}>"

    @property
    def is_stuck(self) -> bool:
        """Whether it is in a write still, which may never end."""
        return self._busy

    def do(
        self, write: Callable[[], object], deadline: float | None, cancellation: Cancellation
    ) -> bool:
        """Have `write` called, and say whether it is done; it is left alone at `deadline`.

        That is in the seconds of `time.monotonic`. Nothing is begun while an earlier write waits,
        and nothing waited for any longer when the run is cancelled.
        """
        cancellation.attach(self._wake)
        try:
            with self._changed:
                if not self._at_rest(deadline, cancellation):
                    return False
                # Whoever ends the program does not wait for it.
                Thread(target=self._once, args=(write,), daemon=True).start()
                self._busy = True
                return self._at_rest(deadline, cancellation)
        finally:
            cancellation.detach(self._wake)

    def _at_rest(self, deadline: float | None, cancellation: Cancellation) -> bool:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        self._changed.wait_for(lambda: not self._busy or cancellation.cancelled, left)
        return not self._busy

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _once(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, ValueError):
            # Whoever reads is gone, or the stream is closed: nothing more is wanted.
            pass
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()


# That of this program's stderr.
STDERR = PatientWriter()
