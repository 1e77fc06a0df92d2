"""What sandboxes for programs that await and for those that do not have in common."""

from __future__ import annotations

from types import MappingProxyType

from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple
from capsule.pool.pool import IDLE_SECONDS
from capsule.pool.prepared_task import Warmth, open_prepared_task
from capsule.pool.run_queue import QueuedRun, RunQueue
from capsule.runner import prepare
from capsule.runner.cancellable_progress import CancellableProgress
from capsule.runner.host_functions import HostFunctions
from capsule.sdk.coroutines import alone
from capsule.sdk.engine import BatchRequest
from capsule.sdk.envelope import Envelope
from capsule.sdk.file_contents import run_files
from capsule.sdk.logged_progress import LoggedProgress
from capsule.sdk.record import recorder_of
from capsule.sdk.requests import call_of, source_of, spread_out, with_own, working_folder
from capsule.sdk.said_values import count_of, options_of, seconds_of
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Container, Mapping, Sequence
    from typing import Any

    from capsule.policy.caller_limits import Limits, Mount
    from capsule.policy.secret_rules import SecretsSaid
    from capsule.pool.prepared_task import PreparedTask
    from capsule.process.cancel import Cancellation
    from capsule.runner.host_functions import Approve, Await, Functions
    from capsule.runner.observer import Observer
    from capsule.sdk.engine import Arguments
    from capsule.sdk.file_contents import Files, FilesOf

# How long to wait for the first process that waits: a run that comes sooner starts its own.
_READY_SECONDS = 10.0
# How many runs of one sandbox may wait for their turn, each a coroutine of some kilobytes.
MOST_WAITING = 10_000


class RunRequest(NamedTuple):
    """One run as it was asked for: with `own_policy`, `call` has all limits and mounts of it.

    `files` are put into its working folder.
    """

    call: prepare.Call
    functions: HostFunctions | None
    own_policy: bool = False
    files: Mapping[str, bytes] = MappingProxyType({})


