"""The envelope: the one answer of every run, whatever happened."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NotRequired, TypedDict

    from capsule.errors import CapsuleError, Code

    ErrorType = Literal[
        "task_error",
        "timeout",
        "fuel_exhausted",
        "memory_exceeded",
        "policy_error",
        "sandbox_crashed",
        "protocol_error",
        "type_error",
        "cancelled",
    ]
else:
    # What is a TypedDict for mypy is a dict; to make one of these takes longer than to run a task.
    TypedDict = dict


class EnvelopeError(TypedDict):
    """Why a task failed; errors from before a run (with --json) bring the codes of their own."""

    error_type: ErrorType | Code
    message: str
    traceback: NotRequired[str]


class Execution(TypedDict):
    """What the last attempt did and used; `host_requests` and `host_calls` are of all attempts.

    `run_id` is the name of the run in the record, None of what is no run, as a line that is wrong.
    `queue_ms` is how long it waited for its turn before anything of it ran, in milliseconds.
    `duration_ms` is wall time, `fuel_consumed` the task's own fuel, `ram_used` the peak of linear
    memory in bytes. They are None where nothing could tell: a killed sandbox cannot be asked.
    `truncated_bytes` is how much output is in neither `stdout` nor `stderr`.
    """

    task_name: str
    run_id: str | None
    queue_ms: int
    duration_ms: int
    retries: int
    fuel_consumed: int | None
    ram_used: int | None
    host_requests: list[dict[str, Any]]
    host_calls: list[dict[str, Any]]
    stdout: str
    stderr: str
    truncated_bytes: int


class Envelope(TypedDict):
    """The answer. `result` is any JSON value, and None when the task failed."""

    success: bool
    result: Any
    error: EnvelopeError | None
    execution: Execution


def refusal_of(error: CapsuleError) -> Envelope:
    """Return the envelope of a run that an error kept from beginning, before its task was known.

    >>> from capsule.errors import UsageError
    >>> refusal_of(UsageError("no", hint="yes"))["error"]
    {'error_type': 'usage_error', 'message': 'no\\n  try: yes'}
    """
    return refusal("", error.code, str(error))


def refusal(task_name: str, error_type: ErrorType | Code, message: str) -> Envelope:
    """Return the envelope of something that never ran.

    >>> refusal("main", "policy_error", "no")["execution"]["duration_ms"]
    0
    """
    return {
        "success": False,
        "result": None,
        "error": {"error_type": error_type, "message": message},
        "execution": {
            "task_name": task_name,
            "run_id": None,
            "queue_ms": 0,
            "duration_ms": 0,
            "retries": 0,
            "fuel_consumed": 0,
            "ram_used": 0,
            "host_requests": [],
            "host_calls": [],
            "stdout": "",
            "stderr": "",
            "truncated_bytes": 0,
        },
    }
