"""What the meter says; `tests/integration/test_fuel_meter.py` holds it to the real program."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule import wasm
from capsule.snapshot import fuel_meter, fuel_reading
from capsule.snapshot import wasm_instructions as op

BUDGETS = st.integers(min_value=1, max_value=10**14)


def stop_for(budget: int, left: int) -> int:
    """Return the offset at which a run with `left` units stops."""
    looks = fuel_reading.last_looks(budget)
    return next(step for step, look in enumerate(looks) if left <= look) * fuel_reading.STEP_LENGTH


@given(BUDGETS, st.data())
def test_a_reading_holds_what_was_spent(budget: int, data: st.DataObject) -> None:
    spent = data.draw(st.integers(min_value=0, max_value=budget))
    reading = fuel_reading.read(budget, stop_for(budget, budget - spent))
    assert reading.low <= spent <= reading.high


@given(BUDGETS, st.data())
def test_a_reading_is_within_a_fifth_of_a_percent(budget: int, data: st.DataObject) -> None:
    spent = data.draw(st.integers(min_value=0, max_value=budget))
    middle = fuel_reading.read(budget, stop_for(budget, budget - spent)).middle
    assert abs(middle - spent) <= 0.002 * spent + fuel_reading.SMALL


@pytest.mark.parametrize("budget", [1, 10**8, 2 * 10**9, 5 * 10**10, 10**14])
def test_the_steps_reach_below_nothing_spent(budget: int) -> None:
    assert fuel_reading.last_looks(budget)[-1] > budget


def test_a_step_takes_what_is_read() -> None:
    said = (fuel_reading.SMALL_OVERHEAD, fuel_reading.MEDIUM_OVERHEAD, fuel_reading.LARGE_OVERHEAD)
    assert said == fuel_meter.OVERHEADS


def test_the_module_says_where_its_first_step_is() -> None:
    module = fuel_meter.host_module()
    step = op.call(fuel_meter.STEP)
    steps = module.source[module.first_step :][: fuel_reading.STEPS * fuel_reading.STEP_LENGTH]
    assert steps == step * fuel_reading.STEPS
    assert module.source[module.first_step - 2 : module.first_step] == op.global_set(0)


def test_the_module_is_well_formed() -> None:
    kinds = [part.kind for part in wasm.sections(fuel_meter.host_module().source)]
    assert kinds == [wasm.TYPE, wasm.FUNCTION, wasm.GLOBAL, wasm.EXPORT, wasm.CODE, wasm.CUSTOM]
