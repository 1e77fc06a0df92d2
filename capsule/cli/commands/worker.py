"""`capsule worker`: runs tasks for other programs, on its own streams or on a private socket."""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from capsule.cli.runtime import signals
from capsule.cli.runtime.context import of_this_program
from capsule.cli.worker.json_lines import JsonLines, Terms
from capsule.cli.worker.probe import listening_place
from capsule.cli.worker.session_table import MOST, SessionQuota
from capsule.errors import UsageError
from capsule.lifecycle.recorder import open_recorder
from capsule.namedtuples import NamedTuple
from capsule.policy.caller_limits import Limits, caller_limits
from capsule.pool.prepared_task_cache import PreparedTaskCache
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.cli.terminal.console import Console

_LIKE = '{"id": 1, "file": "hello.py"}'


class Options(NamedTuple):
    """What the command line says; `limits` has the names of those of a run."""

    socket: str | None
    listen: bool
    max_sessions: int = MOST
    limits: Limits = Limits()


def command(options: Options, console: Console) -> int:
    """Serve until stdin ends, or a signal comes; return the exit code.

    Raises `CapsuleError` when it cannot begin.
    """
    context = of_this_program(console)
    if options.max_sessions < 0:
        raise UsageError(
            f"--max-sessions {options.max_sessions}: a whole number from 0 on is needed"
        )
    limits = caller_limits(options.limits, flags=True)
    home = checked_root()
    path = _socket(options, home)
    with (
        open_recorder(home, console.note) as recorder,
        PreparedTaskCache(home, ledger=recorder) as prepared_tasks,
    ):
        terms = Terms(prepared_tasks, home, SessionQuota(options.max_sessions), limits, recorder)
        if path is not None:
            return _serve(path, terms, console)
        if context.stdin is None or sys.stdout is None:
            raise UsageError("a worker needs its stdin and stdout", hint="--socket PATH")
        if context.stdin.isatty():
            console.note(f"reading lines of JSON, like {_LIKE}; Ctrl-D ends")
        # Of its own: at the end this program flushes the usual one, which would wait for a writer
        # that waits for whoever takes no answers.
        output = os.fdopen(sys.stdout.fileno(), "wb", closefd=False)
        with JsonLines(terms, context.working_folder(), output) as lines:
            if not _until_a_signal(partial(lines.follow, context.stdin)):
                raise signals.Interrupted
        return 0


def _serve(path: Path, terms: Terms, console: Console) -> int:
    from capsule.cli.worker.server import Server, listening

    server = Server(terms)
    with listening(path) as listener:
        console.err(f"capsule: listening at {path}")
        # A signal is the way in which it is meant to end.
        _until_a_signal(partial(server.serve, listener))
        server.close()
    return 0


def _until_a_signal(work: Callable[[], None]) -> bool:
    """Do `work` in a thread; say whether it came to its end before a signal came.

    What reads or accepts cannot be woken up for certain, so it is left behind where it is.

    Raises what `work` raises.
    """
    ended: SimpleQueue[BaseException | bool] = SimpleQueue()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits
            ended.put(error)
        else:
            ended.put(True)

    with signals.waited_for(lambda _: ended.put(False)):
        threading.Thread(target=run, name="capsule-worker", daemon=True).start()
        how = ended.get()
    if isinstance(how, BaseException):
        raise how
    return how


def _socket(options: Options, home: Path) -> Path | None:
    if options.socket is not None and options.listen:
        raise UsageError("--socket and --listen exclude each other", hint="leave one of them out")
    if options.listen and options.limits != Limits():
        raise UsageError(
            "--listen takes commands, which have limits of their own",
            hint="--socket PATH, for programs that write lines",
        )
    if options.socket is None and not options.listen:
        return None
    if sys.platform == "win32":
        raise UsageError("there are no Unix sockets here", hint="capsule worker, without --socket")
    if options.socket is not None:
        return Path(options.socket).absolute()
    return listening_place(home)