class SandboxBase:
    """Options, and a task that is prepared while the block is open."""

    _block = "with"

    @options_of
    def __init__(  # noqa: PLR0913 - the options are the interface
        self,
        file: str | os.PathLike[str],
        *,
        warm: int = 1,
        concurrency: int | None = None,
        max_waiting: int = MOST_WAITING,
        mounts: Sequence[Mount] = (),
        cwd: str | os.PathLike[str] | None = None,
        limits: Limits | Mapping[str, object] | None = None,
        untrusted: bool = False,
        secrets: SecretsSaid | None = None,
        idle: float = IDLE_SECONDS,
        tools: Functions | None = None,
        approve: Approve | None = None,
    ) -> None:
        count_of("warm", warm, 0)
        seconds_of("idle", idle)
        if concurrency is not None:
            count_of("concurrency", concurrency, 1)
        count_of("max_waiting", max_waiting, 0)
        # Looked at now, and not with the first run.
        HostFunctions(tools or (), alone, approve)
        self._file, self._cwd = file, cwd
        self._queue = RunQueue(str(file), max_waiting)
        self._shared = call_of(
            (), None, mounts, limits, cwd=cwd, untrusted=untrusted, secrets=secrets
        )
        self._tools, self._approve = tools, approve
        self._warmth = Warmth(warm, idle)
        self._concurrency = concurrency
        self._prepared: PreparedTask | None = None

    def __repr__(self) -> str:
        state = "closed" if self._prepared is None else repr(self._prepared.pool)
        return f"<{type(self).__name__} {str(self._file)!r} {state}>"

    def _opened(self) -> PreparedTask:
        if self._prepared is None:
            name = type(self).__name__
            raise RuntimeError(f"a {name} is used inside its `{self._block}` block")
        return self._prepared

    def _check_closed(self) -> None:
        if self._prepared is not None:
            raise RuntimeError(f"this {type(self).__name__} is open already")

    def _open(self, stop: Cancellation, opened: list[PreparedTask]) -> None:
        """Prepare the task, and have its processes started; who calls this closes it."""
        home = checked_root()
        source = source_of(self._file, self._cwd, home, stop)
        prepared = open_prepared_task(
            source,
            self._shared,
            home,
            CancellableProgress(LoggedProgress(), stop),
            warmth=self._warmth,
            cancellation=stop,
            ledger=recorder_of(home),
        )
        opened.append(prepared)
        if prepared.pool is not None:
            prepared.pool.wait_until_ready(_READY_SECONDS, stop)

    def _at_once(self, concurrency: int | None) -> int | None:
        """Return how many runs of a batch go on at once, None where nobody says."""
        if concurrency is None:
            return self._concurrency
        count_of("concurrency", concurrency, 1)
        return concurrency

    def _plain_request(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], wait: Await
    ) -> RunRequest:
        """Return a run with nothing of its own; `wait` waits for coroutines of the caller's."""
        call = prepare.Call(args, kwargs, secrets=self._shared.secrets)
        return RunRequest(call, self._functions(None, wait))

    def _item_request(
        self, item: Any, wait: Await, *, spread: bool, files: FilesOf | None
    ) -> RunRequest:
        """Return the run of an item of a batch. Raises `UsageError` for files that are none."""
        plain = self._plain_request(*(spread_out(item) if spread else ((item,), {})), wait)
        return plain if files is None else plain._replace(files=self._contents(files(item)))

    def _contents(self, files: Files | None) -> dict[str, bytes]:
        """Return the content of the files of a run."""
        return {} if files is None else run_files(files, working_folder(self._cwd))

    def _check_engine(self, on_output: object) -> None:
        """Refuse what does not go over an engine. Raises `UsageError`."""
        if self._tools:
            raise UsageError(
                "functions of this program (tools=) cannot be called from the nodes of an engine",
                hint="a Sandbox without tools=, or map without engine=",
            )
        if on_output is not None:
            raise UsageError(
                "on_output is not told over an engine",
                hint="execution.stdout and execution.stderr of each envelope",
            )

    def _batch_request(
        self, at_once: int | None, skip: Container[int], *, spread: bool, files: FilesOf | None
    ) -> BatchRequest:
        """Return a batch for an engine."""

        def arguments(item: Any) -> Arguments:
            return spread_out(item) if spread else ((item,), {})

        def contents(item: Any) -> Mapping[str, bytes]:
            return {} if files is None else self._contents(files(item))

        prepared = self._opened()
        return BatchRequest(prepared, self._shared, arguments, at_once, skip, files=contents)

    def _own_request(  # noqa: PLR0913, PLR0917 - what a call says
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        mounts: Sequence[Mount],
        limits: Limits | Mapping[str, object] | None,
        secrets: SecretsSaid | None,
        tools: Functions | None,
        files: Files | None,
        wait: Await,
    ) -> RunRequest:
        """Return a run with what only that has. Raises `UsageError` as `call_of` does."""
        call = call_of(args, kwargs or {}, mounts, limits, cwd=self._cwd, secrets=secrets)
        own_policy = bool(mounts) or limits is not None or bool(call.secrets)
        if own_policy:
            call = with_own(self._shared, call)
        else:
            call = call._replace(secrets=self._shared.secrets)
        return RunRequest(call, self._functions(tools, wait), own_policy, self._contents(files))

    def _functions(self, own: Functions | None, wait: Await) -> HostFunctions | None:
        given = self._tools if own is None else own
        return HostFunctions(given, wait, self._approve) if given else None

    def _queued_run(self) -> QueuedRun:
        """Return a run that is one of those that may wait."""
        return QueuedRun(self._queue, self._queue)

    def _queued_item(self) -> QueuedRun:
        """Return the run of an item: a batch takes them only as they begin, and bounds them."""
        return QueuedRun(self._queue)


def envelope_of(
    prepared: PreparedTask,
    asked: RunRequest,
    observer: Observer,
    stop: Cancellation,
    queued: QueuedRun,
) -> Envelope:
    """Do a run in this thread, and return its envelope. Raises what `PreparedTask.run` raises."""
    call, functions, own_policy, files = asked
    return Envelope.of(
        prepared.run(
            call,
            observer,
            stop,
            functions=functions,
            queued=queued,
            own_policy=own_policy,
            files=files,
        )
    )
