"""Write docs/cli.md from the commands: `python -m scripts.write_cli_page`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.cli.app import app
from capsule.cli.grammar.command_model import everything
from capsule.cli.grammar.command_tree import command_tree
from capsule.cli.grammar.help import named, with_default
from scripts import cli_page_texts as texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from capsule.cli.grammar.command_model import Command

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
# What the help of each command has, said once.
_EVERYWHERE = "help"


def page() -> str:
    """Return the whole page."""
    return "\n".join(_blocks())


def _blocks() -> Iterator[str]:
    root = command_tree(app)
    yield texts.INTRO
    commands = list(everything(root))
    yield from _list(command for command in commands if not command.commands)
    for command in commands:
        yield from _command(command)
    yield "## Exit codes\n"
    yield from _table(("code", "when"), {f"{code}": when for code, when in _all_codes().items()})
    yield texts.ERRORS
    yield "## Environment\n"
    yield from _table(("variable", "what it does"), _code(texts.ENVIRONMENT))
    yield texts.ENVIRONMENT_TEXT
    yield "## Files\n"
    yield from _table(("file", "holds"), _code(texts.FILES))
    yield texts.FILES_TEXT
    yield texts.SEE_ALSO.rstrip("\n") + "\n"


def _list(commands: Iterable[Command]) -> Iterator[str]:
    rows = {
        f"[`{command.name}`](#{command.name.replace(' ', '-')})": _plain(command.text[0])
        for command in commands
    }
    yield from _table(("command", ""), rows)


def _command(command: Command) -> Iterator[str]:
    level = "##" if len(command.words) < 2 else "###"
    yield f"{level} {command.name}\n"
    yield f"    {command.synopsis}\n"
    yield from (f"{_plain(paragraph)}\n" for paragraph in command.text)
    arguments = {
        f"`{argument.name}`": _plain(with_default(argument)) for argument in command.arguments
    }
    options = {
        f"`{named(option)}`": _plain(with_default(option))
        for option in command.options
        if option.field != _EVERYWHERE or not command.words
    }
    yield from _table(("argument", "meaning"), arguments)
    yield from _table(("option", "meaning"), options)
    for example in command.examples:
        yield f"```sh\n{example}\n```\n"
        if example in texts.OUTPUTS:
            yield f"```text\n{texts.OUTPUTS[example]}\n```\n"
    codes = texts.EXIT_CODES.get(command.name, {})
    if codes:
        said = "; ".join(f"{code} {when}" for code, when in codes.items())
        yield f"Exit codes: {said}; and [those of all](#exit-codes).\n"


def _all_codes() -> dict[int, str]:
    shared = texts.SHARED_CODES
    of_some = {
        1: "`run`, `exec`: the task failed",
        124: "`run`, `exec`: the task, or fetching its packages, took longer than its timeout",
    }
    return dict(sorted((shared | of_some).items()))


def _code(rows: Mapping[str, str]) -> dict[str, str]:
    return {f"`{name}`": about for name, about in rows.items()}


def _table(heads: tuple[str, str], rows: Mapping[str, str]) -> Iterator[str]:
    if not rows:
        return
    lines = [f"| {heads[0]} | {heads[1]} |", "|---|---|"]
    lines += [f"| {name.replace('|', chr(92) + '|')} | {about} |" for name, about in rows.items()]
    yield "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Keep what Markdown would take for something else; options are shown as code."""
    for mark in "*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return re.sub(r"(?<![\w-])--(?:[a-z][a-z-]*)?(?![\w-])", r"`\g<0>`", text)


if __name__ == "__main__":
    PAGE.write_text(page())
