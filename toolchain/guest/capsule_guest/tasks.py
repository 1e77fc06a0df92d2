"""`@task` inside the sandbox: calling a task runs it in a sandbox of its own, on the host."""

from __future__ import annotations

import functools
import inspect
import json

from capsule_guest import calls

# The task that this sandbox is for, until it is called: that call runs it here.
_own: list[str] = []


def enter(name: str) -> None:
    """Say which task this sandbox is for."""
    _own[:] = [name]


def _entered(name: str) -> bool:
    if _own != [name]:
        return False
    _own.clear()
    return True


class TaskFailedError(Exception):
    """Raised by `unwrap` when a task that was called has failed; the text is its error."""


class Envelope(dict):
    """What a task that was called came to: the envelope, with its keys as attributes too."""

    def __getattr__(self, name: str) -> object:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def unwrap(self) -> object:
        """Return the result, or raise `TaskFailedError`."""
        if not self["success"]:
            error = self["error"]
            raise TaskFailedError(f"{error['error_type']}: {error['message']}")
        return self["result"]


def task(function=None, /, **options):  # type: ignore[no-untyped-def]
    """Mark a function as a task; its policy was read from the source, on the host."""
    if function is None:
        return lambda marked: task(marked, **options)
    name = options.get("name", function.__name__)
    mark = _asynchronous if inspect.iscoroutinefunction(function) else _blocking
    return functools.wraps(function)(mark(function, name))


def _asynchronous(function, name: str):  # type: ignore[no-untyped-def]
    async def marked(*args, **kwargs):  # type: ignore[no-untyped-def]
        if _entered(name):
            return await function(*args, **kwargs)
        return _envelope(await calls.call_async("task", _asked(name, args, kwargs)))

    return marked


def _blocking(function, name: str):  # type: ignore[no-untyped-def]
    def marked(*args, **kwargs):  # type: ignore[no-untyped-def]
        if _entered(name):
            return function(*args, **kwargs)
        return _envelope(calls.call("task", _asked(name, args, kwargs)))

    def steps(*args, **kwargs):  # type: ignore[no-untyped-def]
        if _entered(name):
            return function(*args, **kwargs)
        from capsule_guest.threads.strands import Wait

        number = calls.ask("task", _asked(name, args, kwargs))
        yield Wait(lambda: calls.has_answer(number), None, f"the task {name!r}")
        return _envelope(calls.answer(number))

    marked.capsule_steps = steps  # type: ignore[attr-defined]
    return marked


def _asked(name: str, args: tuple, kwargs: dict) -> dict:
    return {"name": name, "args": list(args), "kwargs": kwargs}


def _envelope(answer: tuple[dict, bytes]) -> Envelope:
    fields, data = answer
    envelope = Envelope(fields["envelope"])
    try:
        if "result" in fields:
            text = data.decode()
            envelope["result"] = text if fields["result"] == "text" else json.loads(text)
    except (ValueError, RecursionError) as error:
        # The sandbox of that task wrote it, and nobody has looked at it since.
        said = f"the sandbox sent a result that is not JSON ({type(error).__name__})"
        envelope.update(success=False, error={"error_type": "protocol_error", "message": said})
    return envelope
