"""What a run tells its ledger: every attempt once, and no more than there is room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from capsule.confine.isolation_layers import IsolationLayers
from capsule.envelope import refusal
from capsule.errors import PolicyError
from capsule.policy.resolve import Policy
from capsule.runner import attempt_events
from capsule.runner.attempt import Attempt
from capsule.runner.attempt_events import AttemptEvents, RunEvents
from capsule.runner.observer import NOBODY, Nobody, Which
from capsule.runner.outcome import Outcome

if TYPE_CHECKING:
    from capsule.envelope import ErrorType
    from capsule.lifecycle.events import Created, Ended, Running
    from capsule.runner.attempt import Output

POLICY = Policy("main", 1_000, 2_000, 3_000, 1, (), (), ())


class Told:
    """A ledger that keeps what it is told."""

    def __init__(self) -> None:
        self.made: list[Created] = []
        self.ran: dict[str, Running] = {}
        self.ends: dict[str, Ended] = {}

    def created(self, attempt: Created) -> None:
        self.made.append(attempt)

    def running(self, attempt: str, event: Running) -> None:
        assert attempt not in self.ran
        self.ran[attempt] = event

    def ended(self, attempt: str, event: Ended) -> None:
        assert attempt not in self.ends
        self.ends[attempt] = event


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def run_events(told: Told) -> RunEvents:
    return RunEvents(told, "hello.py", IsolationLayers(7, seccomp=True))


def attempt(error_type: ErrorType | None = None, stdout: str = "") -> Attempt:
    return Attempt(Outcome(5, error_type, "why"), 12, 34, 56, stdout, "", 0)


def test_a_retry_is_an_attempt_of_its_own(told: Told, run_events: RunEvents) -> None:
    requests: list[dict[str, Any]] = [{"n": 0}]
    with AttemptEvents(run_events, NOBODY, POLICY, run_events.next()) as events:
        events.cold()
        events.started(POLICY._replace(compute=500))
        events.ended(attempt("task_error"), requests)
        events.again()
        events.started(POLICY)
        events.ended(attempt(), [*requests, {"n": 1}])
    first, second = told.made
    assert (first.number, first.retry_of, second.number, second.retry_of) == (0, None, 1, first.id)
    assert first.run == second.run
    assert (first.task, first.file, first.landlock, first.seccomp) == ("main", "hello.py", 7, True)
    assert (first.compute, first.ram, first.timeout_ms) == (1_000, 2_000, 3_000)
    assert told.ran[first.id].compute == 500
    bad, good = told.ends[first.id], told.ends[second.id]
    assert (bad.state, bad.error_type, bad.message, bad.how) == (
        "failed",
        "task_error",
        "why",
        "cold",
    )
    assert (good.state, good.error_type, good.how) == ("completed", None, "warm")
    assert (good.fuel, good.ram_used, good.duration_ms) == (34, 56, 12)
    assert (bad.host_requests, good.host_requests) == ('[{"n": 0}]', '[{"n": 1}]')


def test_an_attempt_that_was_never_made_ends_as_its_envelope_says(
    told: Told, run_events: RunEvents
) -> None:
    with AttemptEvents(run_events, NOBODY, POLICY, Which(7, 1, 2)) as events:
        envelope = refusal("main", "memory_exceeded", "too little")
        assert events.settled(envelope) is envelope
    (made,) = told.made
    assert (made.depth, made.parent) == (2, f"{made.run}.1")
    assert told.ran == {}
    end = told.ends[made.id]
    assert (end.state, end.error_type, end.message) == ("failed", "memory_exceeded", "too little")


@pytest.mark.parametrize(
    ("error", "state", "error_type"),
    [
        (PolicyError("no"), "failed", "policy_error"),
        (OSError("disk"), "failed", "capsule_error"),
        (KeyboardInterrupt(), "cancelled", "cancelled"),
    ],
)
def test_whatever_ends_a_run_ends_its_attempt(
    told: Told, run_events: RunEvents, error: BaseException, state: str, error_type: str
) -> None:
    def interrupted() -> None:
        with AttemptEvents(run_events, NOBODY, POLICY, run_events.next()) as events:
            events.started(POLICY)
            raise error

    with pytest.raises(type(error)):
        interrupted()
    (end,) = told.ends.values()
    assert (end.state, end.error_type) == (state, error_type)


def test_calls_that_are_refused_are_kept_up_to_a_bound(told: Told, run_events: RunEvents) -> None:
    with AttemptEvents(run_events, NOBODY, POLICY, run_events.next()) as events:
        for count in range(1_000):
            events.refused(f"no-{count}", "there is no such task")
    assert len(told.made) == 1 + 100
    assert told.made[1].parent == told.made[0].id
    assert (told.made[1].depth, told.made[1].task) == (1, "no-0")
    assert told.ends[told.made[1].id].error_type == "policy_error"


def test_output_is_kept_up_to_a_bound_and_that_of_the_run_itself_always(
    told: Told, run_events: RunEvents
) -> None:
    """A hostile run could else push all others out of the record."""
    big = "x" * ((1 << 20) - 100)
    for _ in range(20):
        with AttemptEvents(run_events, NOBODY, POLICY, run_events.next(Which(1))) as events:
            events.ended(attempt(stdout=big), [])
    with AttemptEvents(run_events, NOBODY, POLICY, run_events.next()) as events:
        events.ended(attempt(stdout="mine"), [])
    kept = [end.stdout is not None for end in told.ends.values()]
    assert kept == [True] * 16 + [False] * 4 + [True]


def test_without_a_ledger_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt_events, "Created", pytest.fail)
    monkeypatch.setattr(attempt_events, "Ended", pytest.fail)
    with AttemptEvents(
        RunEvents(None, None, IsolationLayers(0)), NOBODY, POLICY, Which(1)
    ) as events:
        events.started(POLICY)
        events.refused("x", "no")
        events.ended(attempt(), [])
        events.again()
        events.settled(refusal("main", "policy_error", "no"))


class Noting(Nobody):
    """An observer that notes what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Which, object]] = []

    def called(self, which: Which, policy: Policy) -> None:
        self.said.append(("called", which, policy.task))

    def started(self, which: Which, policy: Policy) -> Output:
        self.said.append(("started", which, policy.compute))
        return self

    def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
        self.said.append(("ended", which, policy.compute))

    def given_up(self, which: Which, task: str, error_type: str, message: str) -> None:
        self.said.append((error_type, which, message))


@pytest.mark.parametrize("kept", [True, False])
def test_an_observer_is_told_of_every_attempt_and_its_end(told: Told, *, kept: bool) -> None:
    """With a ledger or without one, under the names that the record gives them."""
    run_events, noting = RunEvents(told if kept else None, None, IsolationLayers(0)), Noting()
    first = run_events.next()
    granted = POLICY._replace(compute=500)
    with AttemptEvents(run_events, noting, POLICY, first) as events:
        events.started(granted)
        waiting = events.calls(POLICY)
        events.gives_up(waiting, POLICY, "no more")
        events.refused("other", "unknown")
        events.ended(attempt("task_error"), [])
        events.again()
        events.settled(refusal("main", "policy_error", "spent"))
    again = Which(4, None, 0, 1)
    assert noting.said == [
        ("started", Which(1), 500),
        ("called", Which(2, 1, 1), "main"),
        ("cancelled", Which(2, 1, 1), "no more"),
        ("policy_error", Which(3, 1, 1), "unknown"),
        ("ended", Which(1), 500),
        ("called", again, "main"),
        ("policy_error", again, "spent"),
    ]
    assert [made.id.rpartition(".")[2] for made in told.made] == ["1", "3", "4"] * kept
