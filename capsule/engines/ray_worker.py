"""What a Ray worker is asked to do: it is called there by name, and given bytes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import ray

from capsule.engines import node, ray_claims
from capsule.errors import CapsuleError, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

# How often the thread that Ray interrupts looks whether it was, in seconds.
_INTERVAL = 0.2


def run_chunk(
    settings: bytes, chunk: bytes, artifact: list[ray.ObjectRef[bytes]], claim: str | None
) -> bytes:
    """Run a chunk, and return its answer; the artifact is fetched only where it is missing.

    `claim` names what a worker that begins the chunk takes, None where more than one may begin it.
    Ray gives each slot a process of its own. It interrupts the main thread of one whose work was
    cancelled, so another does the work, which is then told to end.
    """
    if node.lacks_artifact(settings):
        content: bytes = ray.get(artifact[0])
        try:
            node.keep_artifact(settings, content)
        except CapsuleError as error:
            raise EngineError(error.message) from None
    answers: list[bytes] = []
    trouble: list[BaseException] = []
    over, stopped = threading.Event(), threading.Event()
    context = ray.get_runtime_context()

    def work() -> None:
        try:
            wanted = _until(stopped)
            begin = _claim(claim)
            answers.append(node.run_chunk(settings, chunk, share=1, wanted=wanted, begin=begin))
        except BaseException as error:  # noqa: BLE001 - raised in the thread that Ray looks at
            trouble.append(error)
        finally:
            over.set()

    thread = threading.Thread(target=work, name="capsule-chunk")
    try:
        # The interruption may come in here too, when the other thread is at work already.
        thread.start()
        while not over.wait(_INTERVAL):
            if context.is_canceled():
                stopped.set()
    finally:
        stopped.set()
        # One that has not begun by now is told to end as its first thing.
        if thread.is_alive():
            thread.join()
    if trouble:
        raise trouble[0]
    return answers[0]


def _claim(name: str | None) -> Callable[[], bool]:
    return lambda: name is None or ray_claims.take(name)


def _until(stopped: threading.Event) -> Callable[[], bool]:
    return lambda: not stopped.is_set()
