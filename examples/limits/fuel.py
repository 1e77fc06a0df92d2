"""Spends its fuel: `fuel_exhausted`, exit code 1, the same on every machine."""

from capsule import task


@task(compute="LOW")
def main() -> None:
    """Count for ever."""
    n = 0
    while True:
        n += 1
