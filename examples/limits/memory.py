"""Takes more memory than it may: `memory_exceeded`, exit code 1."""

from capsule import task


@task(ram="64MB")
def main() -> int:
    """Collect megabytes."""
    kept = []
    while True:
        kept.append(bytearray(1 << 20))
