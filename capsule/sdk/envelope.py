"""The envelope as programs get it: a dict, with its keys as typed attributes too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from capsule import envelope as plain
    from capsule.errors import Code


class TaskFailedError(Exception):
    """Raised by `Envelope.unwrap` when the task failed; `envelope` says how."""

    def __init__(self, envelope: Envelope) -> None:
        error = envelope.error
        super().__init__("" if error is None else f"{error.error_type}: {error.message}")
        self.envelope = envelope

    def __reduce__(self) -> tuple[type[TaskFailedError], tuple[Envelope]]:
        """Let it be copied and sent to another process, as `concurrent.futures` does."""
        return type(self), (self.envelope,)


class _Keys(dict[str, Any]):
    """A dict whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name!r}") from None


class Error(_Keys):
    """Why a task failed: `error_type` is one of the types in the documentation of the envelope."""

    error_type: plain.ErrorType | Code
    message: str

    @property
    def traceback(self) -> str | None:
        """The task's own frames, None where there are none."""
        found: str | None = self.get("traceback")
        return found


class Execution(_Keys):
    """What the last attempt did and used: `duration_ms` is wall time, `ram_used` in bytes.

    `run_id` is the run's name in `capsule trace`, None where nothing was run. `queue_ms` is how
    long the run waited for its turn, in milliseconds, and no part of `duration_ms`. `fuel_consumed`
    and `ram_used` are None where a sandbox that was killed could not be asked.
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


class Envelope(_Keys):
    """The answer of one run: `success`, `result`, `error` and `execution`.

    `index` is the place of its item in a batch, None outside of one. It is equal to, and in JSON
    the same as, the envelope that the command prints.

    >>> from capsule.envelope import refusal
    >>> envelope = Envelope.of(refusal("main", "policy_error", "no"))
    >>> envelope.success, envelope["error"]["message"], envelope.error.error_type
    (False, 'no', 'policy_error')
    """

    success: bool
    result: Any
    error: Error | None
    execution: Execution
    index: int | None

    @classmethod
    def of(cls, envelope: plain.Envelope, index: int | None = None) -> Envelope:
        """Return what the host made as programs get it."""
        error = envelope["error"]
        made = cls(
            success=envelope["success"],
            result=envelope["result"],
            error=None if error is None else Error(error),
            execution=Execution(envelope["execution"]),
        )
        made.__dict__["index"] = index
        return made

    def unwrap(self) -> Any:
        """Return the result.

        Raises `TaskFailedError` when the task failed.
        """
        if not self.success:
            raise TaskFailedError(self)
        return self.result

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["success"], /) -> bool: ...
        @overload
        def __getitem__(self, key: Literal["error"], /) -> Error | None: ...
        @overload
        def __getitem__(self, key: Literal["execution"], /) -> Execution: ...
        @overload
        def __getitem__(self, key: str, /) -> Any: ...
        def __getitem__(self, key: str, /) -> Any: ...
