"""What is needed for the sandbox, from what wheels say."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from capsule.errors import UsageError
from capsule.packages.builtin_distributions import Included
from capsule.packages.dependency_graph import TASK, Need, Reached, walk, who
from capsule.packages.wheel import Wheel

TABLE = {
    "numpy": Included("numpy", "2.5.2", True, ("numpy",), ()),
    "frames": Included(
        "frames", "3.0", True, ("frames",), ("numpy",), (("excel", ("sheets>=1", "numpy")),)
    ),
}


def wheel(name: str, *requires: str, version: str = "1.0") -> Wheel:
    return Wheel(Path(f"{name}.whl"), name, version, tuple(map(Requirement, requires)))


def reach(*roots: str, wheels: tuple[Wheel, ...] = ()) -> Reached:
    return walk(map(Requirement, roots), {each.name: each for each in wheels}, TABLE)


def names(reached: Reached) -> list[str]:
    return [each.name for each in reached.wheels]


def asked(reached: Reached) -> list[str]:
    return [str(each) for each in reached.asked()]


def test_nothing_is_known_at_first() -> None:
    reached = reach("b[x]>1", "a", "b<3", "numpy>=2")
    assert reached.wheels == ()
    assert reached.included == {"numpy"}
    assert asked(reached) == ["a", "b<3,>1"]


def test_down_the_tree() -> None:
    reached = reach("a", wheels=(wheel("a", "b", "numpy"), wheel("b", "c>=1", "a"), wheel("c")))
    assert names(reached) == ["a", "b", "c"]
    assert not reached.missing
    assert reached.included == {"numpy"}


def test_markers_are_those_of_the_sandbox() -> None:
    a = wheel(
        "a",
        "windows; sys_platform == 'win32'",
        "linux; sys_platform == 'linux'",
        "old; python_version < '3.15'",
        "pypy; platform_python_implementation == 'PyPy'",
        "machine; platform_machine == 'x86_64'",
        "sandbox; sys_platform == 'wasi' and python_full_version >= '3.15.0'",
    )
    assert asked(reach("a", wheels=(a,))) == ["sandbox"]


def test_extras() -> None:
    a = wheel("a", "always", "fast; extra == 'Speed_Ups'", "never; extra == 'other'")
    assert asked(reach("a", wheels=(a,))) == ["always"]
    assert asked(reach("a[speed.ups]", wheels=(a,))) == ["always", "fast"]
    # The extra comes from further down, after the walk was there.
    assert asked(reach("a", "b", wheels=(a, wheel("b", "a[speed-ups]")))) == ["always", "fast"]


def test_an_extra_that_asks_for_another() -> None:
    a = wheel("a", "a[one,two]; extra == 'all'", "b; extra == 'one'", "c; extra == 'two'")
    assert asked(reach("a[all]", wheels=(a,))) == ["b", "c"]


def test_an_extra_of_an_included_distribution() -> None:
    reached = reach("frames[excel]")
    assert asked(reached) == ["sheets>=1"]
    assert reached.included == {"frames", "numpy"}
    assert reached.missing["sheets"] == (Need(Requirement("sheets>=1"), "frames 3.0"),)


def test_a_wheel_that_does_not_fit_is_missing() -> None:
    reached = reach("a", "b", wheels=(wheel("a", "b<2"), wheel("b", version="2.0")))
    assert names(reached) == ["a"]
    assert asked(reached) == ["b<2"]


def test_a_version_before_its_release_fits_when_it_was_brought() -> None:
    assert names(reach("a>=1", wheels=(wheel("a", version="2.0rc1"),))) == ["a"]


def test_what_nobody_needs_is_left_out() -> None:
    assert names(reach("a", wheels=(wheel("a"), wheel("left-over", "more")))) == ["a"]


def test_the_task_asks_for_another_version_of_what_is_included() -> None:
    with pytest.raises(UsageError) as caught:
        reach("a", "numpy<2")
    assert caught.value.message == "the task needs numpy<2, and the interpreter brings numpy 2.5.2"
    assert caught.value.hint == 'write "numpy" without a version'


def test_a_wheel_asks_for_another_version_of_what_is_included() -> None:
    with pytest.raises(UsageError) as caught:
        reach("a", wheels=(wheel("a", "numpy>=3"),))
    assert caught.value.message == "a 1.0 needs numpy>=3, and the interpreter brings numpy 2.5.2"
    assert caught.value.hint == "ask for another version of a"


def test_a_wheel_that_gives_way_may_ask_for_anything() -> None:
    """b 2.0 is not what a wants, so what b 2.0 wants does not matter."""
    wheels = (wheel("a", "b<2"), wheel("b", "numpy<1", version="2.0"))
    assert asked(reach("a", "b", wheels=wheels)) == ["b<2"]


def test_who_asks() -> None:
    needs = [Need(Requirement("x"), by) for by in ("d 1", "b 1", TASK, "c 1", "b 1")]
    assert who(needs) == "needed by the task and b 1 and c 1 and others"
