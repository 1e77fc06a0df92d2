"""The task: call a solution that nobody has read with each input, and return what it gives."""

from capsule import task


@task(name="main", compute="LOW", ram="96MB", timeout="4s")
def main(source: str, function: str, inputs: list) -> list:
    """Return the answers; whether they are right is not for this sandbox to say."""
    scope: dict[str, object] = {"__name__": "solution"}
    exec(compile(source, "solution.py", "exec"), scope)
    solve = scope[function]
    return [solve(*each) for each in inputs]
