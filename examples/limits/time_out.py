"""Sleeps past its time limit, which takes no fuel: `timeout`, exit code 124."""

import time

from capsule import task


@task(timeout="500ms")
def main() -> None:
    """Sleep for longer than anyone waits."""
    time.sleep(1e6)
