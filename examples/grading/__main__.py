"""Grade solutions, and say pass@k.

python -m examples.grading [local | dask=ADDRESS | ray | ray=ADDRESS]
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from math import comb
from pathlib import Path

from capsule import Envelope, SandboxSync, engines
from examples.grading.problems import PROBLEMS, Problem
from examples.grading.solutions import SOLUTIONS

TASK = Path(__file__).with_name("answer.py")


def tried() -> Iterator[tuple[Problem, str]]:
    """Yield each solution with its problem."""
    for problem in PROBLEMS:
        for source in SOLUTIONS[problem.function]:
            yield problem, source


def verdict(problem: Problem, envelope: Envelope) -> str:
    """Say what came of a solution. What is right is known here, and not where the solution ran."""
    if envelope.error is not None:
        return envelope.error.error_type
    # As text: what a solution made has no say in what it is equal to, and 1 is not true.
    same = json.dumps(envelope.result) == json.dumps(problem.answers)
    return "passed" if same else "wrong"


def pass_at(k: int, samples: int, passed: int) -> float:
    """Return the chance that one of k solutions passes, from how many of all of them did."""
    return 1 - comb(samples - passed, k) / comb(samples, k)


def engine(words: list[str]) -> object:
    """Return the engine that is named, None for none."""
    name, _, address = (words or [""])[0].partition("=")
    if not name:
        return None
    known = {"local": engines.Local, "dask": engines.Dask, "ray": engines.Ray}
    return known[name](*([address] if address else []))


def main() -> None:
    """Print a line for each problem, and what became of all solutions."""
    over = engine(sys.argv[1:])
    items = [[source, problem.function, problem.inputs] for problem, source in tried()]
    verdicts: dict[int, str] = {}
    with SandboxSync(TASK, warm=2 if over is None else 0) as sandbox:
        for envelope in sandbox.map(items, spread=True, engine=over):
            problem, _ = list(tried())[envelope.index]
            verdicts[envelope.index] = verdict(problem, envelope)
    passed: Counter[str] = Counter()
    for place, (problem, _) in enumerate(tried()):
        passed[problem.function] += verdicts[place] == "passed"
    for problem in PROBLEMS:
        samples = len(SOLUTIONS[problem.function])
        chances = [pass_at(k, samples, passed[problem.function]) for k in (1, 2, 4)]
        print(
            f"{problem.function:<12} {passed[problem.function]} of {samples} passed;"
            f" pass@1, 2, 4: {', '.join(f'{chance:.2f}' for chance in chances)}"
        )
    for kind, count in sorted(Counter(verdicts.values()).items()):
        print(f"{kind:<16} {count}")


if __name__ == "__main__":
    main()
