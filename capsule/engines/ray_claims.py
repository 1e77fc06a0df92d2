"""What the first worker that begins a chunk takes, so that nobody else can: a key at Ray's head.

The head keeps it whatever becomes of workers, and gives it once. Nothing else of Ray's does so
without a process of its own.
"""

from __future__ import annotations

from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_put

_NAMESPACE = "capsule"


def take(name: str) -> bool:
    """Take a claim, and say whether it was there to be taken.

    Where the head's answer was lost on its way, it is not there any more: then nobody begins.
    Raises what Ray raises, or waits, where the head is gone.
    """
    was_taken: bool = _internal_kv_put(name, b"", overwrite=False, namespace=_NAMESPACE)
    return not was_taken


def forget(prefix: str) -> None:
    """Have the head forget all claims whose names begin so. Raises as `take` does."""
    _internal_kv_del(prefix, del_by_prefix=True, namespace=_NAMESPACE)
