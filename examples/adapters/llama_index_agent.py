"""A LlamaIndex FunctionAgent with a session as its tool, and a scripted model."""

import asyncio

from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import TextBlock, ToolCallBlock
from llama_index.core.llms import ChatMessage, MockFunctionCallingLLM
from llama_index.core.tools import FunctionTool

from capsule import Session
from capsule.adapters import code_tool

CODES = ["n = 6", "n *= missing", "n * 7"]


def script(messages: list[ChatMessage], **options: object) -> ChatMessage:  # noqa: ARG001
    """Run code, and answer with what the last of it gave."""
    if CODES:
        block = ToolCallBlock(
            tool_call_id="1", tool_name="run_python", tool_kwargs={"code": CODES.pop(0)}
        )
    else:
        block = TextBlock(text=f"It is {messages[-1].content}.")
    return ChatMessage(role="assistant", blocks=[block])


async def main() -> None:
    """Print what the tool said, and the answer."""
    async with Session(timeout="30s") as session:
        tool = FunctionTool.from_defaults(async_fn=code_tool(session))
        agent = FunctionAgent(tools=[tool], llm=MockFunctionCallingLLM(response_generator=script))
        run = agent.run("What is it?")
        async for event in run.stream_events():
            if isinstance(event, ToolCallResult):
                print("[tool]", event.tool_output.content)
        print("[answer]", await run)


asyncio.run(main())
