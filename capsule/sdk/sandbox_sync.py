"""A task that is run again and again, for programs that do not await."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from threading import Condition

from capsule.process.cancel import Cancellation
from capsule.runner.observer import NOBODY
from capsule.sdk import thread_pool
from capsule.sdk.coroutines import alone
from capsule.sdk.file_contents import check_files_of
from capsule.sdk.output import Printing
from capsule.sdk.sandbox_base import SandboxBase, envelope_of
from capsule.sdk.thread_batch import OVER, ThreadBatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Generator, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from capsule.policy.caller_limits import Limits, Mount
    from capsule.policy.secret_rules import SecretsSaid
    from capsule.pool.prepared_task import PreparedTask
    from capsule.pool.run_queue import QueuedRun
    from capsule.runner.host_functions import Functions
    from capsule.runner.observer import Observer
    from capsule.sdk.engine import Engine, ThreadedBatch
    from capsule.sdk.envelope import Envelope
    from capsule.sdk.file_contents import Files, FilesOf
    from capsule.sdk.output import MapOutput, OnOutput
    from capsule.sdk.sandbox_base import RunRequest


class _RunsAtWork:
    """The runs of all threads, which the end of the block ends."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._stops: set[Cancellation] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"<_RunsAtWork {len(self._stops)}>"

    @contextmanager
    def one(self, stop: Cancellation) -> Iterator[None]:
        """Count a run, which `stop` ends. Raises `RuntimeError` behind the end of the block."""
        try:
            with self._changed:
                if self._closed:
                    raise RuntimeError(OVER)
                self._stops.add(stop)
            yield
        finally:
            with self._changed:
                self._stops.discard(stop)
                self._changed.notify_all()

    def close(self) -> None:
        """End them, and wait until they are over."""
        with self._changed:
            self._closed = True
            for stop in self._stops:
                stop.cancel()
            self._changed.wait_for(lambda: not self._stops)


class SandboxSync(SandboxBase):
    """A `Sandbox` for programs that do not await: use it in `with`, from many threads too.

    Options are those of `Sandbox`. The end of the block ends the runs that other threads wait for;
    they get an envelope that says `cancelled`, and those who iterate over a `map` a `RuntimeError`.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "double.py").write_text("def main(n): return 2 * n")
    ...     with SandboxSync("double.py", cwd=folder, warm=1) as sandbox:
    ...         first = sandbox.run(21)
    ...         rest = sorted(envelope.result for envelope in sandbox.map(range(3)))
    >>> first.result, rest
    (42, [0, 2, 4])
    """

    _batches: list[ThreadedBatch]
    _at_work: _RunsAtWork

    def __enter__(self) -> SandboxSync:
        """Read the task, take its snapshot where there is none, and start the processes.

        Raises `CapsuleError` when anything is wrong; nothing has run then.
        """
        self._check_closed()
        opened: list[PreparedTask] = []
        thread_pool.keep()
        try:
            with Cancellation() as stop:
                self._open(stop, opened)
        except BaseException:
            _close(opened)
            raise
        self._batches, self._at_work, [self._prepared] = [], _RunsAtWork(), opened
        return self

    def __exit__(self, *exc: object) -> None:
        """End all processes of it, and wait until nothing of it is left."""
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            _close([prepared], self._at_work, *self._batches)

    def run(self, *args: Any, **kwargs: Any) -> Envelope:
        """Run the task as `Sandbox.run` does, and wait for its envelope.

        An exception that comes in between, such as KeyboardInterrupt, kills the sandbox. Raises
        as `Sandbox.run` does.
        """
        return self._run(self._plain_request(args, kwargs, alone), NOBODY, self._queued_run())

    def call(  # noqa: PLR0913 - the options are the interface
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        limits: Limits | Mapping[str, object] | None = None,
        mounts: Sequence[Mount] = (),
        secrets: SecretsSaid | None = None,
        tools: Functions | None = None,
        files: Files | None = None,
        on_output: OnOutput | None = None,
    ) -> Envelope:
        """Run the task as `Sandbox.call` does, and wait for its envelope.

        `on_output(stream, text)` is called in this thread. Raises as `Sandbox.call` does.

        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "say.py").write_text("def main(what): print(what)")
        ...     with SandboxSync("say.py", cwd=folder) as sandbox:
        ...         sandbox.call(["hi"], limits={"timeout": "5s"}, on_output=print).success
        stdout hi
        <BLANKLINE>
        True
        """
        observer = NOBODY if on_output is None else Printing(on_output)
        asked = self._own_request(args, kwargs, mounts, limits, secrets, tools, files, alone)
        return self._run(asked, observer, self._queued_run())

    def map(  # noqa: PLR0913 - the options are the interface
        self,
        items: Iterable[Any],
        *,
        concurrency: int | None = None,
        skip: Container[int] = (),
        spread: bool = False,
        files: FilesOf | None = None,
        on_output: MapOutput | None = None,
        engine: Engine | None = None,
    ) -> Generator[Envelope]:
        """Run the task with each item as its argument; give the envelopes as the runs end.

        The options are those of `Sandbox.map`. Runs go on in threads. Items are taken, and
        `files(item)` and `on_output(index, stream, text)` called, in the thread that iterates,
        while it waits for the next envelope. Who breaks off early closes it, or leaves that to the
        end of the block.

        Raises what `items`, `files` and `on_output` raise, and `EngineError` as `Sandbox.map` does.
        """
        prepared = self._opened()
        check_files_of(files)
        at_work, at_once = self._at_work, self._at_once(concurrency)
        if engine is not None:
            self._check_engine(on_output)
            asked = self._batch_request(at_once, skip, spread=spread, files=files)
            return self._keep(engine.thread_batch(asked), items)

        def request(item: Any) -> RunRequest:
            return self._item_request(item, alone, spread=spread, files=files)

        def run(asked: RunRequest, told: OnOutput | None, stop: Cancellation) -> Envelope:
            observer = NOBODY if told is None else Printing(told)
            with at_work.one(stop), self._queued_item() as queued:
                return envelope_of(prepared, asked, observer, stop, queued)

        return self._keep(ThreadBatch(run, at_once, skip, on_output, request), items)

    def _keep(self, batch: ThreadedBatch, items: Iterable[Any]) -> Generator[Envelope]:
        """Have the end of the block end a batch, and return its results."""
        self._batches = [earlier for earlier in self._batches if not earlier.is_over]
        self._batches.append(batch)
        return batch.results(items)

    def _run(self, asked: RunRequest, observer: Observer, queued: QueuedRun) -> Envelope:
        prepared = self._opened()
        with Cancellation() as stop, self._at_work.one(stop), queued:
            return envelope_of(prepared, asked, observer, stop, queued)


def _close(prepared_tasks: list[PreparedTask], *runs: _RunsAtWork | ThreadedBatch) -> None:
    """End the runs, then the prepared task, also where an exception comes in between."""
    with ExitStack() as owned:
        owned.callback(thread_pool.release)
        for each in (*prepared_tasks, *runs):
            owned.callback(each.close)
