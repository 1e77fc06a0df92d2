"""Have the scripted model answer a question about a CSV: `python -m examples.agent`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from capsule import Session

from .loop import Agent
from .scripted import ACTIONS, ScriptedModel

PRICES = {"apple": 2.5, "pear": 3.0, "plum": 4.2}


def price(fruit: str) -> float:
    """Return what a kilo of a fruit costs today."""
    return PRICES[fruit]


async def main() -> None:
    """Print the conversation; figures are saved to the folder that this is run in."""
    async with Session(
        imports=["pandas", "matplotlib.pyplot"],
        files={"sales.csv": str(Path(__file__).with_name("sales.csv"))},
        tools=[price],
        ram="1GB",
        timeout="30s",
    ) as session:
        agent = Agent(session, Path.cwd())
        for message in await agent.work(ScriptedModel(ACTIONS), "Which city had the best sales?"):
            print(f"--- {message['role']}\n{message['content']}")


asyncio.run(main())
