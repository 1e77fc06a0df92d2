"""The smallest task that shows everything: a policy, an argument, output, a result."""

from capsule import task


@task(name="main", compute="LOW", ram="64MB")
def main(n: int = 3) -> str:
    """Greet `n` times; the annotation makes a word of the command line a number."""
    print("greeting", n, "times")
    return "hello " * n
