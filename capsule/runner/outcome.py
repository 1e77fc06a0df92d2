"""Deciding how an attempt ended, from everything that was seen of it."""

from __future__ import annotations

from types import MappingProxyType

from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.runner.limit_messages import fuel_spent, out_of_memory, out_of_time, with_denials
from capsule.shared.frames import RESULT, TEXT
from capsule.wire import response_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from capsule.envelope import ErrorType
    from capsule.process.trap_report import TrapReport
    from capsule.runner.last_position import Position
    from capsule.runner.limit_messages import Limits
    from capsule.wire.decoder import Decoder, Frame


_CUT_SHORT = (
    "capsule: the task has answered, and did not come to its end: what it left open may not be "
    "written"
)
# A result for another sandbox that is larger is not read here.
_SMALL = 1 << 14


class Evidence(NamedTuple):
    """What was seen of an attempt whose process is gone.

    `answer` is the result or failure frame, if one came; `violation` the first breach of the wire
    format; `overflow` which bound of `/tmp` it went above; `status` the exit code, or the negative
    number of a signal, None where the report came before the end. The limits are those the attempt
    ran under, for the messages, as are `duration_ms` and `memory`, in bytes where that is known.
    With `raw`, a large result is left as it came. `position` is where the program was seen last,
    and `files` has the sources of the task. `kept` is whether somebody goes on with the process
    behind the closing frame, whose seal no guest can know.
    """

    answer: Frame | None
    decoder: Decoder
    violation: WireError | None
    overflow: str | None
    cancelled: bool
    timed_out: bool
    status: int | None
    report: TrapReport
    limits: Limits
    duration_ms: int
    memory: int | None
    raw: bool = False
    position: Position | None = None
    files: Mapping[str, bytes] = MappingProxyType({})
    kept: bool = False


class Outcome(NamedTuple):
    """How an attempt ended: with a result when `error_type` is None.

    The result is a value of JSON, or a `RawResult` where that was asked for. `warning` is what its
    caller should know besides, `needs` a package that the interpreter of the task has not.
    """

    result: Any
    error_type: ErrorType | None
    message: str = ""
    traceback: str | None = None
    warning: str = ""
    needs: str | None = None


def judge(evidence: Evidence) -> Outcome:
    """Return how the attempt ended.

    An answer is given before the program ends: its exit handlers, what it leaves open. One that was
    given is kept where a limit or a crash cuts that short. That the guest's code is over is known
    only from the driver's closing frame and the fuel meter: no guest can get wasmtime to say that
    the meter was reached.
    """
    if evidence.violation is not None:
        return _failed("protocol_error", evidence.violation.message)
    closed = evidence.decoder.closed
    over = evidence.kept or evidence.report.drain_offset is not None
    if closed and over and evidence.answer is not None:
        return _answered(evidence.answer, evidence)
    if evidence.overflow is not None:
        return _failed("policy_error", f"the task filled its disk: {evidence.overflow}")
    if closed and not evidence.cancelled:
        return _failed("protocol_error", "the sandbox said that it was over and went on")
    if evidence.cancelled or evidence.timed_out:
        ended = stopped(evidence.limits, evidence.duration_ms, cancelled=evidence.cancelled)
        ended = ended if evidence.cancelled else _placed(ended, evidence)
    else:
        ended = _died(evidence)
    if evidence.answer is None or evidence.cancelled or evidence.report.drain_offset is not None:
        return ended
    answered = _answered(evidence.answer, evidence)
    return answered._replace(warning=f"{_CUT_SHORT}: {ended.message}")


def stopped(limits: Limits, duration_ms: int, *, cancelled: bool) -> Outcome:
    """Return how a run ended that was stopped from outside: cancelled, or out of time."""
    if cancelled:
        return _failed("cancelled", "the run was cancelled")
    return _failed("timeout", out_of_time(limits, duration_ms))


def _answered(answer: Frame, evidence: Evidence) -> Outcome:
    large = len(answer.payload) > _SMALL
    if evidence.raw and large and answer.kind in (RESULT, TEXT):
        kind: Literal["json", "text"] = "text" if answer.kind == TEXT else "json"
        return Outcome(response_parser.RawResult(kind, answer.payload), None)
    try:
        if answer.kind == RESULT:
            if (needed := response_parser.weight(answer.payload)) > response_parser.MAX_WEIGHT:
                return _failed(
                    "task_error",
                    f"the result has too many parts: reading it may take {needed >> 20:,} MB, and "
                    f"at most {response_parser.MAX_WEIGHT >> 20:,} MB are allowed",
                )
            return Outcome(response_parser.read_result(answer.payload), None)
        if answer.kind == TEXT:
            return Outcome(response_parser.read_text(answer.payload), None)
        failure = response_parser.read_failure(answer.payload)
    except WireError as error:
        return _failed("protocol_error", error.message)
    message = failure.message
    if failure.error_type == "memory_exceeded":
        message = out_of_memory(evidence.limits, evidence.memory, message)
    elif failure.error_type == "task_error":
        message = with_denials(message, evidence.limits.origins.denials)
    return Outcome(None, failure.error_type, message, failure.traceback, needs=failure.needs)


def _died(evidence: Evidence) -> Outcome:
    """Judge an attempt whose sandbox ended by itself without a whole answer."""
    status, report = evidence.status, evidence.report
    if report.out_of_fuel:
        return _placed(_failed("fuel_exhausted", fuel_spent(evidence.limits)), evidence)
    if report.drain_offset is None and (status is None or status < 0 or report.reason is not None):
        said = report.reason or f"it was killed by signal {-(status or 0)}"
        return _placed(_failed("sandbox_crashed", f"the interpreter died: {said}"), evidence)
    try:
        evidence.decoder.finish()
    except WireError as error:
        return _failed("protocol_error", error.message)
    if report.drain_offset is not None:
        return _failed("protocol_error", "the sandbox ended without a whole answer")
    return _failed(
        "sandbox_crashed", f"the interpreter exited with status {status} before it answered"
    )


def _placed(outcome: Outcome, evidence: Evidence) -> Outcome:
    """Return an outcome that says where the program was, if that is known."""
    if evidence.position is None:
        return outcome
    from capsule.runner import last_position  # for those that do not end by themselves

    message = outcome.message + last_position.said(evidence.position)
    trace = last_position.traceback(evidence.position, message, evidence.files)
    return outcome._replace(message=message, traceback=trace)


def _failed(error_type: ErrorType, message: str) -> Outcome:
    return Outcome(None, error_type, message)
