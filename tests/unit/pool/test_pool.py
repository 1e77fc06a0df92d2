"""Processes that wait: started, used once, replaced, and ended."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

from capsule.pool.pool import Pool
from capsule.pool.prestarted_process import terms_of
from capsule.pool.quota import Quota
from capsule.process.argv import Mount
from capsule.runner.limit_messages import Limits
from tests.unit.pool.conftest import WAITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule.process.sandbox_process import SandboxProcess
    from tests.unit.pool.conftest import Plans

SECONDS = 20


@pytest.fixture
def quota() -> Quota:
    return Quota(processes=10, size=1 << 30)


@pytest.fixture
def pool(quota: Quota) -> Iterator[Pool]:
    with Pool(2, quota=quota) as pool:
        yield pool
    assert repr(quota) == "<Quota 0 of 10 wait, with 0 MB>"
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("capsule-")]


def waiting_pids() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_it_is_filled_and_each_is_used_once(pool: Pool, plans: Plans) -> None:
    plan = plans()
    pool.expect(plan)
    assert pool.wait_until_ready(SECONDS)
    first = waiting_pids()
    assert (pool.waiting, len(first)) == (2, 2)
    used = []
    for _ in range(5):
        with pool.start(plan) as started:
            used.append(started.process.pid)
        assert pool.wait_until_ready(SECONDS)
    assert len(set(used)) == 5
    assert set(used[:2]) == first
    assert pool.waiting == 2


def test_none_left_and_one_is_started_at_once(plans: Plans, quota: Quota) -> None:
    plan = plans("assert receive() == REQUEST")
    with Pool(0, quota=quota) as pool:
        pool.expect(plan)
        with pool.start(plan) as started:
            assert started.process.pid in waiting_pids()
        assert pool.waiting == 0


def test_a_child_process_neither_uses_nor_ends_what_waits(
    pool: Pool, plans: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both would write to the same process, and a task would run twice."""
    pool.expect(plans())
    assert pool.wait_until_ready(SECONDS)
    before = waiting_pids()
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        with pool.start(plans()) as started:
            assert started.process.pid not in before
        pool.close()
    assert (pool.waiting, waiting_pids()) == (2, before)


def test_what_waits_for_another_plan_is_ended(pool: Pool, plans: Plans) -> None:
    pool.expect(plans())
    assert pool.wait_until_ready(SECONDS)
    before = waiting_pids()
    other = plans(WAITS + " ")
    pool.expect(other)
    assert pool.wait_until_ready(SECONDS)
    with pool.start(other) as started:
        assert started.process.pid not in before


def test_a_run_of_another_kind_leaves_those_that_wait(pool: Pool, plans: Plans) -> None:
    pool.expect(plans())
    assert pool.wait_until_ready(SECONDS)
    before = waiting_pids()
    with pool.start(plans(WAITS + " ")) as started:
        assert started.process.pid not in before
    assert pool.waiting == 2


def test_one_that_died_or_spoke_while_it_waited_is_not_used(pool: Pool, plans: Plans) -> None:
    plan = plans()
    pool.expect(plan)
    assert pool.wait_until_ready(SECONDS)
    dead = waiting_pids()
    for pid in dead:
        psutil.Process(pid).kill()
    for pid in dead:
        # It is a child of ours: gone from the pool's sight when its pipes are.
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            threading.Event().wait(0.001)
    with pool.start(plan) as started:
        assert started.process.pid not in dead


@pytest.mark.parametrize(
    "script",
    [
        "",
        "receive(); send(STDOUT, b'hello'); send(READY)",
        "receive(); send(READY, b'more')",
        "receive(); os.write(1, b'x' * 100)",
        "receive(); os.write(2, b'oops'); send(READY)",
        "receive(); os._exit(0)",
    ],
)
def test_one_that_does_not_come_to_wait_is_given_up(pool: Pool, plans: Plans, script: str) -> None:
    plan = plans(script)
    pool.expect(plan)
    assert not pool.wait_until_ready(SECONDS)
    assert pool.waiting == 0
    # Whoever needs one has it started all the same.
    with pool.start(plan) as started:
        assert isinstance(started.process.pid, int)


