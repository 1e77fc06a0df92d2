"""A CrewAI crew of one with a session as its tool, and a scripted model."""

import os
import re

os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "OTEL_SDK_DISABLED": "true"}

from crewai import Agent, BaseLLM, Crew, Task
from crewai.tools import tool

from capsule import SessionSync, Turn
from capsule.adapters import code_tool

CODES = ["n = 6", "n *= missing", "n * 7"]


class ScriptedModel(BaseLLM):
    """Runs code, and answers with what the last of it gave."""

    def call(self, messages, *rest, **options) -> str:  # noqa: ARG002
        if CODES:
            code = CODES.pop(0)
            return f'Thought: run it\nAction: run_python\nAction Input: {{"code": "{code}"}}'
        said = re.search(r"Observation: (\w+)", messages[-2]["content"])[1]
        return f"Thought: I know it\nFinal Answer: It is {said}."


def tell(turn: Turn) -> None:
    """Print what a turn came to; the tool tells it to the model by itself."""
    print("[turn]", turn.error.message if turn.error else turn.text or "done")


with SessionSync(timeout="30s") as session:
    run_python = tool(code_tool(session, on_turn=tell))
    worker = Agent(
        role="calculator",
        goal="calculate",
        backstory="It has a sandbox.",
        llm=ScriptedModel(model="scripted"),
        tools=[run_python],
    )
    task = Task(description="What is it?", expected_output="a number", agent=worker)
    print("[answer]", Crew(agents=[worker], tasks=[task]).kickoff())
