"""A Pydantic AI agent whose tool is a session, with a scripted model: no network, no key."""

from pydantic_ai import Agent, ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from capsule.adapters.pydantic_ai import CapsuleToolset

CODES = iter(
    [
        "kilos = {'apple': 4, 'pear': 2}",
        "kilos['plum'] * price('plum')",
        "sum(price(f) * n for f, n in kilos.items())",
    ]
)


def price(fruit: str) -> float:
    """Return what a kilo costs today."""
    return {"apple": 2.5, "pear": 3.0}[fruit]


def script(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:  # noqa: ARG001
    """Calculate, make a mistake, correct it, answer with what the tool said."""
    code = next(CODES, None)
    if code is not None:
        return ModelResponse(parts=[ToolCallPart("run_python", {"code": code})])
    return ModelResponse(parts=[TextPart(f"They cost {messages[-1].parts[0].content}.")])


agent = Agent(FunctionModel(script), toolsets=[CapsuleToolset(tools=[price], timeout="30s")])
result = agent.run_sync("What do they cost?")
for message in result.all_messages():
    for part in message.parts:
        print(f"[{part.part_kind}]", getattr(part, "content", None) or part.args)
