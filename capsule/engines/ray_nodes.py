"""The nodes of the Ray cluster that this program is in, looked at from a thread of their own.

A question to a head that is gone has no answer but that Ray ends this program, a minute later. So
it is seen first whether the head listens, and who does the work does not wait for its answers.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import ray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.engines.running_clock import RunningClock

# How often it is looked, and how long a connection may take, in seconds.
_LOOK = 1.0
_CONNECT = 2.0
# How long a look that has begun is waited for at the end, in seconds.
_GRACE = 5.0


class RayNodes:
    """Counts the runs that nodes have room for, each of which takes `needs` of one of them."""

    def __init__(self, needs: Mapping[str, float], clock: RunningClock) -> None:
        self._needs, self._clock = needs, clock
        self.head = str(ray.get_runtime_context().gcs_address)
        self.slots = self._count()
        self._seen = clock.now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="capsule-ray-nodes", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<RayNodes of {self.head}: {self.slots} slots>"

    @property
    def silence(self) -> float:
        """For how many seconds the head has not answered, of those in which this program ran."""
        return self._clock.now() - self._seen

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join(_GRACE)

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            with suppress(Exception):
                host, _, port = self.head.rpartition(":")
                socket.create_connection((host.strip("[]"), int(port)), _CONNECT).close()
                self.slots = self._count()
                self._seen = self._clock.now()

    def _count(self) -> int:
        # Of each node by itself: a run is on one of them.
        return sum(
            int(min(node["Resources"].get(name, 0) // need for name, need in self._needs.items()))
            for node in ray.nodes()
            if node["Alive"]
        )
