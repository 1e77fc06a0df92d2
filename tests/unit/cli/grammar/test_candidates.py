"""What can come next on a line, without a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.cli.app import app
from capsule.cli.grammar import candidates, command_model
from capsule.cli.grammar.command_tree import command_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = command_tree(app)
ANYTHING = [("one", "the first"), ("two words", ""), ("three-3", "")]


def lookup(field: str) -> Iterable[tuple[str, str]]:
    assert field in candidates.WORDS
    return ANYTHING


def offered(line: str) -> list[str]:
    found = candidates.answer(ROOT, candidates.split(line)[1:], lookup)
    assert found.kind == "words"
    return [f"{found.before}{word}" for word, _ in found.rows]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("capsule wor", ["worker"]),
        ("capsule toolchain ", ["install", "list", "verify", "export", "import", "remove"]),
        ("capsule --", ["--version", "--help"]),
        ("capsule ps --w", ["--watch"]),
        ("capsule ps --json --", ["--watch", "--help"]),
        ("capsule run --json --j", []),
        ("capsule run --mount a --mou", ["--mount"]),
        ("capsule run x.py --timeout ", []),
        ("capsule run x.py --max-fuel t", ["three-3"]),
        ("capsule run x.py --max-fuel=o", ["--max-fuel=one"]),
        ("capsule run x.py --json=", []),
        ("capsule run x.py --no-such=", []),
        ("capsule run x.py --mount data:", ["data:ro", "data:rw"]),
        ("capsule run x.py --mount=data::x:rw", ["--mount=data::x:rw"]),
        ("capsule trace o", ["one"]),
        ("capsule trace one ", []),
        ("capsule ps ", []),
        ("capsule nonsense ", [each.words[0] for each in ROOT.commands]),
        ("capsule help cache p", ["prune"]),
        ("capsule help ps ", []),
        ("capsule cache prune --older-than ", []),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert offered(line) == words


@pytest.mark.parametrize(
    ("line", "kind", "end", "word"),
    [
        ("capsule run ", "files", ".py", ""),
        ("capsule run 'my fi", "files", ".py", "my fi"),
        ("capsule run my\\ fi", "files", ".py", "my fi"),
        ("capsule run x.py any", "files", "", "any"),
        ("capsule run x.py -- --any", "files", "", "--any"),
        ("capsule exec ", "files", ".wasm", ""),
        ("capsule build -o ", "files", ".wasm", ""),
        ("capsule run x.py --mount da", "files", "", "da"),
        ("capsule toolchain import ", "files", "", ""),
    ],
)
def test_files_are_left_to_the_shell(line: str, kind: str, end: str, word: str) -> None:
    found = candidates.answer(ROOT, candidates.split(line)[1:], lookup)
    assert (found.kind, found.end, found.word) == (kind, end, word)


def test_something_is_decided_for_every_value() -> None:
    commands = list(command_model.everything(ROOT))
    values = {argument.field for command in commands for argument in command.arguments}
    values |= {option.field for command in commands for option in command.options if option.value}
    # `help` is completed like the line itself.
    known = {*candidates.FILES, *candidates.WORDS, *candidates.FREE, candidates.MOUNTS, "command"}
    assert values == known
