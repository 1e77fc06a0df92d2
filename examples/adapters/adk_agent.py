"""An agent of Google's ADK with a session as its tool, and a scripted model."""

import asyncio
from collections.abc import AsyncGenerator

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types

from capsule import Session
from capsule.adapters import code_tool

CODES = ["n = 6", "n *= missing", "n * 7"]


class ScriptedModel(BaseLlm):
    """Runs code, and answers with what the last of it gave."""

    async def generate_content_async(
        self,
        llm_request: LlmRequest,
        stream: bool = False,  # noqa: ARG002
    ) -> AsyncGenerator[LlmResponse, None]:
        if CODES:
            part = types.Part.from_function_call(name="run_python", args={"code": CODES.pop(0)})
        else:
            said = llm_request.contents[-1].parts[0].function_response.response
            part = types.Part(text=f"It is {said['result']}.")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def main() -> None:
    """Print what the tool said, and the answer."""
    async with Session(timeout="30s") as session:
        agent = LlmAgent(
            name="calculator", model=ScriptedModel(model="scripted"), tools=[code_tool(session)]
        )
        runner = InMemoryRunner(agent)
        for event in await runner.run_debug("What is it?", quiet=True):
            for response in event.get_function_responses():
                print("[tool]", response.response["result"])
            if event.is_final_response():
                print("[answer]", event.content.parts[0].text)


asyncio.run(main())
