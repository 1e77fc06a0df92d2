"""Tasks of a file behind the interface of `concurrent.futures`, for what takes an executor."""

from __future__ import annotations

import inspect
import os
import threading
import weakref
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from capsule.errors import UsageError
from capsule.message_text import nearest, shown
from capsule.pool.prepared_task import Warmth, open_prepared_task
from capsule.pool.run_queue import QueuedRun
from capsule.process.cancel import Cancellation
from capsule.processors import usable_processors
from capsule.runner import prepare
from capsule.runner.host_functions import HostFunctions
from capsule.runner.observer import NOBODY
from capsule.runner.source import callable_tasks
from capsule.sdk import thread_pool
from capsule.sdk.coroutines import alone
from capsule.sdk.envelope import Envelope
from capsule.sdk.logged_progress import LoggedProgress
from capsule.sdk.record import recorder_of
from capsule.sdk.requests import call_of, source_of
from capsule.sdk.said_values import count_of, options_of
from capsule.state_folder import checked_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import Any

    from capsule.policy.caller_limits import Limits, Mount
    from capsule.policy.secret_rules import SecretsSaid
    from capsule.pool.prepared_task import PreparedTask
    from capsule.runner.host_functions import Approve, Functions

P = ParamSpec("P")
R = TypeVar("R")

_LISTED = 10


