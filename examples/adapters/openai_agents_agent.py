"""An agent of the OpenAI Agents SDK with a session as its tool, and a scripted model."""

import asyncio
import json

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

from capsule import Session
from capsule.adapters import code_tool

CODES = ["n = 6", "n *= missing", "n * 7"]


class ScriptedModel(Model):
    """Runs code, and answers with what the last of it gave."""

    async def get_response(self, system_instructions, input, *rest, **options) -> ModelResponse:  # noqa: A002, ARG002
        if CODES:
            arguments = json.dumps({"code": CODES.pop(0)})
            item = ResponseFunctionToolCall(
                type="function_call",
                name="run_python",
                arguments=arguments,
                call_id=str(len(CODES)),
            )
        else:
            text = ResponseOutputText(
                type="output_text", text=f"It is {input[-1]['output']}.", annotations=[]
            )
            item = ResponseOutputMessage(
                id="1", type="message", role="assistant", status="completed", content=[text]
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *args, **options) -> None:
        raise NotImplementedError


async def main() -> None:
    """Print what the tool said, and the answer."""
    async with Session(timeout="30s") as session:
        tool = function_tool(code_tool(session))
        agent = Agent("calculator", model=ScriptedModel(), tools=[tool])
        result = await Runner.run(agent, "What is it?")
    for item in result.new_items:
        if item.type == "tool_call_output_item":
            print("[tool]", item.output)
    print("[answer]", result.final_output)


set_tracing_disabled(True)
asyncio.run(main())
