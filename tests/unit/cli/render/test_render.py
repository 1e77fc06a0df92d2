"""Runs as text: whatever a task chose, every line fits, and does nothing to a terminal."""

from __future__ import annotations

import doctest
import importlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.cli.render import attempt_details
from capsule.cli.render.ps import ps_lines
from capsule.cli.render.run_list import run_list
from capsule.cli.render.terminal_text import cells, wrapped
from capsule.cli.render.trace import trace
from capsule.lifecycle.reader import Node, Run, Summary
from capsule.lifecycle.schema import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 10**18
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["\x1b[2J", "日本語" * 9, "a\u0301" * 40, "\u202e" * 5]
)


def attempt(**changes: object) -> Attempt:
    made = Attempt(
        id="0123456789abcdef.1", run="0123456789abcdef", parent=None, retry_of=None, depth=0,
        number=0, task="main", file="hello.py", state="completed", created_ns=NOW,
        started_ns=NOW + 10**6, ended_ns=NOW + 10**9, elapsed_ns=10**9, host="h", host_pid=1,
        host_started="s", compute=100_000_000, ram=64 << 20, timeout_ms=5_000, landlock=7,
        seccomp=1, how="cold", fuel_consumed=45_000, ram_used=40 << 20, duration_ms=900,
        error_type=None, message=None, traceback=None, truncated_bytes=0, host_requests="[]",
        stdout="", stderr="",
    )  # fmt: skip
    return made._replace(**changes)  # type: ignore[arg-type]


def test_an_error_breaks_between_words_and_output_where_it_has_to() -> None:
    text = " ".join(["word"] * 14)
    failed = attempt(state="failed", error_type="timeout", message=text, stdout=text)
    assert list(attempt_details.details(Node(failed), 80))[-4:] == [
        "  stdout   │ " + text[:67],
        "           │ rd",
        "  error    │ timeout: " + " ".join(["word"] * 11),
        "           │ word word word",
    ]


@st.composite
def attempts(draw: st.DrawFn, number: int = 1) -> Attempt:
    state = draw(st.sampled_from(["created", "running", "completed", "failed", "timed_out"]))
    ps_lines = state in ("created", "running")
    url = draw(TEXTS)
    return attempt(
        id=f"0123456789abcdef.{number}",
        task=draw(TEXTS),
        file=draw(st.none() | TEXTS),
        state=state,
        created_ns=NOW + draw(st.integers(0, 10**12)),
        started_ns=None if state == "created" else NOW + draw(st.integers(0, 10**12)),
        elapsed_ns=None if ps_lines else draw(st.none() | st.integers(0, 10**15)),
        number=draw(st.integers(0, 100)),
        ram=draw(st.none() | st.integers(1, 1 << 32)),
        compute=draw(st.integers(0, 10**14)),
        fuel_consumed=draw(st.none() | st.integers(0, 10**14)),
        duration_ms=draw(st.none() | st.integers(0, 10**9)),
        stdout=draw(st.none() | TEXTS),
        error_type=draw(st.none() | st.just("task_error")),
        message=draw(TEXTS),
        traceback=draw(st.none() | TEXTS),
        host_requests=json.dumps([{"method": "GET", "url": url, "status": None, "error": url}]),
    )


@st.composite
def trees(draw: st.DrawFn) -> Node:
    below = tuple(
        Node(draw(attempts(number)), (Node(draw(attempts(number + 10))),) * draw(st.booleans()))
        for number in range(2, 2 + draw(st.integers(0, 3)))
    )
    return Node(draw(attempts()), below)


def check(lines: list[str], width: int) -> None:
    assert lines
    for line in lines:
        assert cells(line) <= width, line
        assert line.isprintable(), repr(line)


@given(trees(), st.integers(40, 200))
def test_one_run(tree: Node, width: int) -> None:
    check(list(trace(Run("0123456789abcdef", (tree,)), NOW, width)), width)


@given(trees(), st.integers(40, 200))
def test_what_runs(tree: Node, width: int) -> None:
    check(list(ps_lines([tree, tree], NOW, width)), width)


@given(attempts(), st.integers(40, 200))
def test_a_list(row: Attempt, width: int) -> None:
    check(list(run_list([Summary(row, row.created_ns, 3)], NOW, width)), width)


def test_a_long_output_shows_both_ends() -> None:
    printed = "".join(f"line {number}\n" for number in range(100))
    lines = list(trace(Run("r", (Node(attempt(stdout=printed)),)), NOW, 80))
    assert "  stdout   │ line 0" in lines
    assert "             (76 lines more: --json shows all)" in lines
    assert "           │ line 99" in lines


def test_a_very_long_output_is_not_read_for_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def counted(text: str, width: int, *, words: bool) -> Iterator[str]:
        nonlocal read
        read += len(text)
        return wrapped(text, width, words=words)

    monkeypatch.setattr(attempt_details, "wrapped", counted)
    printed = "".join(f"line {number}\n" for number in range(9_000))
    for text in (printed, "ab" * 40_000, "\u0301" * 80_000, "\n" * 80_000):
        row = attempt(stdout="first\n" + text + "\nlast\n")
        lines = list(trace(Run("r", (Node(row),)), NOW, 80))
        assert "  stdout   │ first" in lines
        assert (
            f"             ({len(row.stdout or ''):,} characters in all: --json shows them)"
            in lines
        )
        assert lines[-1] == "           │ last"
        check(lines, 80)
    assert read < 10_000


def test_a_call_that_was_refused_was_granted_nothing() -> None:
    row = attempt(compute=0, fuel_consumed=None, ram=None, timeout_ms=None, how=None)
    lines = list(trace(Run("r", (Node(row),)), NOW, 80))
    assert "  fuel     not known" in lines


@pytest.mark.parametrize("name", ["terminal_text", "human_units", "tree_lines", "timeline"])
def test_the_examples_in_docstrings(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"capsule.cli.render.{name}"))
    assert done.attempted
    assert not done.failed
