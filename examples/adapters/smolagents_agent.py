"""A smolagents CodeAgent whose code runs in a session, with a scripted model."""

from smolagents import ChatMessage, CodeAgent, LogLevel, Model, tool

from capsule.adapters.smolagents import CapsuleExecutor

CODES = [
    "kilos = {'apple': 4, 'pear': 2}\nprint(kilos)",
    "kilos['plum'] * price('plum')",
    "final_answer(sum(price(f) * n for f, n in kilos.items()))",
]


@tool
def price(fruit: str) -> float:
    """Return what a kilo costs today.

    Args:
        fruit: The name of the fruit.
    """
    return {"apple": 2.5, "pear": 3.0}[fruit]


class ScriptedModel(Model):
    """Plays back code: it calculates, makes a mistake, corrects it and answers."""

    def generate(self, messages, **options) -> ChatMessage:  # noqa: ARG002
        return ChatMessage("assistant", f"<code>\n{CODES.pop(0)}\n</code>")


with CapsuleExecutor(timeout="30s") as executor:
    agent = CodeAgent(
        [price],
        ScriptedModel(),
        executor=executor,
        step_callbacks=[executor.show],
        verbosity_level=LogLevel.OFF,
    )
    answer = agent.run("What do they cost?")
    for step in agent.memory.steps[1:-1]:
        print(f"[{step.step_number}] {step.observations or step.error.message}")
    print(f"[answer] {answer}")
