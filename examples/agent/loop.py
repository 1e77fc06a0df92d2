"""An agent whose tool is a session: the model writes Python, and reads what came of it.

A model is whatever gives the next action for the messages so far: a call of a provider's API, or
the script in `scripted.py`. The messages are those of a chat: dicts with "role" and "content".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from capsule import Session, Turn

Message = dict[str, str]


class Action(NamedTuple):
    """What the model wants: one of `TOOLS` with its arguments, or "answer" with a "text"."""

    tool: str
    arguments: dict[str, str]


Model = Callable[[list[Message]], Awaitable[Action]]

# As most providers want them: hand this to the model together with the messages.
TOOLS = [
    {
        "name": "run_python",
        "description": "Run Python. Variables, functions and files stay; the value of the last "
        "expression, tables and figures are shown.",
        "parameters": {"type": "object", "properties": {"code": {"type": "string"}}},
    },
    {
        "name": "go_back",
        "description": "Undo turns: go on from the state with this number.",
        "parameters": {"type": "object", "properties": {"state": {"type": "string"}}},
    },
]
SYSTEM = "Answer the question with run_python. Functions of the host that your code can call:\n{}"
LONGEST = 4_000
ADVICE = {
    "task_error": "The code raised; what it did before stays. Correct it.",
    "timeout": "It took too long, and nothing of it was kept. Find a faster way.",
    "fuel_exhausted": "It took too many steps, and nothing of it was kept. Find a faster way.",
    "memory_exceeded": "It used too much memory, and nothing of it was kept. Hold less at once.",
}


class Agent:
    """Lets a model work in a session; figures are saved to a folder as they are shown."""

    def __init__(self, session: Session, figures: Path) -> None:
        self.session, self.folder = session, figures
        self.figures: list[Path] = []
        # By their numbers, as the model names them; the first is that of before all turns.
        self.states = session.states[:1]

    async def work(self, model: Model, question: str, most: int = 20) -> list[Message]:
        """Return the messages up to the model's answer, which is the last of them."""
        functions = "\n".join(
            f"{name}{tool['signature']}: {tool['doc']}" for name, tool in self.session.tools.items()
        )
        messages = [
            {"role": "system", "content": SYSTEM.format(functions)},
            {"role": "user", "content": question},
        ]
        for _ in range(most):
            action = await model(messages)
            if action.tool == "answer":
                return [*messages, {"role": "assistant", "content": action.arguments["text"]}]
            messages.append({"role": "assistant", "content": json.dumps(action._asdict())})
            messages.append({"role": "tool", "content": await self.observation(action)})
        raise RuntimeError(f"the model has not answered after {most} actions")

    async def observation(self, action: Action) -> str:
        """Do what the model wants, and return what it should read."""
        if action.tool == "run_python":
            turn = await self.session.run(action.arguments.get("code", ""))
            self.states.append((await turn.kept()).name)
            return f"{self.shown(turn)}\n[state {len(self.states) - 1}]"
        number = action.arguments.get("state", "")
        if action.tool != "go_back" or not number.isdecimal() or int(number) >= len(self.states):
            return "There is no such tool, or no such state."
        await self.session.back(self.states[int(number)])
        return f"Back at state {number}."

    def shown(self, turn: Turn) -> str:
        """Return a turn as text: what it printed, its value, figures, files, and its error."""
        execution = turn.execution
        parts = [execution.stdout + execution.stderr, turn.text]
        for display in turn.displays:
            if "image/png" in display:
                path = self.folder / f"figure-{len(self.figures) + 1}.png"
                try:
                    path.write_bytes(base64.b64decode(display["image/png"]))
                except OSError as error:
                    parts.append(f"(a figure that could not be saved: {error.strerror})")
                    continue
                self.figures.append(path)
                parts.append(f"(a figure, saved as {path.name})")
        parts += [f"({file.change} file {file.name}, {file.size} bytes)" for file in turn.files]
        if turn.error is not None:
            error = turn.error
            parts += [ADVICE.get(error.error_type, ""), error.traceback or error.message]
        text = "\n".join(part.rstrip() for part in parts if part.strip())
        return (
            text
            if len(text) <= LONGEST
            else f"{text[: LONGEST // 2]}\n...\n{text[-LONGEST // 2 :]}"
        )
