"""A run whose packages took all of its time to fetch: it ends like one that was too slow."""

from __future__ import annotations

from capsule.envelope import refusal
from capsule.errors import OutOfTimeError
from capsule.runner.attempt_events import AttemptEvents, RunEvents
from capsule.runner.limit_messages import fetched_too_long, limits_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.envelope import Envelope
    from capsule.lifecycle.events import Ledger
    from capsule.policy.resolve import Policy
    from capsule.runner.observer import Observer


class FetchTimeoutError(OutOfTimeError):
    """Raised when an order has no time left once its packages are fetched; nothing has run.

    `granted` is what the run grants of `policy`, that of the task; `file` is what the user named.
    """

    def __init__(
        self,
        late: OutOfTimeError,
        granted: Policy,
        policy: Policy,
        file: str | None,
        layers: IsolationLayers,
    ) -> None:
        said = fetched_too_long(limits_of(granted, policy), late.spent_ms)
        super().__init__(said, late.spent_ms)
        self.policy, self.file, self.layers = policy, file, layers


def late(error: OutOfTimeError, observer: Observer, ledger: Ledger | None) -> Envelope:
    """Return the envelope of a run that never began, and record that.

    `error` is one that `capsule.runner.prepare` raised; any other is raised again.
    """
    if not isinstance(error, FetchTimeoutError):
        raise error
    events = RunEvents(ledger, error.file, error.layers)
    which = events.next()
    observer.called(which, error.policy)
    with AttemptEvents(events, observer, error.policy, which) as attempt:
        attempt.began_before(error.spent_ms)
        return attempt.settled(refusal(error.policy.task, error.code, str(error)))
