"""The one thread that talks to a cluster, for a batch that waits for nothing."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from capsule.engines.engine import Arrival
from capsule.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.engines.engine import Tell

# How often it is looked whether the cluster is there, in seconds.
_LOOK = 1.0


class ClusterThread:
    """Does what is put in, in that order, and calls `look` each second; `let_go` at its end.

    Where one of these raises `EngineError`, that is told of, and what `gone` makes of anything
    else; then it ends.
    """

    def __init__(
        self,
        tell: Tell,
        *,
        look: Callable[[], None],
        let_go: Callable[[], None],
        gone: Callable[[Exception], EngineError],
    ) -> None:
        self._tell, self._look, self._let_go, self._gone = tell, look, let_go, gone
        self._todo: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="capsule-cluster", daemon=True)

    def start(self) -> None:
        """Begin with what is put in."""
        self._thread.start()

    def put(self, todo: Callable[[], None]) -> None:
        """Have something done in this thread."""
        self._todo.put(todo)

    def close(self) -> None:
        """Do nothing more, let go of the cluster, and wait for that."""
        self._closing = True
        self._todo.put(None)
        self._thread.join()

    def _work(self) -> None:
        look_at = time.monotonic() + _LOOK
        try:
            while not self._closing:
                with suppress(Empty):
                    todo = self._todo.get(timeout=max(0.0, look_at - time.monotonic()))
                    if todo is None:
                        break
                    todo()
                if time.monotonic() >= look_at:
                    self._look()
                    look_at = time.monotonic() + _LOOK
        except EngineError as error:
            self._tell(Arrival(-1, trouble=error))
        except Exception as error:  # noqa: BLE001 - told of where the results are taken
            self._tell(Arrival(-1, trouble=self._gone(error)))
        finally:
            self._let_go()
