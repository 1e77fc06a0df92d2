"""The help of every command: complete, in 80 columns, in words that say something."""

from __future__ import annotations

import pytest

from capsule.cli.app import app
from capsule.cli.grammar import command_model
from capsule.cli.grammar import help as help_text
from capsule.cli.grammar.command_tree import command_tree

ROOT = command_tree(app)
COMMANDS = list(command_model.everything(ROOT))
named = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


@named
def test_it_fits_and_is_complete(command: command_model.Command) -> None:
    text = help_text.text(command)
    lines = text.splitlines()
    assert lines[0] == f"Usage: {command.synopsis}"
    assert max(map(len, lines)) <= 80
    assert text.isprintable() or set(filter(lambda char: not char.isprintable(), text)) == {"\n"}
    assert "<bool>" not in text
    assert "[[" not in command.synopsis
    for option in command.options:
        assert f"  {help_text.named(option)}" in text
    for below in command.commands:
        assert f"\n  {below.words[-1]} " in text


@named
def test_every_command_says_what_it_does_and_how(command: command_model.Command) -> None:
    assert command.text[0].endswith((".", "itself."))
    assert command.text[0][0].isupper()
    assert bool(command.examples) != bool(command.commands)
    said = [argument.help for argument in command.arguments]
    for text in (*said, *(option.help for option in command.options)):
        assert text.endswith("."), text
        assert text[0].isupper(), text
    for example in command.examples:
        assert f"{command.name} " in f"{example} ", example


def test_usage_lines() -> None:
    synopses = {command.name: command.synopsis for command in COMMANDS}
    assert synopses["capsule"] == "capsule [OPTIONS] COMMAND"
    assert synopses["capsule run"] == "capsule run [OPTIONS] [FILE] [ARGS...]"
    assert synopses["capsule exec"] == "capsule exec [OPTIONS] ARTIFACT.wasm [ARGS...]"
    assert synopses["capsule trace"] == "capsule trace [OPTIONS] [RUN]"
