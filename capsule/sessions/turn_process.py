"""The process of a turn: it is given the state that it goes on from, and waits for its code."""

from __future__ import annotations

import time

from capsule.errors import CapsuleError, PolicyError
from capsule.namedtuples import NamedTuple
from capsule.policy.units import format_ram
from capsule.process import sandbox_process
from capsule.sessions import scratch_files
from capsule.wasm import PAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.process.process_protocol import Stop
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan
    from capsule.sessions.scratch_files import Signature
    from capsule.sessions.state_file import Contents

_SECONDS = 60.0


class TurnProcess(NamedTuple):
    """A process that has the memory and the files of a state; `laid_out` is how these look."""

    sandbox: SandboxProcess
    contents: Contents
    laid_out: dict[str, Signature]


def start(plan: Plan, state: Callable[[], Contents], stop: Stop) -> TurnProcess:
    """Start the process of a turn, and give it the state, which may come meanwhile.

    Raises `CapsuleError` when it cannot be started, or does not take it; nothing is left then.
    """
    started = sandbox_process.start(plan.launch, plan.layers, timeout_ms=plan.limits.timeout_ms)
    started.process.widen()
    hidden = frozenset(mount.guest for mount in plan.launch.mounts)
    try:
        contents = state()
        _check_memory(contents.memory, plan.launch.memory)
        try:
            laid_out = scratch_files.lay_out(started.scratch, contents.files, hidden)
        except OSError as error:
            raise CapsuleError(f"a file of the session cannot be made: {error.strerror}") from None
        _feed(started, contents, stop)
    except BaseException:
        started.close()
        raise
    # Its pages are in the process now.
    return TurnProcess(started, contents._replace(pages=(), touched=()), laid_out)


def _check_memory(holds: int, most: int | None) -> None:
    if most is not None and holds > most:
        raise PolicyError(
            f"the session has {holds >> 20:,} MB of memory by now, and this turn may use"
            f" {format_ram(most)}",
            hint="a larger ram or max_ram, or session.back() to an earlier state",
        )


def _feed(started: SandboxProcess, state: Contents, stop: Stop) -> None:
    process, deadline = started.process, time.monotonic() + _SECONDS
    # A page that is written for the first time is copied then: those that the turn before wrote are
    # written now, while nobody waits.
    pages = [*state.pages, *state.touched]
    parts: list[bytes | memoryview] = [_word(state.memory // PAGE) + _word(len(pages))]
    for run in pages:
        parts += [_word(run.offset) + _word(len(run.data)), run.data]
    # It says nothing before it has its code.
    if process.feed(parts, deadline, stop) is not None:
        raise CapsuleError("a sandbox did not take the state of its session")


def _word(number: int) -> bytes:
    return number.to_bytes(4, "little")
