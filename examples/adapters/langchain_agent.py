"""A LangChain agent whose tool is a session, with a scripted model: no network, no key."""

from collections.abc import Iterator
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from capsule.adapters.langchain import CapsuleMiddleware


class ScriptedModel(GenericFakeChatModel):
    """Plays back messages, and takes any tools."""

    def bind_tools(self, tools: Any, **options: Any) -> Any:  # noqa: ARG002
        return self


def price(fruit: str) -> float:
    """Return what a kilo costs today."""
    return {"apple": 2.5, "pear": 3.0}[fruit]


def script() -> Iterator[AIMessage]:
    """Calculate, make a mistake, correct it, answer."""
    codes = [
        "kilos = {'apple': 4, 'pear': 2}",
        "kilos['plum'] * price('plum')",
        "sum(price(f) * n for f, n in kilos.items())",
    ]
    for number, code in enumerate(codes):
        call = {"name": "run_python", "args": {"code": code}, "id": str(number)}
        yield AIMessage("", tool_calls=[call])
    yield AIMessage("They cost 16.00.")


agent = create_agent(
    ScriptedModel(messages=script()),
    middleware=[CapsuleMiddleware(tools=[price], timeout="30s")],
)
for message in agent.invoke({"messages": [("user", "What do they cost?")]})["messages"]:
    print(f"[{message.type}] {message.text}")