def test_the_quota_is_shared_by_all_pools(plans: Plans) -> None:
    quota = Quota(processes=3, size=1 << 40)
    with Pool(2, quota=quota) as one, Pool(2, quota=quota) as two:
        one.expect(plans())
        assert one.wait_until_ready(SECONDS)
        two.expect(plans())
        assert not two.wait_until_ready(0.3)
        assert one.waiting + two.waiting == 3
    assert repr(quota) == "<Quota 0 of 3 wait, with 0 MB>"


def test_memory_is_bounded_too(plans: Plans) -> None:
    quota = Quota(processes=10, size=1)
    with Pool(2, quota=quota) as pool:
        pool.expect(plans())
        assert not pool.wait_until_ready(0.3)
        assert pool.waiting == 1


def test_who_waits_in_vain_is_ended(plans: Plans, quota: Quota) -> None:
    plan = plans()
    with Pool(1, idle=0.3, quota=quota) as pool:
        pool.expect(plan)
        assert pool.wait_until_ready(SECONDS)
        (pid,) = waiting_pids()
        psutil.Process(pid).wait(SECONDS)
        assert pool.waiting == 0
        # The next run brings them back.
        with pool.start(plan) as started:
            assert started.process.pid != pid
        assert pool.wait_until_ready(SECONDS)
        assert pool.waiting <= 1


def test_a_folder_that_was_replaced_is_not_the_one_that_waits(
    pool: Pool, plans: Plans, tmp_path: Path
) -> None:
    (folder := tmp_path / "data").mkdir()
    plan = plans()
    mounted = plan._replace(launch=plan.launch._replace(mounts=(Mount(folder, "/data", True),)))
    pool.expect(mounted)
    assert pool.wait_until_ready(SECONDS)
    before = waiting_pids()
    # A real sandbox has it open, so its number is not given to another one.
    held = os.open(folder, os.O_RDONLY)
    folder.rmdir()
    folder.mkdir()
    with pool.start(mounted) as started:
        assert started.process.pid not in before
    os.close(held)


def test_a_plan_that_cannot_wait_is_started_for_its_request(pool: Pool, plans: Plans) -> None:
    plan = plans(warming=None)
    pool.expect(plan)
    assert not pool.wait_until_ready(0.1)
    assert pool.waiting == 0
    with pool.start(plan):
        pass


@pytest.mark.parametrize(
    ("mine", "theirs", "fits"),
    [
        (None, None, True),
        (1000, 1000, True),
        (1000, 900, True),
        (1000, 1100, False),
        (1000, None, False),
        (None, 1000, True),
    ],
)
def test_a_process_for_more_time_serves_a_plan_with_less(
    plans: Plans, mine: int | None, theirs: int | None, fits: bool
) -> None:
    one = plans(limits=Limits(1000, None, mine))
    other = plans(limits=Limits(1000, None, theirs))
    assert terms_of(one).allow(terms_of(other)) is fits
    more = other._replace(launch=other.launch._replace(fuel=2000))
    assert not terms_of(one).allow(terms_of(more))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the time of a process")
def test_one_that_waits_has_the_bound_of_its_run(pool: Pool, plans: Plans) -> None:
    import resource

    pool.expect(plans())
    assert pool.wait_until_ready(SECONDS)
    before = waiting_pids()
    with pool.start(plans(limits=Limits(1000, None, 1000))) as started:
        pid = started.process.pid
        assert pid in before
        # As for one that is started for a second: that, and a grace of two, on two threads.
        assert resource.prlimit(pid, resource.RLIMIT_CPU) == (6, 6)
    with pool.start(plans()) as started:
        assert started.process.pid in before
        mine = resource.getrlimit(resource.RLIMIT_CPU)
        assert resource.prlimit(started.process.pid, resource.RLIMIT_CPU) == mine


def test_closing_while_runs_go_on(plans: Plans, quota: Quota) -> None:
    plan = plans()
    pool = Pool(2, quota=quota)
    pool.expect(plan)
    assert pool.wait_until_ready(SECONDS)
    held: list[SandboxProcess] = []
    with pool.start(plan) as started:
        held.append(started)
        pool.close()
        assert psutil.pid_exists(started.process.pid)
    assert not psutil.pid_exists(held[0].process.pid)
    assert not held[0].scratch.path.exists()
    assert repr(quota) == "<Quota 0 of 10 wait, with 0 MB>"
