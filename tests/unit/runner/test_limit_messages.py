"""What is said when a limit was not enough: the number used, who set it, what raises it."""

from __future__ import annotations

import pytest

from capsule.policy.ceilings import RunLimits
from capsule.policy.limit_origins import Denials, LimitOrigin, LimitOrigins
from capsule.policy.resolve import Policy
from capsule.runner.limit_messages import (
    Limits,
    fuel_spent,
    limits_of,
    out_of_memory,
    out_of_time,
    too_small,
    with_denials,
)
from capsule.runner.run_budget import RunBudget

POLICY = Policy("main", 2_000_000_000, None, 1_000, 0, (), (), ())


@pytest.mark.parametrize(
    ("compute", "origin", "said"),
    [
        (100_000_000, LimitOrigin("task"), 'compute="LOW": compute="MEDIUM" allows 20x'),
        (1_500_000, LimitOrigin("task"), 'compute="1_500_000": compute="LOW" allows 67x'),
        (99_999_999, LimitOrigin("task"), 'compute="99_999_999": compute="MEDIUM" allows 20x'),
        (
            50_000_000_000,
            LimitOrigin("task"),
            'compute="HIGH": compute="500_000_000_000" allows 10x',
        ),
        (10**14, LimitOrigin("task"), 'compute="100_000_000_000_000"'),
        (
            100_000_000,
            LimitOrigin("defaults"),
            'default_compute = "LOW" in [tasks] of capsule.toml: '
            'default_compute = "MEDIUM" allows 20x',
        ),
        (
            100_000_000,
            LimitOrigin("ceiling", file="/p/capsule.toml"),
            'max_compute = "LOW" in [limits] of /p/capsule.toml: max_compute = "MEDIUM" allows 20x',
        ),
        (
            100_000_000,
            LimitOrigin("flag", 150_000_000),
            "--max-fuel LOW: --max-fuel 150_000_000 allows",
        ),
        (
            100_000_000,
            LimitOrigin("flag", 100_000_000),
            "--max-fuel LOW, and another limit is no higher",
        ),
        (
            100_000_000,
            LimitOrigin("caller"),
            'max_fuel="LOW" of the caller\'s limits: max_fuel="MEDIUM" allows 20x',
        ),
    ],
)
def test_fuel(compute: int, origin: LimitOrigin, said: str) -> None:
    message = fuel_spent(Limits(compute, None, None, LimitOrigins(compute=origin)))
    assert f" fuel, {said}" in message


def test_numbers_are_short() -> None:
    assert fuel_spent(Limits(1_500, None, None)).startswith("the task used 1,500 of 1,500 fuel")
    assert "used 1.5e9 of 1.5e9 fuel" in fuel_spent(Limits(1_512_345_678, None, None))


def test_time() -> None:
    limits = Limits(1, None, 90_000, LimitOrigins(timeout=LimitOrigin("flag")))
    assert out_of_time(limits, 90_021) == (
        "the task was stopped after 90,021 of 90,000 ms, --timeout 90s: --timeout 15m allows 10x"
    )
    week = Limits(1, None, 7 * 24 * 3_600_000, LimitOrigins(timeout=LimitOrigin("task")))
    assert out_of_time(week, 1).endswith('timeout="168h"')


def test_memory() -> None:
    limits = Limits(1, 64 << 20, None, LimitOrigins(ram=LimitOrigin("task")))
    assert out_of_memory(limits, 60 << 20, "MemoryError: no") == (
        "the task used 60 MB of 64 MB memory and asked for more, "
        'ram="64MB": ram="256MB" allows 4x (MemoryError: no)'
    )
    assert "used all of 64 MB memory" in out_of_memory(limits, None, "MemoryError")
    assert out_of_memory(Limits(1, None, None), 3 << 30, "MemoryError") == (
        "the task used 3072 MB of WebAssembly's 4GB memory and asked for more (MemoryError)"
    )


def test_less_memory_than_the_interpreter_takes() -> None:
    limits = Limits(1, 1_000, None, LimitOrigins(ram=LimitOrigin("flag")))
    said = too_small(limits, 40 << 20)
    assert said.startswith("the interpreter starts with 40 MB and may use 1,000 bytes, --max-ram")
    assert "--max-ram 80MB allows" in said
    useless = Limits(1, 20 << 20, None, LimitOrigins(ram=LimitOrigin("flag", 30 << 20)))
    assert too_small(useless, 40 << 20).endswith("may use 20 MB, --max-ram 20MB")


def test_what_the_run_has_left_is_of_the_run() -> None:
    origins = LimitOrigins(run_file="/p/capsule.toml")
    granted = POLICY._replace(compute=1_000, timeout_ms=10, origins=origins)
    limits = limits_of(granted, POLICY)
    assert limits.shared == ("compute", "timeout")
    assert fuel_spent(limits).endswith(
        "what the run has left of run_compute in [limits] of /p/capsule.toml"
    )
    assert "run_timeout" in out_of_time(limits, 11)
    assert limits_of(POLICY, POLICY).shared == ()


def test_what_the_run_has_left_bounds_what_is_proposed() -> None:
    most = RunLimits(compute=3_000_000_000, timeout_ms=60_000)
    granted = RunBudget({}, most).grant(POLICY._replace(timeout_ms=59_000))
    assert granted is not None
    assert granted.origins.compute == LimitOrigin("nobody", 3_000_000_000)
    assert granted.origins.timeout.most is not None
    assert 59_000 < granted.origins.timeout.most <= 60_000
    equal = RunLimits(compute=POLICY.compute)
    granted = RunBudget({}, equal).grant(POLICY)
    assert granted is not None
    assert fuel_spent(limits_of(granted, POLICY)).endswith("and another limit is no higher")


@pytest.mark.parametrize(
    ("message", "denials", "more"),
    [
        (
            "FileNotFoundError: x",
            Denials(files="--no-files"),
            " (--no-files takes the task's allow",
        ),
        (
            "PermissionError: x",
            Denials(files="--untrusted"),
            " (--untrusted takes the task's allow",
        ),
        ("FileNotFoundError: x", Denials(hosts="--no-net"), ""),
        ("ValueError: x", Denials(files="--no-files"), ""),
        (
            "KeyError: 'KEY'",
            Denials(variables="--no-env", names=("KEY",)),
            " (--no-env takes the task's env_variables)",
        ),
        ("KeyError: 'OTHER'", Denials(variables="--no-env", names=("KEY",)), ""),
    ],
)
def test_the_option_that_took_what_is_missing_is_named(
    message: str, denials: Denials, more: str
) -> None:
    said = with_denials(message, denials)
    assert said.startswith(message + more)
    assert bool(more) == (said != message)
