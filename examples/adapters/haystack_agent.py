"""A Haystack agent with a session as its tool, and a scripted model."""

from haystack.components.agents import Agent
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.tools import create_tool_from_function

from capsule import SessionSync
from capsule.adapters import code_tool

CODES = ["n = 6", "n *= missing", "n * 7"]


def script(messages: list[ChatMessage]) -> ChatMessage:
    """Run code, and answer with what the last of it gave."""
    if CODES:
        call = ToolCall("run_python", {"code": CODES.pop(0)})
        return ChatMessage.from_assistant(tool_calls=[call])
    return ChatMessage.from_assistant(f"It is {messages[-1].tool_call_result.result}.")


with SessionSync(timeout="30s") as session:
    run_python = create_tool_from_function(code_tool(session))
    agent = Agent(
        chat_generator=MockChatGenerator(response_fn=script),
        tools=[run_python],
    )
    result = agent.run(messages=[ChatMessage.from_user("What is it?")])
    for message in result["messages"]:
        if message.tool_call_result:
            print("[tool]", message.tool_call_result.result)
    print("[answer]", result["last_message"].text)
