"""What one call sets in place of what the task says: more too, and never above a ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from capsule.errors import PolicyError
from capsule.policy.caller_limits import limits_of_call
from capsule.policy.config import read_config
from capsule.policy.declaration_types import TaskDeclaration
from capsule.policy.limit_origins import LimitOrigin
from capsule.policy.project import Project
from capsule.policy.resolve import UNLIMITED, CallerLimits, Policy, resolve

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = {"compute": "LOW", "ram": "64MB", "timeout": "1s"}
TASK = TaskDeclaration("crunch", "crunch", "t.py", 3, is_async=False, options=OPTIONS)
MORE = CallerLimits(max_fuel=10**9, max_ram=1 << 30, timeout_ms=60_000)


def amounts(policy: Policy) -> tuple[int, int | None, int | None]:
    return policy.compute, policy.ram, policy.timeout_ms


def test_more_than_the_task_says(tmp_path: Path) -> None:
    policy = resolve(TASK, Project(tmp_path), limits_of_call(UNLIMITED, MORE))
    assert amounts(policy) == (10**9, 1 << 30, 60_000)
    # What the task says bounds it no more, so that raising it helps without end.
    assert policy.origins[:3] == (LimitOrigin("caller"),) * 3


def test_less_than_the_task_says_and_what_is_not_said(tmp_path: Path) -> None:
    own = CallerLimits(max_ram=1 << 20)
    policy = resolve(TASK, Project(tmp_path), limits_of_call(UNLIMITED, own))
    assert amounts(policy) == (100_000_000, 1 << 20, 1_000)


def test_in_place_of_what_all_calls_share(tmp_path: Path) -> None:
    shared = CallerLimits(max_fuel=5, timeout_ms=10, no_net=True)
    limits = limits_of_call(shared, CallerLimits(timeout_ms=5_000, no_env=True))
    assert (limits.no_net, limits.no_env, limits.no_files) == (True, True, False)
    assert amounts(resolve(TASK, Project(tmp_path), limits)) == (5, 64 << 20, 5_000)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            {"max_fuel": 2_000_000_001},
            "max_fuel: '2_000_000_001' is above the ceiling; allowed: at ",
        ),
        ({"max_ram": 2 << 30}, "max_ram: '2GB' is above the ceiling; allowed: at most '1GB' (max_"),
        ({"timeout_ms": 600_001}, "timeout: '600001ms' is above the ceiling; allowed: at most '10"),
    ],
)
def test_above_a_ceiling_is_an_error_that_names_both(tmp_path: Path, own: Any, said: str) -> None:
    config = tmp_path / "capsule.toml"
    config.write_text('[limits]\nmax_compute = "MEDIUM"\nmax_ram = "1GB"\nmax_timeout = "10m"\n')
    project = read_config(config)
    with pytest.raises(PolicyError) as refused:
        resolve(TASK, project, limits_of_call(UNLIMITED, CallerLimits(**own)))
    assert refused.value.message.startswith(f"limits: {said}")
    assert str(config) in refused.value.message
    allowed = {name: amount // 2 for name, amount in own.items()}
    limits = limits_of_call(UNLIMITED, CallerLimits(**allowed))
    assert set(allowed.values()) < set(amounts(resolve(TASK, project, limits)))


@pytest.mark.parametrize(
    ("own", "most"), [({"max_ram": 1 << 30}, "'512MB'"), ({"timeout_ms": 30_001}, "'30s'")]
)
def test_one_that_is_untrusted_gets_no_more_than_such_may_have(
    tmp_path: Path, own: Any, most: str
) -> None:
    shared = CallerLimits(untrusted=True)
    with pytest.raises(PolicyError, match=f"at most {most} .of a run that is untrusted"):
        resolve(TASK, Project(tmp_path), limits_of_call(shared, CallerLimits(**own)))
    config = tmp_path / "capsule.toml"
    config.write_text("[limits]\nuntrusted = true\n")
    with pytest.raises(PolicyError, match=f"at most {most} .of a run that is untrusted"):
        resolve(TASK, read_config(config), limits_of_call(UNLIMITED, CallerLimits(**own)))
    limits = limits_of_call(shared, CallerLimits(max_ram=512 << 20, timeout_ms=30_000))
    assert amounts(resolve(TASK, Project(tmp_path), limits))[1:] == (512 << 20, 30_000)
