"""What runs in a worker process of a cluster: it opens a task once, and does chunks of its items.

Called from the threads of that process, several at once; all of them share one pool. What goes
back is JSON: the envelopes, or why this node refuses the task.
"""

from __future__ import annotations

import json
import platform
import time
from typing import TYPE_CHECKING, Any

from capsule.engines import node_tasks
from capsule.engines.chunk_answer import done_answer, item_text
from capsule.engines.chunk_watch import watched
from capsule.engines.item_codec import decode_item
from capsule.envelope import refusal, refusal_of
from capsule.errors import CapsuleError
from capsule.pool.run_queue import QueuedRun
from capsule.runner import prepare
from capsule.runner.observer import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.engines.node_tasks import NodeTask
    from capsule.envelope import Envelope
    from capsule.process.cancel import Cancellation

# Bytes of envelopes after which a chunk is answered, whatever is left of it.
_MOST_BYTES = 8 << 20


def lacks_artifact(settings: bytes) -> bool:
    """Say whether this node has to be sent the artifact of a job before it can run a chunk.

    What is wrong with a job is told by `run_chunk`.
    """
    try:
        return node_tasks.lacks_artifact(settings)
    except CapsuleError:
        return False


def keep_artifact(settings: bytes, artifact: bytes) -> None:
    """Keep the artifact of a job. Raises `CapsuleError` where that cannot be done."""
    node_tasks.keep_artifact(settings, artifact)


def run_chunk(
    settings: bytes,
    chunk: bytes,
    *,
    share: int,
    wanted: Callable[[], bool],
    begin: Callable[[], bool] = lambda: True,
) -> bytes:
    """Run the items of a chunk one after the other, and return what came of them.

    `share` is how many runs may go on at once in this process. While `wanted` says no more, nothing
    more is begun, and what runs is ended. `begin` is asked once before anything has run; where it
    says no, another worker has begun this chunk before.
    """
    try:
        task = node_tasks.obtain(settings, share)
    except CapsuleError as error:
        said = {"code": error.code, "message": error.message, "hint": error.hint}
        return json.dumps({"refused": said, "node": platform.node()}).encode()
    with task, watched(wanted) as stop:
        if not begin():
            return json.dumps({"begun": True, "node": platform.node()}).encode()
        return _results(task, json.loads(chunk), stop)


def _results(task: NodeTask, chunk: dict[str, Any], stop: Cancellation) -> bytes:
    seconds: float = chunk["seconds"]
    begin, size = time.monotonic(), 0
    done: list[str] = []
    for index, text in chunk["items"]:
        envelope = _envelope(task, text, stop)
        if stop.cancelled:
            break
        done.append(item_text(index, envelope))
        size += len(done[-1])
        if time.monotonic() - begin > seconds or size > _MOST_BYTES:
            break
    took = time.monotonic() - begin
    return done_answer(platform.node(), took, done)


def _envelope(task: NodeTask, text: str, stop: Cancellation) -> Envelope:
    try:
        args, kwargs, files = decode_item(text)
    except RecursionError:
        return refusal("", "usage_error", "its arguments are nested too deeply to travel")
    except CapsuleError as error:
        return refusal_of(error)
    call = prepare.Call(args, kwargs, environ=task.environ, secrets=task.secrets)
    with QueuedRun(task) as queued:
        try:
            return task.prepared.run(call, NOBODY, stop, queued=queued, files=files)
        except CapsuleError as error:
            return refusal_of(error)
