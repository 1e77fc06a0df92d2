"""`capsule run --map`: a task for each line of a file, several at once, a line for each answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import threading
from contextlib import ExitStack, suppress
from queue import SimpleQueue

import anyio

from capsule.cli.parsing.engine_name import engine_named
from capsule.cli.runtime import signals
from capsule.cli.runtime.exit_codes import FAILED
from capsule.cli.runtime.run_recording import recorder_for
from capsule.cli.terminal.progress_bars import progress_for
from capsule.errors import GivenUpError, UsageError
from capsule.message_text import printable, shown
from capsule.namedtuples import NamedTuple
from capsule.policy.units import format_ram
from capsule.pool.prepared_task import PreparedTask, Warmth
from capsule.pool.run_queue import QueuedRun
from capsule.process.cancel import Cancellation
from capsule.progress import Step
from capsule.runner import prepare
from capsule.runner.observer import NOBODY
from capsule.sdk.batch import Batch
from capsule.sdk.engine import BatchRequest
from capsule.sdk.envelope import Envelope
from capsule.sdk.requests import spread_out
from capsule.sdk.threads import in_thread
from capsule.shared.frames import MAX_BODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path
    from typing import Any, BinaryIO

    from capsule.cli.parsing.run_options import Options
    from capsule.cli.parsing.run_request import RunRequest
    from capsule.cli.runtime.context import Context
    from capsule.cli.terminal.console import Console
    from capsule.progress import Tracker
    from capsule.sdk.engine import Arguments, AwaitedBatch, Engine

_MAX_LINE = MAX_BODY + (1 << 20)
_BLOCK = 1 << 20
_MOST_AT_ONCE, _DIGITS = 256, 9


class _Batch(NamedTuple):
    """What a batch is made of; `skip` are the lines that an earlier one has done.

    With `spread`, an item that is a list or an object is all of the arguments. `call` has what all
    runs share.
    """

    items: BinaryIO
    skip: frozenset[int]
    at_once: int | None
    spread: bool
    call: prepare.Call
    engine: Engine | None = None


def command(asked: RunRequest, options: Options, context: Context) -> int:
    """Run the task for each line, print a line for each, and return the exit code.

    Raises `UsageError` for options that do not fit, and for files that cannot be read,
    `GivenUpError` when a signal ends it.
    """
    console, name = context.console, options.map_file or ""
    progress = progress_for(console, quiet=options.quiet)
    with ExitStack() as owned:
        items = _opened(name, context)
        if _is_file(items):
            # What a thread may still read from cannot be closed: it would wait for that.
            owned.enter_context(items)
        skip = _done(options, context)
        engine = None if options.engine is None else engine_named(options.engine)
        at_once = _count(options.concurrency)
        batch = _Batch(items, skip, at_once, options.spread, asked.call, engine)
        total = _lines_of(context.working_folder() / name, name)
        order = prepare.order(asked.source, asked.call, asked.home, progress)
        order = order._replace(ledger=recorder_for(asked.home, context))
        # Before there are other threads, which would take the signals.
        stop = _Stop()
        owned.enter_context(signals.waited_for(stop.tell))
        opening = owned.enter_context(Cancellation())
        stop.then(opening.cancel)
        prepared = owned.enter_context(
            PreparedTask(order, asked.source, Warmth(0 if engine else at_once or 2), opening)
        )
        bar = owned.enter_context(progress.step(Step("running", total - len(skip), "items")))
        printer = _Printer(console, options, bar)
        anyio.run(_follow, prepared, batch, printer, stop)
        if stop.told:
            raise GivenUpError("the batch was interrupted")
    return FAILED if printer.failed else 0


class _Stop:
    """Ends a batch when a signal comes, from the thread that waits for signals."""

    def __init__(self) -> None:
        self.told = False
        self._lock = threading.Lock()
        self._end: Callable[[], object] | None = None

    def tell(self, number: int) -> None:
        """End the batch; who insists is let go, and the kernel ends the sandboxes."""
        with self._lock:
            if self.told and number == signal.SIGINT:
                os._exit(signals.INTERRUPTED)
            self.told = True
            if self._end is not None:
                self._end()

    def then(self, end: Callable[[], object]) -> None:
        """Have `end` called then, at once if that was."""
        with self._lock:
            self._end = end
            if self.told:
                end()


class _Printer:
    """Prints a line for each answer, and counts."""

    def __init__(self, console: Console, options: Options, bar: Tracker) -> None:
        self._console, self._bare, self._bar = console, options.result, bar
        self._verbose = options.verbose
        self._done = 0
        self.failed = False

    @property
    def is_read(self) -> bool:
        """Whether somebody reads what is printed."""
        return not self._console.stdout_is_gone

    def print(self, envelope: Envelope) -> None:
        """Print what came of one line."""
        self._done += 1
        self._bar.update(self._done)
        error = envelope.error
        if self._verbose:
            self._console.err(f"capsule: {_life(envelope)}")
        if error is not None:
            self.failed = True
            if self._bare:
                said = f"{error.error_type}: {error.message}"
                self._console.err(f"capsule: item {envelope.index}: {said}")
                return
        kept: dict[str, Any] = {"result": envelope.result} if self._bare else dict(envelope)
        line = {"index": envelope.index, **kept}
        self._console.document(line)


def _life(envelope: Envelope) -> str:
    """Return how one run ended, and what it used."""
    done, error = envelope.execution, envelope.error
    how = "completed" if error is None else error.error_type
    retries = f" after {done.retries} retries" if done.retries else ""
    fuel = "unknown" if done.fuel_consumed is None else f"{done.fuel_consumed:,}"
    memory = "unknown" if done.ram_used is None else format_ram(done.ram_used)
    return (
        f"item {envelope.index}: {how}{retries} in {done.duration_ms} ms "
        f"(fuel {fuel}, memory {memory})"
    )


async def _follow(prepared: PreparedTask, batch: _Batch, printer: _Printer, stop: _Stop) -> None:
    def arguments(item: bytes) -> Arguments:
        value = _parsed(item)
        return spread_out(value) if batch.spread else ((value,), {})

    async def run(item: bytes, _: int) -> Envelope:
        call = prepare.Call(*arguments(item), secrets=batch.call.secrets)
        queued = QueuedRun(prepared)
        return Envelope.of(
            await in_thread(
                lambda cancelled: prepared.run(call, NOBODY, cancelled, queued=queued), queued
            )
        )

    def wanted(line: bytes) -> bool:
        return bool(line.strip())

    work: AwaitedBatch = Batch(run, batch.at_once, batch.skip, wanted)
    if batch.engine is not None:
        at_once, skip = batch.at_once, batch.skip
        work = batch.engine.batch(
            BatchRequest(prepared, batch.call, arguments, at_once, skip, wanted)
        )
    loop = asyncio.get_running_loop()
    try:
        with anyio.CancelScope() as scope:
            stop.then(lambda: loop.call_soon_threadsafe(scope.cancel))
            async for envelope in work.results(_unhurried(batch.items)):
                printer.print(envelope)
                if not printer.is_read:
                    break
    finally:
        stop.then(lambda: None)
        with anyio.CancelScope(shield=True):
            await work.close()


def _opened(name: str, context: Context) -> BinaryIO:
    if name == "-":
        if context.stdin is None:
            raise UsageError("stdin is closed, and --map should read from it")
        return context.stdin
    try:
        return (context.working_folder() / name).open("rb")
    except OSError as error:
        raise UsageError(f"--map {name}: {error.strerror}") from None


def _lines(items: BinaryIO) -> Iterator[bytes]:
    """Yield the lines as they are; one that is too long is cut where it cannot be JSON any more."""
    while line := items.readline(_MAX_LINE + 1):
        if len(line) > _MAX_LINE:
            while (rest := items.readline(_BLOCK)) and not rest.endswith(b"\n"):
                pass
        yield line


async def _unhurried(items: BinaryIO) -> AsyncIterator[bytes]:
    """Yield the lines; while one is waited for, as long as that takes, all else goes on.

    A thread reads, and is left where it is when nobody wants more: nothing can wake it for certain.
    """
    if _is_file(items):
        for line in _lines(items):
            yield line
        return
    loop, wanted = asyncio.get_running_loop(), SimpleQueue[None]()
    read: asyncio.Queue[bytes | None] = asyncio.Queue()
    trouble: list[OSError] = []

    def follow() -> None:
        line: bytes | None = b""
        lines = _lines(items)
        while line is not None:
            wanted.get()
            try:
                line = next(lines, None)
            except OSError as error:
                trouble.append(error)
                line = None
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(read.put_nowait, line)

    threading.Thread(target=follow, name="capsule-lines", daemon=True).start()
    while True:
        wanted.put(None)
        given = await read.get()
        if given is None:
            break
        yield given
    for error in trouble:
        raise error


def _is_file(items: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(items.fileno()).st_mode)
    except OSError:
        return False


def _parsed(line: bytes) -> Any:
    """Return the value of a line. Raises `UsageError` for one that is not JSON."""
    try:
        return json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the line is not JSON: {error}") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _done(options: Options, context: Context) -> frozenset[int]:
    """Return the lines that an earlier batch has done, by what it printed; what failed is not."""
    name = options.resume
    if name is None:
        return frozenset()
    found, lines = _read_earlier(context.working_folder() / name, name)
    if not options.quiet:
        if lines is None:
            said = "it does not exist, so nothing is done yet"
        elif lines and not found:
            said = f"none of its {lines:,} lines is an item that is done"
        else:
            said = f"{len(found):,} of {lines:,} lines are items that are done"
        context.console.err(f"capsule: --resume {printable(name)}: {said}")
    return frozenset(found)


def _read_earlier(path: Path, name: str) -> tuple[set[int], int | None]:
    """Return the items that an earlier output says are done, and its lines; None without a file."""
    found: set[int] = set()
    lines = 0
    try:
        # A device has no end; what a shell makes of <(...) has one.
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise UsageError(f"--resume {name}: it is no file with an earlier output")
        with path.open("rb") as file:
            for line in _lines(file):
                lines += 1
                try:
                    said = json.loads(line)
                    if said.get("success", "result" in said) and type(said["index"]) is int:
                        found.add(said["index"])
                except (ValueError, KeyError, AttributeError, RecursionError):
                    continue  # the last one may have been cut off
    except FileNotFoundError:
        return found, None
    except OSError as error:
        raise UsageError(f"--resume {name}: {error.strerror}") from None
    return found, lines


def _count(said: str | None) -> int | None:
    if said is None:
        return None
    # A long one is too much for `int`, which refuses it in words of its own.
    number = int(said) if said.isascii() and said.isdecimal() and len(said) <= _DIGITS else 0
    if not 1 <= number <= _MOST_AT_ONCE:
        raise UsageError(
            f"--concurrency {shown(said)}: a number from 1 to {_MOST_AT_ONCE} is needed"
        )
    return number


def _lines_of(path: Path, name: str | None) -> int:
    """Return how many lines with an item a file has; 0 where nobody can tell ahead."""
    if name == "-" or not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(bool(line.strip()) for line in _lines(file))
