"""One run from Python, awaited or not."""

from __future__ import annotations

from capsule.errors import OutOfTimeError
from capsule.namedtuples import NamedTuple
from capsule.pool.prepared_task import run_in_turn
from capsule.pool.run_queue import QueuedRun
from capsule.process.cancel import Cancellation
from capsule.runner import prepare
from capsule.runner.cancellable_progress import CancellableProgress
from capsule.runner.fetch_timeout import late
from capsule.runner.observer import NOBODY
from capsule.sdk.envelope import Envelope
from capsule.sdk.logged_progress import LoggedProgress
from capsule.sdk.record import recorder_of
from capsule.sdk.requests import call_of, source_of
from capsule.sdk.turn import Turn
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Any

    from capsule.policy.caller_limits import Limits, Mount
    from capsule.policy.secret_rules import SecretsSaid
    from capsule.runner.host_functions import Approve, Await, Functions, HostFunctions
    from capsule.sdk.output import OnOutput


class _Asked(NamedTuple):
    """What a program asked for, in its words."""

    file: str | os.PathLike[str]
    args: Sequence[Any]
    kwargs: Mapping[str, Any] | None
    mounts: Sequence[Mount]
    cwd: str | os.PathLike[str] | None
    limits: Limits | Mapping[str, object] | None
    untrusted: bool
    secrets: SecretsSaid | None
    tools: Functions | None
    approve: Approve | None
    on_output: OnOutput | None


async def run(  # noqa: PLR0913 - the options are the interface
    file: str | os.PathLike[str],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    mounts: Sequence[Mount] = (),
    cwd: str | os.PathLike[str] | None = None,
    limits: Limits | Mapping[str, object] | None = None,
    untrusted: bool = False,
    secrets: SecretsSaid | None = None,
    tools: Functions | None = None,
    approve: Approve | None = None,
    on_output: OnOutput | None = None,
) -> Envelope:
    """Run a task once, in a new sandbox, and return its envelope, whatever happens inside.

    `file` is a task file (`.py`) or an artifact (`.wasm`), relative to `cwd`, which is the working
    folder unless given. `args` and `kwargs` are JSON values. `mounts` adds folders and files
    (`"../data::/in:ro"`), relative to `cwd` too; `limits` says what the run may use at most. With
    `untrusted` the file gets nothing that it asks for. `secrets` are usable and not readable, at
    the hosts named with them alone (`{"KEY": {"value": key, "hosts": ["api.example.com"]}}`, or
    `["KEY=VARIABLE@api.example.com"]`). `tools` are functions that the task may call
    as `capsule.tools.NAME`, each seen first by `approve(name, args, kwargs)`; `on_output(stream,
    text)` is called in this loop for what is printed. Under asyncio and trio; cancelling the await
    kills the sandbox, and `capsule.cancelled_envelope` finds what it had printed. The first run on
    a machine fetches what capsule needs.

    Raises `CapsuleError` for what is wrong before the run: nothing has run then.

    >>> import asyncio, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "double.py").write_text("def main(n): return 2 * n")
    ...     envelope = asyncio.run(run("double.py", [21], cwd=folder))
    >>> envelope.result
    42
    """
    # Imported here: only those pay for it who await.
    from capsule.sdk.cancelled_envelope import CancelledAnswer
    from capsule.sdk.threads import in_loop, in_thread

    wait = None
    if tools is not None or approve is not None:
        from capsule.sdk.coroutines import in_this_loop

        wait = in_this_loop()
    with in_loop(on_output) as told:
        asked = _Asked(
            file, args, kwargs, mounts, cwd, limits, untrusted, secrets, tools, approve, told
        )
        queued = _queued(asked)
        with CancelledAnswer("", queued) as answer:
            made = await in_thread(
                lambda stop: answer.keep(_run(asked, stop, queued, wait)), queued
            )
    return made


def run_sync(  # noqa: PLR0913 - the options are the interface
    file: str | os.PathLike[str],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    mounts: Sequence[Mount] = (),
    cwd: str | os.PathLike[str] | None = None,
    limits: Limits | Mapping[str, object] | None = None,
    untrusted: bool = False,
    secrets: SecretsSaid | None = None,
    tools: Functions | None = None,
    approve: Approve | None = None,
    on_output: OnOutput | None = None,
) -> Envelope:
    """Do what `run` does, and wait for it: from any thread, with an event loop in it or not.

    An exception that comes in between, such as KeyboardInterrupt, kills the sandbox.

    Raises `CapsuleError` for what is wrong before the run: nothing has run then.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "double.py").write_text("def main(n): return 2 * n")
    ...     run_sync("double.py", [21], cwd=folder, limits={"timeout": "20s"}).result
    42
    """
    asked = _Asked(
        file, args, kwargs, mounts, cwd, limits, untrusted, secrets, tools, approve, on_output
    )
    with Cancellation() as cancellation:
        return _run(asked, cancellation, _queued(asked))


def _queued(asked: _Asked) -> QueuedRun:
    """Return a run that waits in the name of its file, by turns with others and with sandboxes."""
    return QueuedRun((str(asked.cwd), str(asked.file)))


def _run(
    asked: _Asked, cancellation: Cancellation, queued: QueuedRun, wait: Await | None = None
) -> Envelope:
    call = call_of(
        asked.args,
        asked.kwargs,
        asked.mounts,
        asked.limits,
        cwd=asked.cwd,
        untrusted=asked.untrusted,
        secrets=asked.secrets,
    )
    home = checked_root()
    with Turn(queued) as turn:
        source = source_of(asked.file, asked.cwd, home, cancellation)
        progress = CancellableProgress(LoggedProgress(), cancellation)
        try:
            order = prepare.order(source, call, home, progress)
        except OutOfTimeError as error:
            return Envelope.of(late(error, NOBODY, recorder_of(home)))
        order = order._replace(ledger=recorder_of(home))
        if asked.tools is not None or asked.approve is not None:
            order = prepare.with_functions(order, _functions(asked, wait))
        observer = NOBODY
        if asked.on_output is not None:
            from capsule.sdk.output import Printing

            observer = Printing(asked.on_output)
        return Envelope.of(run_in_turn(order, observer, cancellation, turn, queued))


def _functions(asked: _Asked, wait: Await | None) -> HostFunctions:
    # For those who have any.
    from capsule.runner.host_functions import HostFunctions
    from capsule.sdk.coroutines import alone

    return HostFunctions(asked.tools or (), wait or alone, asked.approve)
