"""The smallest task that shows everything: a policy, an argument, output, a result."""

from capsule import task


@task(name="main", compute="LOW", ram="64MB")
def main(n: str = "3") -> str:
    """Greet `n` times; arguments from the command line are strings."""
    print("greeting", n, "times")
    return "hello " * int(n)
