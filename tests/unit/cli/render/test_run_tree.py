"""The attempts of a run as lines: they fit, do nothing to a terminal, and show what matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from capsule.cli.render.run_tree import AttemptState, run_tree
from capsule.cli.render.terminal_text import cells
from capsule.runner.observer import Which

if TYPE_CHECKING:
    from capsule.lifecycle.events import State

NOW = 10**18
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["\x1b[2J", "日本語" * 9, "a\u0301" * 40, "\u202e" * 5, "\r\n"]
)
STATES: st.SearchStrategy[State] = st.sampled_from(
    ["created", "running", "completed", "failed", "timed_out", "cancelled"]
)


def known(*made: AttemptState) -> dict[int, AttemptState]:
    return {life.which.serial: life for life in made}


def life(
    serial: int, parent: int | None = None, state: State = "running", **more: object
) -> AttemptState:
    depth = 0 if parent is None else 1
    made = AttemptState(
        Which(serial, parent, depth), "child" if depth else "main", state, NOW - 10**9
    )
    if state not in ("created", "running"):
        made = made._replace(duration_ms=15, fuel=10**8, fuel_used=45_000, ram_used=40 << 20)
    return made._replace(**more)  # type: ignore[arg-type]


def test_a_tree_of_all_states() -> None:
    many = known(
        life(1, saying="at 50 %"),
        life(2, 1, "completed"),
        life(3, 1, "failed", error_type="task_error"),
        life(4, 1, which=Which(4, 1, 1, number=1), saying="\r\x1b[2Jx"),
        life(5, 4, "timed_out", fuel_used=None, ram_used=None),
        life(6, 1, "created"),
        life(7, 1, "cancelled", duration_ms=None, fuel_used=None, ram_used=None),
    )
    assert run_tree(many, NOW, 80) == [
        ".1  main                    1 s  running             │ at 50 %",
        ".2  ├─ child              15 ms  completed           fuel 45 K of 100 M, 40 MB",
        ".3  ├─ child              15 ms  failed: task_error  fuel 45 K of 100 M, 40 MB",
        ".4  ├─ child (retry 1)      1 s  running             │ ??[2Jx",
        ".5  │  └─ child           15 ms  timed out",
        ".6  ├─ child                1 s  waiting",
        ".7  └─ child                  -  cancelled",
    ]


def test_a_narrow_screen_cuts_the_end() -> None:
    many = known(life(1), life(2, 1, "failed", error_type="memory_exceeded"))
    assert run_tree(many, NOW, 40) == [
        ".1  main          1 s  running",
        ".2  └─ child    15 ms  failed: memory_e…",
    ]


def test_what_goes_on_comes_first_where_there_is_no_room_for_all() -> None:
    many = known(life(1), *(life(serial, 1, "completed") for serial in range(2, 1_001)))
    many |= known(
        life(1_001, 1, "created"),
        life(7, 1, "failed", error_type="task_error"),
        life(5, 1),
        life(1_002, 5, "completed"),
    )
    shown = run_tree(many, NOW, 80, 8)
    assert [line.split()[0] for line in shown[:-1]] == [
        ".1",
        ".5",
        ".1002",
        ".7",
        ".999",
        ".1000",
        ".1001",
    ]
    assert shown[-1] == "(995 more: 995 completed)"
    assert run_tree(many, NOW, 80, 1) == [
        "(1,002 more: 998 completed, 1 failed: task_error, 2 running, 1 waiting)"
    ]


@st.composite
def runs(draw: st.DrawFn) -> dict[int, AttemptState]:
    made: list[AttemptState] = []
    for serial in range(1, draw(st.integers(1, 15))):
        above = draw(st.none() | st.sampled_from(made)) if made else None
        which = (
            Which(serial)
            if above is None
            else Which(serial, above.which.serial, above.which.depth + 1, draw(st.integers(0, 100)))
        )
        made.append(
            AttemptState(
                which,
                draw(TEXTS),
                draw(STATES),
                NOW - draw(st.integers(0, 10**15)),
                draw(st.none() | st.integers(0, 10**14)),
                draw(st.sampled_from(["task_error", "sandbox_crashed"])),
                draw(st.none() | st.integers(0, 10**9)),
                draw(st.none() | st.integers(0, 10**14)),
                draw(st.none() | st.integers(0, 1 << 32)),
                draw(TEXTS),
            )
        )
    return known(*made)


@given(runs(), st.integers(1, 200), st.none() | st.integers(1, 20))
def test_every_line_fits(many: dict[int, AttemptState], width: int, height: int | None) -> None:
    lines = run_tree(many, NOW, width, height)
    assert len(lines) == min(len(many), height or len(many))
    for line in lines:
        assert cells(line) <= width
        assert line.isprintable()
