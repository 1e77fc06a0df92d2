"""Sources that may be costly to parse are read in a process of its own, under limits."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

import pytest

from capsule.errors import CapsuleError, GivenUpError, TooCostlyError, UsageError
from capsule.policy import parse_cost
from capsule.policy.declaration_types import encode
from capsule.policy.parse_cost import is_cheap
from capsule.process.cancel import Cancellation
from capsule.runner import parser_process
from capsule.runner.literal_codec import pack
from capsule.runner.source import read_file, read_text
from capsule.runner.source_analysis import SourceAnalysis

if TYPE_CHECKING:
    from pathlib import Path

TASK = b"import json, csv\nfrom capsule import task\n@task(%s)\ndef main(): pass\n"
LARGE = b"x = [1, 2]\n" * 3000
LITERALS = [
    b"name='x', ram='64MB', compute=5, max_retries=2",
    b"allowed_hosts=('a.com', ['b'], {'c': (1.5, -2, True, None)})",
    b"compute=0x" + b"f" * 4000,
    b"compute=(1j, 1e999, b'\\xff', ..., '\\ud800')",
]


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be parsed in this process."""
    monkeypatch.setattr(ast, "parse", None)


@pytest.mark.parametrize(
    "source",
    [
        LARGE,
        b"f'{x}'\n" * 1000,
        b"""f'{f"{x}"}'\n""" * 500,
        b"f'" + b"{x}" * 2000 + b"'",
        b"(lambda:0)\n" * 1000,
        b"lambda:" * 1500 + b"0",
        b"'\\q'\n" * 4000,
        (b"9" * 4300 + b"\n") * 20,
        "\N{LATIN SMALL LIGATURE FI}".encode() * 4000,
        b"a<" * 9000 + b"b",
    ],
)
@pytest.mark.usefixtures("no_parser")
def test_what_may_be_costly_is_parsed_elsewhere(source: bytes) -> None:
    assert not is_cheap(source)
    analysis = SourceAnalysis(None, "")
    try:
        assert analysis.imports(b"import json\n" + source, "t.py") == ["json"]
        assert analysis.declarations(b"import json\n" + source, "t.py").tasks == ()
    except UsageError as refused:
        assert refused.message.startswith("t.py: an expression or a block is nested too deeply")  # noqa: PT017


@pytest.mark.parametrize("options", LITERALS)
def test_what_is_small_is_parsed_here(options: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    source = TASK % options
    assert is_cheap(source)
    monkeypatch.setattr(parser_process, "read", None)
    assert SourceAnalysis(None, "").imports(source, "t.py") == ["json", "csv", "capsule"]
    assert len(SourceAnalysis(None, "").declarations(source, "t.py").tasks) == 1


def outcome(source: bytes, filename: str) -> object:
    analysis = SourceAnalysis(None, "")
    try:
        names, found = analysis.imports(source, filename), analysis.declarations(source, filename)
        return names, found.filename, pack(encode(found))
    except CapsuleError as error:
        return type(error), error.message, error.hint


@pytest.mark.parametrize(
    "source",
    [
        *(TASK % options for options in LITERALS),
        TASK % b"f()",
        TASK % b"rum='1GB'",
        b"x = 1\ndef (:",
        b"\xff = 1",
        b"# coding: utf-7\n",
        b"x = '\0'",
        b"(" * 300,
        b"-" * 20_000 + b"1",
    ],
)
def test_it_finds_and_says_the_same(source: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_cost, "is_cheap", lambda _: True)
    here = outcome(source, "a\x1b b.py")
    monkeypatch.setattr(parse_cost, "is_cheap", lambda _: False)
    assert outcome(source, "a\x1b b.py") == here


def read(source: bytes = LARGE, cancellation: Cancellation | None = None) -> object:
    return parser_process.read(source, "t.py", 30, cancellation)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_process, "MAX_MEMORY", 100 << 20)
    with pytest.raises(UsageError) as caught:
        SourceAnalysis(None, "").imports(b"x = [1, 2]\n" * 30_000, "t.py")
    assert caught.value.message.startswith("t.py: ")
    assert caught.value.exit_code == 2


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_process, "_PROGRAM", "while True: pass")
    with pytest.raises(TooCostlyError, match=r"t.py: reading it, and what it imports, takes more"):
        parser_process.read(LARGE, "t.py", 1, None)
    with pytest.raises(TooCostlyError):
        parser_process.read(LARGE, "t.py", 0.5, None)


@pytest.mark.parametrize(
    "program",
    [
        "",
        "print('{')",
        "print('[]')",
        "print('[' * 10**5)",
        "print('x' * (3 << 20))",
        "1 / 0",
        'print(\'{"seconds": "x"}\')',
        "import sys; sys.stdin.close(); print('null')",
    ],
)
def test_an_answer_that_is_none_is_a_refusal(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_process, "_PROGRAM", program)
    with pytest.raises(TooCostlyError):
        read()


@pytest.mark.parametrize(
    "said",
    ["'x'", "[1]", "None", "{'dict': 5}", "{'list': [{'code': ['print()']}]}", "{'int': 'x'}"],
)
def test_findings_are_data(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = f"{{'seconds': 0, 'imports': {{'found': {said}}}, 'declared': {{'found': {said}}}}}"
    monkeypatch.setattr(parser_process, "_PROGRAM", f"import json; print(json.dumps({told}))")
    analysis = SourceAnalysis(None, "")
    for ask in (analysis.imports, analysis.declarations):
        with pytest.raises(TooCostlyError):
            ask(LARGE, "t.py")


def test_cancelling_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_process, "_PROGRAM", "while True: pass")
    with Cancellation() as cancellation:
        cancellation.cancel()
        with pytest.raises(GivenUpError):
            read(cancellation=cancellation)


@pytest.mark.skipif(not hasattr(os, "listxattr"), reason="needs Linux")
def test_nothing_is_left_of_it() -> None:
    before = set(os.listdir("/proc/self/fd"))
    read()
    assert set(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.py").write_bytes(LARGE)
    (tmp_path / "two.py").write_bytes(b"import three\n" + LARGE)
    (tmp_path / "t.py").write_text("import one, two\ndef main(): pass\n")
    return tmp_path


def test_all_files_of_a_task_have_one_budget(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(read_file(folder / "t.py", folder).bundle.files) == {"t.py", "one.py", "two.py"}
    program = "import json; print(json.dumps({'seconds': 16, 'imports': {'found': []}}))"
    monkeypatch.setattr(parser_process, "_PROGRAM", program)
    assert read_file(folder / "t.py", folder)
    (folder / "two.py").write_bytes(b"import json\n" * 5000)
    (folder / "one.py").write_bytes(b"import two\n" * 5000)
    monkeypatch.setattr(parser_process, "_PROGRAM", program.replace("16", "29.5"))
    with pytest.raises(TooCostlyError):
        read_file(folder / "t.py", folder)


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_no_memory_is_a_refusal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(SourceAnalysis, "imports", fail)
    with pytest.raises(UsageError, match=r"t.py: .* takes too much memory"):
        read_file(folder / "t.py", folder)
    with pytest.raises(UsageError, match=r"<stdin>: .* takes too much memory"):
        read_text(b"x = 1", folder)
