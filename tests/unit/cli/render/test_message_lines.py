"""Errors and notices at the width of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.cli.render.message_lines import folded
from capsule.cli.render.terminal_text import cells


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("capsule: short", ["capsule: short"]),
        (
            "capsule: --env: 'A=1' is not the name of a variable; allowed: names of variables",
            ["capsule: --env: 'A=1' is not the name", "         of a variable; allowed: names",
             "         of variables"],
        ),
        # What goes on below is told apart from the hint, which has a margin of its own.
        (
            "capsule: the task file 'gone.py' does not exist\n  try: one of the files that there are",
            ["capsule: the task file 'gone.py' does", "         not exist",
             "  try: one of the files that there are"],
        ),
        (
            "capsule: no\n  try: ask for one of these, or for another version of it",
            ["capsule: no", "  try: ask for one of these, or for", "       another version of it"],
        ),
        (
            "timeout: it was much too slow; --timeout 30s allows more",
            ["timeout: it was much too slow;", "         --timeout 30s allows more"],
        ),
        # A path, what is quoted, and a command are whole: too long, the terminal breaks them.
        (
            "capsule: there is no /a/long/path/that/goes/on/until/the/end.py in it",
            ["capsule: there is no /a/long/path/that/goes/on/until/the/end.py", "         in it"],
        ),
        (
            "capsule: the folder 'a name with spaces in it' is gone",
            ["capsule: the folder", "         'a name with spaces in it' is", "         gone"],
        ),
        (
            "capsule: no\n  try: capsule run --mount /a/folder::/there:rw hello.py 1 2 3",
            ["capsule: no", "  try: capsule run --mount /a/folder::/there:rw hello.py 1 2 3"],
        ),
        (
            "capsule: it may use ./data, as it asks; see: capsule inspect hello.py",
            ["capsule: it may use ./data, as it asks;", "         see: capsule inspect hello.py"],
        ),
        ("capsule: the task's own file, and the user's", ["capsule: the task's own file, and the",
                                                          "         user's"]),
    ],
)  # fmt: skip
def test_lines_go_on_behind_their_label(text: str, lines: list[str]) -> None:
    assert folded(text, 39).splitlines() == lines


@given(st.text("ab é你:;,\n", max_size=200), st.integers(33, 80))
def test_nothing_is_lost_and_what_can_be_fits(text: str, width: int) -> None:
    shown = folded(f"capsule: {text}", width)
    assert shown.split() == f"capsule: {text}".split()
    for line in shown.split("\n"):
        assert cells(line) <= width or max(map(cells, line.split())) > width - len("capsule: ")


def test_a_narrow_terminal_folds_itself() -> None:
    text = "capsule: the task file 'gone.py' does not exist"
    assert folded(text, 30) == text
