"""Functions of the host that code inside a sandbox may call: bounded, and told about.

A call comes as JSON and is answered as JSON. What a function raises arrives inside as its type and
message; nothing else of the host does.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from threading import Lock

from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.runner.call_dispatcher import CallError
from capsule.wire import response_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager
    from typing import Any

    from capsule.process.cancel import Cancellation
    from capsule.runner.call_dispatcher import Data, HostCall

    Functions = Iterable[Callable[..., Any]] | Mapping[str, Callable[..., Any]]
    # Runs a coroutine where the caller wants it, and waits: its loop, or a thread.
    Await = Callable[[Coroutine[Any, Any, Any], Cancellation], Any]
    Approve = Callable[[str, list[Any], dict[str, Any]], Any]

# Names that are capsule's own inside.
_OURS = frozenset(("describe",))
# Calls of one run, and the bytes of an answer.
_MOST_CALLS, _MOST_BYTES = 1_000, 8 << 20
_MOST_TEXT = 4_000
_MOST_WEIGHT = 64 << 20


class HostFunctions:
    """Host functions by name, and what each call came to.

    `approve` sees each call before it is made, and says whether it may be. `wait` runs what is a
    coroutine.

    >>> def double(n: int) -> int:
    ...     "Return twice as much."
    ...     return 2 * n
    >>> HostFunctions([double], wait=print).described
    {'double': {'signature': '(n: int) -> int', 'doc': 'Return twice as much.'}}
    """

    def __init__(self, functions: Functions, wait: Await, approve: Approve | None = None) -> None:
        if not (approve is None or callable(approve)):
            raise UsageError(f"approve={shown(approve)} is nothing that could be called")
        self._functions = _named(functions)
        self._wait, self._approve = wait, approve
        self._lock = Lock()
        self._calls: list[dict[str, Any]] = []
        self._count = 0
        # What each call is made in.
        self.around: Callable[[], AbstractContextManager[object]] = nullcontext

    def __repr__(self) -> str:
        return f"<HostFunctions {', '.join(self._functions)}>"

    @property
    def described(self) -> dict[str, dict[str, str]]:
        """What each of them takes and does, for whoever writes code that calls it."""
        return {name: _description(function) for name, function in self._functions.items()}

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What was called so far: name, duration in milliseconds and outcome, never values."""
        with self._lock:
            return [*self._calls]

    def __call__(self, asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], Data]:
        """Do a call. Raises `CallError` where none is made."""
        name = asked.fields.get("name")
        if not isinstance(name, str) or name not in self._functions:
            raise CallError("refused", f"there is no host function {str(name)[:100]!r}")
        with self._lock:
            self._count += 1
            if self._count > _MOST_CALLS:
                raise CallError("refused", f"a run may call host functions {_MOST_CALLS:,} times")
        begin = time.monotonic()
        outcome = "failed"
        try:
            with self.around():
                fields, data = self._called(name, *_arguments(asked), cancellation)
            outcome = "raised" if "raised" in fields else "returned"
        except CallError as error:
            outcome = error.kind
            raise
        else:
            return fields, data
        finally:
            took = round((time.monotonic() - begin) * 1000, 1)
            with self._lock:
                self._calls.append({"name": name, "duration_ms": took, "outcome": outcome})

    def _called(
        self, name: str, args: list[Any], kwargs: dict[str, Any], cancellation: Cancellation
    ) -> tuple[dict[str, Any], Data]:
        try:
            self._check(name, args, kwargs, cancellation)
            value = self._waited(self._functions[name](*args, **kwargs), cancellation)
        except CallError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, the sandbox hears its name
            said = {"type": type(error).__name__, "message": str(error)[:_MOST_TEXT]}
            return {"raised": said}, b""
        try:
            text = json.dumps(value, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise CallError("failed", f"{name} returned what is not JSON: {error}") from None
        if len(text) > _MOST_BYTES:
            raise CallError(
                "failed", f"{name} returned {len(text):,} bytes; at most {_MOST_BYTES:,}"
            )
        return {}, text

    def _check(
        self, name: str, args: list[Any], kwargs: dict[str, Any], cancellation: Cancellation
    ) -> None:
        if self._approve is None:
            return
        try:
            approved = self._waited(self._approve(name, args, kwargs), cancellation) is True
        except CallError:
            raise
        except BaseException:  # noqa: BLE001 - what it says is of the host, and not for the sandbox
            approved = False
        if not approved:
            raise CallError("refused", f"the call of {name} was not approved")

    def _waited(self, value: Any, cancellation: Cancellation) -> Any:
        return self._wait(value, cancellation) if inspect.iscoroutine(value) else value


def _named(functions: Functions) -> dict[str, Callable[..., Any]]:
    if isinstance(functions, Mapping):
        pairs = list(functions.items())
    else:
        # It may be anything.
        said: object = functions
        if isinstance(said, str) or not isinstance(said, Iterable):
            said = f"tools={shown(functions)}: functions are needed"
            raise UsageError(said, hint="a list of them")
        pairs = [(getattr(each, "__name__", ""), each) for each in functions]
    found: dict[str, Callable[..., Any]] = {}
    for name, function in pairs:
        if not callable(function):
            raise UsageError(f"tools: {shown(function)} is no function")
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise UsageError(
                f"tools: {name!r} cannot be the name of a host function",
                hint="a mapping of names to functions",
            )
        if name in _OURS or name in found:
            why = "capsule's own" if name in _OURS else "there twice"
            raise UsageError(f"tools: the name {name!r} is {why}", hint="another name")
        found[name] = function
    return found


def _description(function: Callable[..., Any]) -> dict[str, str]:
    try:
        signature = str(inspect.signature(function, eval_str=True))
    except Exception:  # noqa: BLE001 - annotations are code of the caller's, which may not run here
        signature = "(...)"
    return {
        "signature": signature[:_MOST_TEXT],
        "doc": (inspect.getdoc(function) or "")[:_MOST_TEXT],
    }


def _arguments(asked: HostCall) -> tuple[list[Any], dict[str, Any]]:
    try:
        if asked.data:
            # What it takes when it is parsed, as for all that a sandbox says.
            if response_parser.weight(bytes(asked.data)) > _MOST_WEIGHT:
                raise CallError("failed", "the arguments are more than a call may have")
            args, kwargs = json.loads(bytes(asked.data))
        else:
            args, kwargs = asked.fields["args"], asked.fields["kwargs"]
    except (KeyError, ValueError, TypeError, RecursionError):
        raise CallError("failed", "the arguments are not what they have to be") from None
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CallError("failed", "the arguments are not what they have to be")
    return args, kwargs
