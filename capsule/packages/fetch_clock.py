"""How long packages may be fetched for one run, and how long they were."""

from __future__ import annotations

import time

from capsule.errors import OutOfTimeError


class FetchClock:
    """Counts the time of fetching against what a run may take; `with` it while that goes on.

    `allowed_ms` is what there is in all, None for as long as it takes. The time runs from `since`,
    in the seconds of `time.monotonic`, where somebody has waited already for others to fetch.

    >>> with FetchClock(10_000) as clock:
    ...     clock.check()
    >>> clock.spent_ms < 10_000
    True
    """

    def __init__(self, allowed_ms: int | None = None, since: float | None = None) -> None:
        self._allowed_ms, self._since = allowed_ms, since
        self.spent_ms = 0

    def check(self) -> None:
        """Raise `OutOfTimeError` when all of the time is spent."""
        spent_ms = self._now()
        if self._allowed_ms is not None and spent_ms >= self._allowed_ms:
            raise OutOfTimeError(
                f"fetching packages took {spent_ms:,} ms, and the task may take "
                f"{self._allowed_ms:,} ms with that",
                spent_ms,
            )

    def __enter__(self) -> FetchClock:
        if self._since is None:
            self._since = time.monotonic()
        return self

    def __exit__(self, *exc: object) -> None:
        self.spent_ms = self._now()

    def _now(self) -> int:
        return 0 if self._since is None else round((time.monotonic() - self._since) * 1000)
