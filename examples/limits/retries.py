"""Fails now and then, and is tried again: `retries` says how often that took."""

import random

from capsule import task


@task(max_retries=20)
def main() -> str:
    """Succeed once in three times."""
    if random.random() < 2 / 3:
        raise ConnectionError("not this time")
    return "done"
