"""What is lost over Ray before anything of it has run is begun elsewhere; `conftest` needs Ray."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import ray
from ray.experimental.internal_kv import _internal_kv_list

from capsule import Sandbox
from capsule.engines import ray_claims
from tests.engines.clusters import SLOTS, LocalRay, until
from tests.engines.conftest import CALLS

if TYPE_CHECKING:
    from tests.integration.origin import Origin

COUNT = 40


async def _results(cluster: LocalRay, items: Any, begun: Any = None) -> list[Any]:
    async with Sandbox("calls.py", warm=0) as sandbox:
        stream = sandbox.map(items, engine=cluster.engine(retry_lost=False))
        found = asyncio.ensure_future(_all(stream))
        if begun is not None:
            await asyncio.to_thread(begun)
        return await found


async def _all(stream: Any) -> list[Any]:
    return [envelope async for envelope in stream]


def _is_given_out() -> bool:
    """Say whether each of the cluster's processors has a chunk."""
    return bool(ray.available_resources().get("CPU", 0) == 0)


@pytest.mark.parametrize("started", ["ray"], indirect=True, scope="session")
def test_what_no_worker_had_begun_is_begun_elsewhere(started: LocalRay, origin: Origin) -> None:
    Path("calls.py").write_text(CALLS.format(port=origin.server_port))
    # Workers are there when they have done something.
    assert len(asyncio.run(_results(started, range(COUNT)))) == COUNT
    until(lambda: ray.available_resources().get("CPU") == SLOTS, "end of the first batch")
    origin.seen.clear()
    stopped = started.idle_workers()
    assert stopped
    for worker in stopped:
        worker.send_signal(signal.SIGSTOP)

    def kill() -> None:
        until(_is_given_out, "chunk for each worker")
        for worker in stopped:
            worker.kill()

    found = asyncio.run(_results(started, range(COUNT), kill))
    assert sorted(envelope.index for envelope in found) == list(range(COUNT))
    assert [envelope.error for envelope in found if not envelope.success] == []
    begun = Counter(line.rpartition("/")[2] for line in origin.seen)
    assert begun == {str(n): 1 for n in range(COUNT)}


@pytest.mark.parametrize("started", ["ray"], indirect=True, scope="session")
def test_a_claim_is_taken_once_and_forgotten_with_its_batch(
    started: LocalRay, origin: Origin
) -> None:
    assert ray_claims.take("batch-1-0")
    assert not ray_claims.take("batch-1-0")
    assert ray_claims.take("batch-2-0")
    ray_claims.forget("batch-1")
    assert ray_claims.take("batch-1-0")
    ray_claims.forget("batch")
    Path("calls.py").write_text(CALLS.format(port=origin.server_port))
    before = set(_internal_kv_list("capsule-", namespace="capsule"))
    assert len(asyncio.run(_results(started, range(COUNT)))) == COUNT
    assert set(_internal_kv_list("capsule-", namespace="capsule")) == before
