"""Evaluate Python that somebody else wrote: an expression, or statements that set `answer`.

capsule run examples/evaluate.py '6 * 7'
"""

import ast

from capsule import task


@task(name="main", compute="MEDIUM", ram="128MB", timeout="5s")
def main(code: str) -> object:
    """Return what the code comes to. The sandbox makes `exec` a reasonable thing to do."""
    scope: dict[str, object] = {}
    try:
        expression = compile(ast.parse(code, "code", mode="eval"), "code", "eval")
    except SyntaxError:
        exec(compile(code, "code", "exec"), scope)
        return scope.get("answer")
    return eval(expression, scope)
