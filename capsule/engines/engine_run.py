"""A batch over an engine: items become chunks, and what comes back becomes envelopes.

It waits for nothing: `AwaitedEngineBatch` and `ThreadedEngineBatch` do, each in its way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from capsule.engines.chunk_answer import read_answer
from capsule.engines.chunk_plan import ANSWER_SECONDS, ChunkPlan, Item
from capsule.engines.item_codec import encode_item
from capsule.engines.job import job_of
from capsule.envelope import refusal, refusal_of
from capsule.errors import CapsuleError, EngineError
from capsule.message_text import printable
from capsule.sdk.envelope import Envelope

if TYPE_CHECKING:
    from typing import Any

    from capsule.engines.engine import Arrival, Cluster, ClusterEngine, Tell
    from capsule.process.cancel import Cancellation
    from capsule.sdk.engine import BatchRequest


class EngineRun:
    """The state of one batch. `open` it, and `close` it."""

    def __init__(self, engine: ClusterEngine, asked: BatchRequest) -> None:
        self._engine, self._asked = engine, asked
        attempts = engine.attempts if engine.retry_lost else 1
        self._plan = ChunkPlan(asked.at_once, attempts=attempts)
        self._task = ""
        self._cluster: Cluster | None = None
        self._done = 0

    def __repr__(self) -> str:
        return f"<EngineRun over {self._engine!r}: {self._done} done, {self._plan!r}>"

    def open(self, tell: Tell, cancellation: Cancellation) -> None:
        """Make what travels, and open the cluster. Raises `CapsuleError`."""
        job = job_of(self._asked, self._engine.node, cancellation)
        self._task = job.task
        self._cluster = self._engine.open(job, tell)

    def close(self) -> None:
        """Cancel what is at work, and let go of the cluster; nothing happens when that was done."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()

    @property
    def is_empty(self) -> bool:
        """Whether every item that was taken is over."""
        return self._plan.is_empty

    @property
    def has_room(self) -> bool:
        """Whether another item should be taken now."""
        return self._plan.has_room(self._slots)

    def is_left_out(self, index: int, item: Any) -> bool:
        """Say whether an item is none of this batch."""
        return index in self._asked.skip or not self._asked.wanted(item)

    def take(self, index: int, item: Any) -> Envelope | None:
        """Take an item, and give out what is due; return what came of one that cannot run."""
        try:
            text = encode_item(self._asked.arguments(item), self._asked.files(item))
        except CapsuleError as error:
            self._done += 1
            return Envelope.of(refusal_of(error), index)
        self._plan.add(Item(index, text))
        self.give_out()
        return None

    def give_out(self) -> None:
        """Give all chunks out that are due."""
        while self._cluster is not None:
            due = self._plan.due(self._slots)
            if due is None:
                return
            number, items = due
            # Each item is JSON of its own: one that is nested too deeply fails alone.
            given = [[item.index, item.text.decode()] for item in items]
            self._cluster.submit(
                number, json.dumps({"seconds": ANSWER_SECONDS, "items": given}).encode()
            )

    def arrived(self, arrival: Arrival) -> list[Envelope]:
        """Return the envelopes that an arrival brings, and give out what is due then.

        Raises `EngineError` where the batch cannot go on.
        """
        if arrival.trouble is not None:
            raise self._stopped(arrival.trouble)
        if not self._plan.is_at_work(arrival.number):
            return []  # its answer was there before
        found = self._envelopes(arrival)
        self._done += len(found)
        self.give_out()
        return found

    def _envelopes(self, arrival: Arrival) -> list[Envelope]:
        if arrival.answer is None:
            return [self._lost(index) for index in self._plan.lost(arrival.number)]
        try:
            answer = read_answer(arrival.answer)
        except EngineError as error:
            raise self._stopped(error) from None
        if answer.refused is not None:
            message, hint = answer.refused
            said = f"the node {answer.node} refuses the task: {message}"
            raise self._stopped(EngineError(said, hint=hint))
        if answer.begun:
            # A worker that is gone had begun it.
            return [self._lost(index) for index in self._plan.lost(arrival.number)]
        done = answer.done
        indexes = [index for index, _ in done]
        if not done or indexes != self._plan.first(arrival.number, len(done)):
            raise self._stopped(EngineError("a node answered items that it was not given"))
        self._plan.finished(arrival.number, len(done), answer.seconds)
        return [Envelope.of(envelope, index) for index, envelope in done]

    def _lost(self, index: int) -> Envelope:
        often = "" if self._engine.retry_lost else ", and is not tried again (retry_lost=False)"
        said = f"the worker process that had this item was lost; it may have run{often}"
        return Envelope.of(refusal(self._task, "sandbox_crashed", said), index)

    def _stopped(self, error: CapsuleError) -> EngineError:
        """Return an error that says how far the batch came, and how to go on."""
        hints = [error.hint] if error.hint else []
        hints.append("then go on with what is left: --resume OUTPUT, or skip= with what is done")
        return EngineError(
            f"{printable(error.message)}; of the batch, {self._done:,} items are done, and"
            f" {self._plan.open_items:,} that were given out are not",
            hint="; ".join(hints),
        )

    @property
    def _slots(self) -> int:
        return 1 if self._cluster is None else self._cluster.slots