class SandboxExecutor(Executor):
    """Runs tasks of one file: `submit("name", *args)`, each call in a sandbox of its own.

    A task is named, or is the function of that file itself. Arguments and results are JSON values;
    a future has the bare result, and raises `TaskFailedError`, which has the envelope, where the
    task failed. At most `max_workers` run at once, as many as there are processors by default.
    `warm` processes wait for the next call of each task. The other options are those of `Sandbox`.

    Use it in `with`, or call `shutdown`; one that nobody has any more ends what waits for calls by
    itself. What holds for a `ThreadPoolExecutor` does here: one that
    runs cannot be cancelled, and is waited for at the end of the block.

    Raises `CapsuleError` where the file cannot be read.

    >>> import pathlib, tempfile
    >>> text = "from capsule import task\\n@task\\ndef double(n): return 2 * n\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "numbers_.py")
    ...     _ = file.write_text(text)
    ...     with SandboxExecutor(file) as executor:
    ...         executor.submit("double", 21).result(), list(executor.map("double", [1, 2]))
    (42, [2, 4])
    """

    @options_of
    def __init__(  # noqa: PLR0913 - the options are the interface
        self,
        file: str | os.PathLike[str],
        max_workers: int | None = None,
        *,
        warm: int = 1,
        mounts: Sequence[Mount] = (),
        cwd: str | os.PathLike[str] | None = None,
        limits: Limits | Mapping[str, object] | None = None,
        untrusted: bool = False,
        secrets: SecretsSaid | None = None,
        tools: Functions | None = None,
        approve: Approve | None = None,
    ) -> None:
        count_of("warm", warm, 0)
        if max_workers is not None:
            count_of("max_workers", max_workers, 1)
        self._functions = HostFunctions(tools, alone, approve) if tools else None
        self._shared = call_of(
            (), None, mounts, limits, cwd=cwd, untrusted=untrusted, secrets=secrets
        )
        self._warm, self._file = warm, str(file)
        self._home = checked_root()
        self._source = source_of(file, cwd, self._home)
        self._tasks = {task.name: task for task in callable_tasks(self._source)}
        self._places = _places(file, cwd)
        self._prepared = _PreparedTasks()
        # One that nobody has any more has nothing at work: whatever is at work refers to it.
        finalizer = weakref.finalize(self, self._prepared.close_later)
        # At the end of the program, what waits ends with it.
        finalizer.atexit = False
        self._threads = ThreadPoolExecutor(max_workers or usable_processors(), "capsule-executor")

    def __repr__(self) -> str:
        return f"<SandboxExecutor {self._file!r} {'ended' if self._prepared.is_closed else 'open'}>"

    def submit(self, fn: str | Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[Any]:
        """Have a task run, and return its future.

        Raises `UsageError` for what is no task of the file, and `RuntimeError` after `shutdown`.
        The future raises `TaskFailedError`, and `UsageError` for arguments that are no JSON.
        """
        return self._threads.submit(self._run, self._name_of(fn), args, kwargs)

    def map(
        self,
        fn: str | Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        **more: Any,
    ) -> Iterator[Any]:
        """Give the results of a task with each item, in the order of the items.

        As in any executor, all items are taken at once; `Sandbox.map` takes them as it goes on.
        `chunksize` changes nothing. Raises what `submit` and `Future.result` do, and `TimeoutError`
        where a result is not there `timeout` seconds from this call.
        """
        task: Any = fn
        return super().map(task, *iterables, timeout=timeout, chunksize=chunksize, **more)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, end what waits for them, and with `wait` come back when all is over.

        With `cancel_futures`, calls that have not begun are cancelled.
        """
        try:
            self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        except RuntimeError:
            # Called by what a future calls when it is done: that thread cannot wait for itself.
            self._end_later()
            raise
        if wait:
            self._prepared.close()
        else:
            self._end_later()

    def _end_later(self) -> None:
        # What runs still needs it.
        threading.Thread(target=self._close_later, name="capsule-executor-end").start()

    def _close_later(self) -> None:
        self._threads.shutdown(wait=True)
        self._prepared.close()

    def _run(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        prepared = self._opened(name)
        call = prepare.Call(args, kwargs, secrets=self._shared.secrets)
        with Cancellation() as stop, QueuedRun(prepared) as queued:
            envelope = prepared.run(call, NOBODY, stop, functions=self._functions, queued=queued)
        return Envelope.of(envelope).unwrap()

    def _opened(self, name: str) -> PreparedTask:
        """Return a task that is ready to run, prepared once."""

        def opened() -> PreparedTask:
            with Cancellation() as never:
                return open_prepared_task(
                    self._source._replace(task=name),
                    self._shared,
                    self._home,
                    LoggedProgress(),
                    warmth=Warmth(self._warm),
                    cancellation=never,
                    ledger=recorder_of(self._home),
                )

        return self._prepared.obtain(name, opened)

    def _name_of(self, said: object) -> str:
        """Return the name of the task that is meant. Raises `UsageError`."""
        if isinstance(said, str):
            if said in self._tasks:
                return said
            raise UsageError(
                f"{self._file} has no task {shown(said)}; it has {self._listed()}",
                hint=nearest(said, self._tasks),
            )
        function = inspect.unwrap(said) if inspect.isfunction(said) else None
        if function is not None:
            file = os.path.realpath(function.__code__.co_filename)
            for task in self._tasks.values():
                if function.__qualname__ == task.function and file == self._places(task.module):
                    return task.name
        raise UsageError(
            f"{shown(said)} is no task of {self._file}, and functions of this program do not run"
            f" in a sandbox; its tasks are {self._listed()}",
            hint=f"the name of a task, or @task on a function of {self._file}",
        )

    def _listed(self) -> str:
        names = [shown(name) for name in self._tasks]
        more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        return (", ".join(names[:_LISTED]) or "none") + more


class _PreparedTasks:
    """The tasks of an executor that are ready to run, each prepared once; it knows no executor."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._open: dict[str, PreparedTask] = {}
        self.is_closed = False
        thread_pool.keep()

    def obtain(self, name: str, opened: Callable[[], PreparedTask]) -> PreparedTask:
        with self._opening:
            if name not in self._open:
                self._open[name] = opened()
            return self._open[name]

    def close(self) -> None:
        """End the processes that wait, once, and wait until they are gone."""
        with self._opening:
            closed, self.is_closed = self.is_closed, True
            open_tasks, self._open = self._open, {}
        if not closed:
            with ExitStack() as owned:
                owned.callback(thread_pool.release)
                for prepared in open_tasks.values():
                    owned.callback(prepared.close)

    def close_later(self) -> None:
        # Whoever drops the last reference may be in the middle of anything, and does not wait.
        threading.Thread(target=self.close, name="capsule-executor-end").start()


def _places(
    file: str | os.PathLike[str], cwd: str | os.PathLike[str] | None
) -> Callable[[str], str]:
    """Return what gives the file of a module of the bundle, empty for that of the task file."""
    path = os.path.realpath(os.path.join(cwd or "", os.fspath(file)))  # noqa: PTH118

    def place(module: str) -> str:
        if not module:
            return path
        return os.path.join(os.path.dirname(path), *module.split(".")) + ".py"  # noqa: PTH118, PTH120

    return place
