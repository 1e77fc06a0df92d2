"""`time.sleep` that lets other strands go on, where there are any."""

from __future__ import annotations

import time

from capsule_guest.builtin_functions import BuiltinFunction

# The strands that were started and have not ended, and how one waits while others go on: filled in
# by `capsule_guest.threads.strands`, which is not loaded before there are any.
others: list = []
ways: dict = {}

# What threads ended by that have no such end outside, and what marks such an error.
cut_short: list = []
OURS = "_capsule_wait"

sleep_alone = time.sleep


def _sleep(seconds, /) -> None:  # type: ignore[no-untyped-def]
    if others and seconds >= 0:
        ways["sleep"](seconds)
    else:
        sleep_alone(seconds)


sleep = BuiltinFunction(_sleep, sleep_alone, "time")


def install() -> None:
    """Put it in place of the system's."""
    time.sleep = sleep
