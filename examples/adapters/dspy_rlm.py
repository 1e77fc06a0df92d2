"""A DSPy RLM whose code runs in sessions, with a scripted model: no network, no key."""

import dspy
from dspy.utils.dummies import DummyLM

from capsule.adapters.dspy import CapsuleInterpreter


def price(fruit: str) -> float:
    """Return what a kilo costs today."""
    return {"apple": 2.5, "pear": 3.0}[fruit]


def interpreter() -> CapsuleInterpreter:
    """Return an interpreter for one run."""
    return CapsuleInterpreter(timeout="30s")


interpreter.execution_instructions = CapsuleInterpreter.execution_instructions
SCRIPT = [
    {"reasoning": "Look.", "code": "print(basket)"},
    {"reasoning": "Calculate.", "code": "basket['plum'] * price('plum')"},
    {"reasoning": "Correct it.", "code": "SUBMIT(sum(price(f) * n for f, n in basket.items()))"},
]

rlm = dspy.RLM("basket: dict -> cost: float", tools=[price], interpreter_factory=interpreter)
with dspy.context(lm=DummyLM(SCRIPT)):
    result = rlm(basket={"apple": 4, "pear": 2})
for step in result.trajectory:
    print(f"[{step['reasoning']}] {step['output']}")
print(result.cost)
