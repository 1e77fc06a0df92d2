"""Problems: a name, what is asked, inputs, and the right answers, which never enter a sandbox."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something to be solved by a function of that name."""

    function: str
    prompt: str
    inputs: list[list[object]]
    answers: list[object]


PROBLEMS = [
    Problem(
        "longest_run",
        "Return the length of the longest run of equal neighbours in a list.",
        [[[1, 1, 2, 2, 2, 3]], [[]], [[7]], [["a", "b", "a"]]],
        [3, 0, 1, 1],
    ),
    Problem(
        "change",
        "Return the fewest coins of these values that make an amount, or -1.",
        [[[1, 2, 5], 11], [[2], 3], [[1], 0], [[7, 3, 1], 14], [[4, 3, 1], 6]],
        [3, -1, 0, 2, 2],
    ),
    Problem(
        "balanced",
        "Say whether the brackets ()[]{} in a text are balanced.",
        [["([]{})"], ["([)]"], [""], ["(("], ["a(b)c]"]],
        [True, False, True, False, False],
    ),
    Problem(
        "rotate",
        "Return a list turned to the right by n places, n of any size.",
        [[[1, 2, 3, 4], 1], [[1, 2, 3], 5], [[], 3], [[1, 2, 3], -1]],
        [[4, 1, 2, 3], [2, 3, 1], [], [2, 3, 1]],
    ),
    Problem(
        "roman",
        "Return the number that a Roman numeral stands for.",
        [["III"], ["IV"], ["MCMXCIV"], ["XLII"]],
        [3, 4, 1994, 42],
    ),
]
