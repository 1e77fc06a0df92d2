"""What a Dask worker is asked to do: it is called there by name, and given bytes."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from distributed import Queue, get_client, get_worker

from capsule.engines import node
from capsule.errors import CapsuleError

if TYPE_CHECKING:
    from collections.abc import Callable

# What a worker answers: what it is, and its content.
ANSWER, LACKS, FAILED = "answer", "lacks", "failed"
# The state in which a task of Dask's is that was cancelled, or whose client is gone, while it runs.
_CANCELLED = "cancelled"


def run_chunk(settings: bytes, chunk: bytes, claim: str | None) -> tuple[str, bytes | str, str]:
    """Run a chunk, and return its answer, with the name of this node and its worker's address.

    Where the artifact is missing here, nothing runs, and the answer says so. What is raised is told
    as text: to Dask, some of it would mean that a worker is gone. `claim` names what the
    first worker that begins the chunk takes, None where more than one may begin it.
    """
    worker = get_worker()
    try:
        if node.lacks_artifact(settings):
            # Nodes made of one image have one name.
            return LACKS, f"{platform.node()} ({worker.ip})", worker.address
        answer = node.run_chunk(
            settings,
            chunk,
            share=worker.state.nthreads,
            wanted=_wanted(),
            begin=lambda: claim is None or _claimed(claim),
        )
    except Exception as error:  # noqa: BLE001 - raised where the results are taken
        said = f"{platform.node()}: {type(error).__name__}: {error}"
        return FAILED, said, worker.address
    return ANSWER, answer, worker.address


def keep_artifact(settings: bytes, artifact: bytes) -> str | None:
    """Keep the artifact of a job on this node; return why that cannot be done, None if it is."""
    try:
        node.keep_artifact(settings, artifact)
    except CapsuleError as error:
        return f"{platform.node()}: {error}"
    return None


def _wanted() -> Callable[[], bool]:
    """Return what says whether anybody still waits for what this thread does."""
    worker = get_worker()
    task = worker.get_current_task()

    def wanted() -> bool:
        found = worker.state.tasks.get(task)
        return found is not None and found.state != _CANCELLED

    return wanted


def _claimed(name: str) -> bool:
    """Take what only one worker can, and say whether it was there."""
    queue = Queue(name, client=get_client())
    try:
        return bool(queue.get(batch=True))
    finally:
        queue.close()
