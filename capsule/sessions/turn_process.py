"""The process of a turn: it is given the state that it goes on from, and waits for its code."""

from __future__ import annotations

import time

from capsule.errors import CapsuleError, PolicyError
from capsule.message_text import printable
from capsule.namedtuples import NamedTuple
from capsule.policy.units import format_ram
from capsule.process import sandbox_process
from capsule.sessions import scratch_files
from capsule.snapshot.packet_reader import MOST_PACKET
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
# Of each run in a packet, two words; a run that is longer than a packet goes in pieces.
_HEAD = 8
_MOST_PIECE = MOST_PACKET - _HEAD


class TurnProcess(NamedTuple):
    """A process that has the memory and the files of a state; `laid_out` is how these look.

    `differs` has runs of pages, by address and length, in which its memory is not what a session
    begins with.
    """

    sandbox: SandboxProcess
    contents: Contents
    laid_out: dict[str, Signature]
    differs: tuple[tuple[int, int], ...]


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
            raise CapsuleError(
                f"the file {printable(str(error.filename))} of the session cannot be made:"
                f" {error.strerror}",
                hint="what the project has in its place moved away, or another name in files=",
            ) from None
        _feed(started, contents, stop)
    except BaseException:
        started.close()
        raise
    # Its pages are in the process now.
    differs = tuple((run.offset, len(run.data)) for run in contents.pages)
    return TurnProcess(started, contents._replace(pages=(), touched=()), laid_out, differs)


def _check_memory(holds: int, most: int | None) -> None:
    if most is not None and holds > most:
        raise PolicyError(
            f"the session has {holds >> 20:,} MB of memory by now, and this turn may use"
            f" {format_ram(most)}",
            hint="a larger ram or max_ram, or session.back() to an earlier state",
        )


def _feed(started: SandboxProcess, state: Contents, stop: Stop) -> None:
    process, deadline = started.process, time.monotonic() + _SECONDS
    # It says nothing before it has its code.
    if process.feed(_words_of(state), deadline, stop) is not None:
        raise CapsuleError("a sandbox did not take the state of its session")


def _words_of(state: Contents) -> list[bytes | memoryview]:
    """Return what the driver of a turn is told: see `capsule.snapshot.driver.turn_driver`."""
    parts: list[bytes | memoryview] = []
    packet: list[bytes | memoryview] = []
    packets = size = 0

    def add(place: int, piece: bytes | memoryview) -> None:
        nonlocal packets, size
        if size + _HEAD + len(piece) > MOST_PACKET:
            close()
        packet.extend((_word(place) + _word(len(piece)), piece))
        size += _HEAD + len(piece)

    def close() -> None:
        nonlocal packets, size
        if packet:
            parts.extend((_word(size), *packet))
            packets += 1
        packet.clear()
        size = 0

    for run in state.pages:
        for begin in range(0, len(run.data), _MOST_PIECE):
            add(run.offset + begin, memoryview(run.data)[begin : begin + _MOST_PIECE])
    # A page that is written for the first time is copied then: those that the turn before wrote are
    # written now, while nobody waits.
    for place in state.touched:
        add(place, b"")
    close()
    return [_word(state.memory // PAGE) + _word(packets), *parts]


def _word(number: int) -> bytes:
    return number.to_bytes(4, "little")
