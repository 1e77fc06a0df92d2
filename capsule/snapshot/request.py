"""What a sandbox is told: the one request that it reads from its stdin."""

from __future__ import annotations

from types import MappingProxyType

from capsule import direct_json
from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple
from capsule.shared import frames
from capsule.snapshot.task_code import COMPILED_GUEST, PACKAGES_GUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from capsule.snapshot.task_code import Code


class Call(NamedTuple):
    """Which function of a task's module to call, and with what: JSON values.

    `env` are the variables that the task sees, `task` is its name, `folders` says of those that it
    sees whether it may write there. `passed` are arguments in place of these, as JSON that another
    sandbox wrote: a list and an object. `script` is the file that is run as a program in place of
    the function, by the name of `program`, with `args` as its words; `stdin` is what is read there,
    at most `MAX_BODY` bytes. `tools` are the functions of the host that there are, with what each
    takes and does.
    """

    module: str
    function: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None
    env: Mapping[str, str] = MappingProxyType({})
    task: str = ""
    passed: memoryview | None = None
    folders: Mapping[str, bool] = MappingProxyType({})
    script: str = ""
    program: str = ""
    stdin: bytes | None = None
    tools: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def check(asked: Call) -> None:
    """Raise `UsageError` when the arguments are not JSON values or larger than 64 MiB."""
    call(asked, None)


def call(asked: Call, code: Code | None) -> bytes:
    """Return the frames that ask for one call; `code` is what has to be imported first, if any.

    Arguments that were passed have to be sent right behind it: they are not copied.

    Raises `UsageError` when the arguments are not JSON values or larger than 64 MiB.
    """
    passed = asked.passed
    encoded = _encode(
        {
            **_code(asked.module, code),
            "function": asked.function,
            "task": asked.task,
            "args": list(asked.args),
            "kwargs": dict(asked.kwargs or {}),
            "env": dict(asked.env),
            "folders": {} if all(asked.folders.values()) else dict(asked.folders),
            "passed": passed is not None,
            "script": asked.script,
            "program": asked.program,
            "stdin": asked.stdin is not None,
            "tools": {name: dict(each) for name, each in asked.tools.items()},
        },
        code,
    )
    if asked.stdin is not None:
        encoded += frames.frame(frames.STDIN, asked.stdin)
    if passed is None:
        return encoded
    return encoded + frames.HEADER.pack(frames.ARGUMENTS, len(passed))


def freeze(code: Code) -> bytes:
    """Return the frames that ask the guest of a dump to import the task."""
    return _encode(_code(code.entry, code), code)


def idle(*, hollow: bool = False) -> bytes:
    """Return the frames that ask for nothing: the answer is null. For `hollow` see below."""
    return _encode({"hollow": hollow}, None)


def null_call(module: str, *, hollow: bool = False) -> bytes:
    """Return the frames that call the `main` of a module that returns nothing: the answer is null.

    With `hollow`, all is done but the call and the encoding of its result.
    """
    fields = {"function": "main", "task": "main", "hollow": hollow}
    return _encode(_code(module, None) | fields, None)


def turn(asked: Mapping[str, Any]) -> bytes:
    """Return the frame that asks for a turn of a session: its number, its code, and variables.

    Raises `UsageError` for code that is no text, or larger than 64 MiB.
    """
    return _encode(dict(asked), None)


def warm() -> bytes:
    """Return the frame that has a guest go through the motions; `READY` is all that it answers."""
    return frames.frame(frames.WARM, b"")


READY = frames.frame(frames.READY, b"")


def _code(module: str | None, code: Code | None) -> dict[str, Any]:
    files = {} if code is None else code.files
    return {
        "module": module,
        "files": [[path, len(content)] for path, content in files.items()],
        "packages": PACKAGES_GUEST if code is not None and code.packages is not None else None,
        "shown": "" if code is None else code.shown,
        "compiled": COMPILED_GUEST if code is not None and code.compiled is not None else None,
    }


def _scalar(value: object) -> object:
    # For those that have any.
    from capsule.shared.json_scalars import scalar

    return scalar(value)


def json_text(arguments: object) -> bytes:
    """Return arguments as they travel.

    Raises `UsageError` when they are not JSON values or larger than 64 MiB.

    >>> json_text([[1], {"n": 2}])
    b'[[1], {"n": 2}]'
    """
    try:
        text = direct_json.dumps(arguments, allow_nan=False, default=_scalar).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the arguments are not JSON values: {error}") from None
    if len(text) > frames.MAX_BODY:
        raise UsageError(
            f"the arguments are {len(text):,} bytes of JSON; at most {frames.MAX_BODY:,} may be",
            hint="pass the name of a file in a mounted folder",
        )
    return text


def _encode(request: dict[str, Any], code: Code | None) -> bytes:
    # What is empty is left out: reading it would be a good part of the cost of a small request.
    text = json_text({name: value for name, value in request.items() if value})
    encoded = frames.frame(frames.REQUEST, text)
    if code is None:
        return encoded
    return encoded + frames.frame(frames.SOURCES, b"".join(code.files.values()))
