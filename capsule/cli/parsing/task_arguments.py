"""The arguments of a task, as the command line gives them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple
from capsule.shared.frames import MAX_BODY

if TYPE_CHECKING:
    from capsule.cli.runtime.context import Context


class Arguments(NamedTuple):
    """Positional and keyword arguments: JSON values."""

    args: list[Any]
    kwargs: dict[str, Any]


def from_command_line(words: list[str], args_file: str | None, context: Context) -> Arguments:
    """Return what the words and the `--args-file` say; a task gets one or the other.

    Raises `UsageError` when both are given, and when the file is not a JSON array or object.
    """
    if args_file is None:
        for number, word in enumerate(words, 1):
            _check_text(word, number)
        return Arguments(list(words), {})
    if words:
        raise UsageError(
            f"both --args-file and arguments were given: {words[0]!r}",
            hint="put all arguments into the file",
        )
    value = _load(args_file, context)
    if isinstance(value, list):
        return Arguments(value, {})
    if isinstance(value, dict):
        return Arguments([], value)
    raise UsageError(
        f"--args-file {args_file}: it holds {_kind(value)}; "
        "an array (positional arguments) or an object (keywords) is needed"
    )


def read_stdin(most: int, context: Context) -> bytes:
    """Return what is on stdin, at most so many bytes. Raises `UsageError` when it is closed."""
    if context.stdin is None:
        raise UsageError("stdin is closed, and something should be read from it")
    return context.stdin.read(most)


def _check_text(word: str, number: int) -> None:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"argument {number} is not UTF-8 text: {word!a}", hint="pass it with --args-file"
        ) from None


def _load(args_file: str, context: Context) -> Any:
    try:
        if args_file == "-":
            data = read_stdin(MAX_BODY + 1, context)
        else:
            with (context.working_folder() / args_file).open("rb") as file:
                data = file.read(MAX_BODY + 1)
    except OSError as error:
        raise UsageError(f"--args-file {args_file}: {error.strerror}") from None
    if len(data) > MAX_BODY:
        raise UsageError(f"--args-file {args_file}: more than {MAX_BODY:,} bytes")
    try:
        return json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--args-file {args_file}: not JSON: {error}") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _kind(value: Any) -> str:
    names = {str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
