"""Every command with its arguments, options and examples, read from what is declared to typer."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

PROGRAM = "capsule"
_EXAMPLES = ("Example:", "Examples:")


class Option(NamedTuple):
    """An option: its names, the long one first; what its value is called, empty for a switch.

    `field` is the name of the parameter that it is for, `default` what holds without it, in words.
    """

    names: tuple[str, ...]
    field: str
    value: str
    help: str
    default: str = ""
    repeatable: bool = False


class Argument(NamedTuple):
    """An argument, by the name that help gives it."""

    name: str
    field: str
    help: str
    default: str = ""
    required: bool = False
    repeatable: bool = False


class Command(NamedTuple):
    """A command, or a group of them: `words` are its name behind that of the program.

    `text` are the paragraphs of what it does, the first a sentence.
    """

    words: tuple[str, ...]
    text: tuple[str, ...]
    examples: tuple[str, ...]
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        """What to type for it, like `capsule toolchain list`."""
        return " ".join((PROGRAM, *self.words))

    @property
    def synopsis(self) -> str:
        """How a line with it looks."""
        pieces = [self.name]
        if self.options:
            pieces.append("[OPTIONS]")
        if self.commands:
            pieces.append("COMMAND")
        for argument in self.arguments:
            name = f"{argument.name}..." if argument.repeatable else argument.name
            pieces.append(name if argument.required else f"[{name}]")
        return " ".join(pieces)

    def option(self, name: str) -> Option | None:
        """Return the option of this name, with its dashes."""
        return next((option for option in self.options if name in option.names), None)

    def command(self, name: str) -> Command | None:
        """Return the command of this name in a group."""
        return next((command for command in self.commands if command.words[-1] == name), None)


HELP = Option(("--help", "-h"), "help", "", "Show this text.")


def described(command: Any, words: Sequence[str]) -> Command:
    """Return one command of typer, with those below it; `words` are its name."""
    text, examples = _parts(command.help or "")
    parameters = [each for each in command.params if not getattr(each, "hidden", False)]
    below = getattr(command, "commands", {})
    return Command(
        tuple(words),
        text,
        examples,
        tuple(_argument(each) for each in parameters if each.param_type_name == "argument"),
        (*(_option(each) for each in parameters if each.param_type_name == "option"), HELP),
        tuple(described(each, (*words, name)) for name, each in below.items()),
    )


def everything(command: Command) -> Iterator[Command]:
    """Yield a command and all below it, in the order in which help lists them."""
    yield command
    for below in command.commands:
        yield from everything(below)


def _argument(parameter: Any) -> Argument:
    return Argument(
        parameter.metavar or parameter.name.upper(),
        parameter.name,
        parameter.help or "",
        _default(parameter),
        parameter.required,
        parameter.nargs != 1,
    )


def _option(parameter: Any) -> Option:
    return Option(
        tuple(sorted(parameter.opts, key=len, reverse=True)),
        parameter.name,
        "" if parameter.is_flag else parameter.metavar or "VALUE",
        parameter.help or "",
        _default(parameter),
        parameter.multiple,
    )


def _default(parameter: Any) -> str:
    said = getattr(parameter, "show_default", None)
    return said if isinstance(said, str) else ""


def _parts(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paragraphs of a docstring and its examples, a block of indented lines each."""
    paragraphs: list[str] = []
    examples: list[str] = []
    for block in text.strip().split("\n\n"):
        if block.startswith("  "):
            examples.append("\n".join(line.removeprefix("  ") for line in block.splitlines()))
        elif block not in _EXAMPLES:
            paragraphs.append(" ".join(block.split()))
    return tuple(paragraphs), tuple(examples)
