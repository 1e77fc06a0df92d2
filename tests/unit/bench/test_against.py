"""A comparison with an older revision: its pairs, its words, and what is installed."""

from __future__ import annotations

import argparse
import itertools
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scripts.bench import arguments, pairs, sides
from scripts.bench.timing import Row, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARTS = ("processes", "exec", "read")


def test_the_sides_take_turns_and_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "_LONGEST", 0.0)
    done = ""

    def of(name: str) -> Callable[[], tuple[float, float]]:
        def turn() -> tuple[float, float]:
            nonlocal done
            done += name
            return len(done), -len(done)

        return turn

    taken = pairs.by_pairs(4, of("p"), of("o"))
    assert done == "popopo" + "poop" * 2
    assert taken == [
        pairs.Pairs([7, 10, 11, 14], [8, 9, 12, 13]),
        pairs.Pairs([-7, -10, -11, -14], [-8, -9, -12, -13]),
    ]


def test_turns_are_taken_until_the_ratio_is_sure() -> None:
    [taken] = pairs.by_pairs(4, lambda: (1.01,), lambda: (1.0,))
    assert len(taken.ratios) == 4
    # A slow turn at the beginning is in the interval until there are enough others.
    slow = itertools.chain([1.0] * 3, [2.0], itertools.repeat(1.01))
    [taken] = pairs.by_pairs(2, lambda: (next(slow),), lambda: (1.0,))
    assert len(taken.ratios) == 12
    assert pairs.interval(taken.ratios) == (1.01, 1.01)


def test_the_ratio_is_of_pairs_and_not_of_medians() -> None:
    """The machine is slow in other pairs than those in the middle."""
    row = pairs.row("exec", "1234567", pairs.Pairs([1.0, 4.0, 30.0], [2.0, 4.0, 10.0]))
    assert row == Row("exec", 4.0, 4.0, "1234567", paired=1.0, note="0.500-3.000, 3")
    assert pairs.row("exec", "1234567", pairs.Pairs([2.0, 9.0, 9.0], [1.0, 9.0, 3.0])).paired == 2.0


def test_a_rate_is_turned_over() -> None:
    """Twice as long is half as many."""
    row = pairs.row("map", "1234567", pairs.Pairs([2.0, 2.0], [1.0, 1.0]), items=50)
    assert row == Row("map", 25.0, 50.0, "1234567", rate=True, paired=0.5, note="0.500-0.500, 2")


def test_the_interval_of_a_median() -> None:
    # Of a hundred, the 40th and the 61st: as in tables of the sign test.
    assert pairs.interval([float(number) for number in range(100, 0, -1)]) == (40.0, 61.0)
    assert pairs.interval([3.0, 1.0, 2.0]) == (1.0, 3.0)
    assert pairs.interval([1.0]) == (1.0, 1.0)


def test_what_is_timed_says_how_long_it_and_its_programs_took() -> None:
    busy = [sys.executable, "-c", "for _ in range(100_000): pass"]
    seconds, processor = pairs.timed(lambda: subprocess.run(busy, check=True))()
    assert seconds > 0
    assert processor > 0
    # A clock of the processor may tick meanwhile.
    assert pairs.timed(list)()[1] < processor


def test_a_row_of_pairs() -> None:
    row = pairs.row("w" * 41, "1234567", pairs.Pairs([1.0] * 1000, [0.9995] * 1000))
    head, line = table([row], pairs.LAST).split("\n")
    assert head.split() == ["what", "median", "against", "ratio", *pairs.LAST.split()]
    assert line == f"{'w' * 41}   1.00 s 1234567 999.5 ms        1.001  1.001-1.001, 1000"
    assert len(line) <= 100


def test_a_row_without_pairs_is_as_it_was() -> None:
    row = Row("exec", 0.058, 0.011, "peer", bound=6.0)
    head, line = table([row]).split("\n")
    assert head.endswith("  ratio  promised")
    assert line == f"{'exec':<41}  58.0 ms {'peer 11.0 ms':<22}   5.27  <= 6  ok"


def test_all_parts_are_measured_unless_some_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "commit", lambda _: "0" * 40)
    kept = ["--against", "main", "--kept", "somewhere"]
    assert arguments.parse([], PARTS, PARTS[:2]).only == list(PARTS)
    assert arguments.parse(kept, PARTS, PARTS[:2]).only == ["processes", "exec"]
    assert arguments.parse([*kept, "--only", "exec"], PARTS, PARTS[:2]).only == ["exec"]
    assert arguments.parse(["--only", "read"], PARTS, PARTS[:2]).only == ["read"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--kept", "k", "--only", "exec", "read"],
            "argument --only: read cannot be compared with a revision; what can is processes, exec",
        ),
        (["--kept", "k", "--peer", "p"], "neither a peer nor a lab is compared"),
        (["--kept", "k", "--session-peers", "p"], "neither a peer nor a lab is compared"),
        (["--kept", "k", "--lab", "p"], "neither a peer nor a lab is compared"),
        ([], "it needs --kept"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    words: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(arguments, "commit", lambda _: "0" * 40)
    with pytest.raises(SystemExit):
        arguments.parse(["--against", "main", *words], PARTS, PARTS[:2])
    assert message in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_a_revision_is_found_by_git(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        asked = ["git", *identity, *words]
        return subprocess.run(
            asked, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    head = git("rev-parse", "HEAD")
    assert sides.commit("HEAD", tmp_path) == sides.commit(head[:8], tmp_path) == head
    for wrong in ("nowhere", "--all", "HEAD:no", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is no revision of this repository"):
            sides.commit(wrong, tmp_path)
    with pytest.raises(SystemExit):
        arguments.parse(["--against", "nowhere"], PARTS, PARTS)
    assert "argument --against: 'nowhere' is no revision" in capsys.readouterr().err


def test_libraries_that_differ() -> None:
    assert sides.differing("a==1\nb==2", "a==1\nb==2") == []
    assert sides.differing("a==1\nb==2", "b==2\nc==1") == ["a==1", "c==1"]


def test_what_can_only_be_compared_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    comparable = [*PARTS, "memory"]
    with pytest.raises(SystemExit):
        arguments.parse(["--only", "exec", "memory"], PARTS, comparable)
    assert "argument --only: memory can only be compared: --against REV" in capsys.readouterr().err
    monkeypatch.setattr(arguments, "commit", lambda _: "0" * 40)
    words = ["--against", "main", "--kept", "somewhere", "--only", "memory"]
    assert arguments.parse(words, PARTS, comparable).only == ["memory"]
