"""The thread that talks to a cluster: what it does, in which order, and how it ends."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from capsule.engines.cluster_thread import ClusterThread
from capsule.errors import EngineError

if TYPE_CHECKING:
    from capsule.engines.engine import Arrival

SECONDS = 30


class Cluster:
    """What the thread is for: `trouble` is raised by the second look."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.told: SimpleQueue[Arrival] = SimpleQueue()
        self.did: list[str] = []
        self.looked, self.over = threading.Semaphore(0), threading.Event()
        self._trouble = trouble
        self.thread = ClusterThread(
            self.told.put,
            look=self._look,
            let_go=self._let_go,
            gone=lambda error: EngineError(f"lost: {error}"),
        )

    def _look(self) -> None:
        self.looked.release()
        self.did.append("look")
        if self._trouble is not None and self.did.count("look") == 2:
            raise self._trouble

    def _let_go(self) -> None:
        self.did.append("let go")
        self.over.set()


def test_it_does_what_is_put_in_and_looks_and_lets_go() -> None:
    cluster = Cluster()
    cluster.thread.put(lambda: cluster.did.append("first"))
    cluster.thread.put(lambda: cluster.did.append("second"))
    cluster.thread.start()
    assert cluster.looked.acquire(timeout=SECONDS)
    cluster.thread.close()
    assert cluster.did[:3] == ["first", "second", "look"]
    assert cluster.did[-1] == "let go"
    assert cluster.did.count("let go") == 1
    assert cluster.told.empty()


def test_what_is_left_when_it_closes_is_not_begun() -> None:
    cluster, at_work, go_on = Cluster(), threading.Event(), threading.Event()

    def long() -> None:
        at_work.set()
        assert go_on.wait(SECONDS)

    cluster.thread.put(long)
    cluster.thread.put(lambda: cluster.did.append("too late"))
    cluster.thread.start()
    assert at_work.wait(SECONDS)
    closing = threading.Thread(target=cluster.thread.close)
    closing.start()
    while not cluster.thread._closing:
        closing.join(0.01)
    go_on.set()
    closing.join(SECONDS)
    assert "too late" not in cluster.did
    assert cluster.did[-1] == "let go"


@pytest.mark.parametrize(
    ("trouble", "said"), [(EngineError("no workers"), "no workers"), (OSError("x"), "lost: x")]
)
def test_what_is_raised_is_told_of_and_ends_it(trouble: Exception, said: str) -> None:
    cluster = Cluster(trouble)
    cluster.thread.start()
    arrival = cluster.told.get(timeout=SECONDS)
    assert str(arrival.trouble) == said
    assert cluster.over.wait(SECONDS)
    cluster.thread.close()
    assert cluster.did == ["look", "look", "let go"]
