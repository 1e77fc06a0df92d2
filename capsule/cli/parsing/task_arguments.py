"""The arguments of a task, as the command line gives them."""

from __future__ import annotations

from capsule import direct_json
from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.shared.frames import MAX_BODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import Context
    from capsule.policy.declaration_types import Parameter


class Arguments(NamedTuple):
    """Positional and keyword arguments: JSON values."""

    args: list[Any]
    kwargs: dict[str, Any]


def from_command_line(
    options: Options, parameters: Sequence[Parameter], context: Context
) -> Arguments:
    """Return what the words, `--args` or `--args-file` say; a task gets one of them.

    `parameters` are those of the task: their types are what words mean.

    Raises `UsageError` when more than one is given, for a word that its parameter does not take,
    and when what is given is not a JSON array or object.
    """
    given = {
        "--args": options.args_json is not None,
        "--args-file": options.args_file is not None,
        "arguments": bool(options.args),
    }
    if sum(given.values()) > 1:
        first, second, *_ = (name for name, is_given in given.items() if is_given)
        word = f": {shown(options.args[0])}" if options.args else ""
        raise UsageError(
            f"both {first} and {second} were given{word}",
            hint=f"put all arguments into {'the file' if first == '--args-file' else first}",
        )
    if options.args_json is not None:
        if len(options.args_json) > MAX_BODY:
            raise UsageError(f"--args: more than {MAX_BODY:,} characters", hint="--args-file FILE")
        return _from_json(_parsed(options.args_json, "--args"), "--args")
    if options.args_file is not None:
        called = f"--args-file {options.args_file}"
        return _from_json(_parsed(_load(options.args_file, context), called), called)
    for number, word in enumerate(options.args, 1):
        _check_text(word, number)
    if not any(parameter.types for parameter in parameters):
        return Arguments(list(options.args), {})
    from capsule.cli.parsing.word_values import values_of

    return Arguments(values_of(options.args, parameters), {})


def _from_json(value: Any, called: str) -> Arguments:
    if isinstance(value, list):
        return Arguments(value, {})
    if isinstance(value, dict):
        return Arguments([], value)
    raise UsageError(
        f"{called}: it holds {_kind(value)}; "
        "an array (positional arguments) or an object (keywords) is needed",
        hint="--args '[1, \"two\"]'" if called == "--args" else None,
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
            f"argument {number} is not UTF-8 text: {word!a}",
            hint="pass it with --args or --args-file",
        ) from None


def _load(args_file: str, context: Context) -> bytes:
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
    return data


def _parsed(data: bytes | str, called: str) -> Any:
    try:
        return direct_json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{called}: not JSON: {error}") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _kind(value: Any) -> str:
    names = {str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
