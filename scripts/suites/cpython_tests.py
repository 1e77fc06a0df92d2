"""Modules of CPython's own tests, run in the sandbox with their folder mounted."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capsule import run_sync
from scripts.suites.case import CRASHES, Case, first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capsule import Envelope

MODULES = (
    "test_json",
    "test_decimal",
    "test_re",
    "test_datetime",
    "test_sqlite3",
    "test_itertools",
)
_TASK = Path(__file__).with_name("inside") / "unittest_task.py"
# What is called `test` inside is that folder, whatever it lies in.
_GUEST = "/cpython"
_OUTPUT = "/output"
_LIMITS = {"timeout": "30m", "max_ram": "3GB"}
# A sandbox that dies at a test is followed by one for the tests behind it; not for ever.
_MOST_RUNS = 20


def run(module: str, tests: Path) -> list[Case]:
    """Run all tests of `module`, of the folder `tests`."""
    with tempfile.TemporaryDirectory(prefix="capsule-suites-") as folder:
        lines = Path(folder, "lines.jsonl")
        lines.touch()
        mounts = [f"{tests}::{_GUEST}/test:ro", f"{folder}::{_OUTPUT}:rw"]
        begin = 0
        for _ in range(_MOST_RUNS):
            args = [_GUEST, f"test.{module}", f"{_OUTPUT}/{lines.name}", begin]
            envelope = run_sync(_TASK, args, mounts=mounts, limits=_LIMITS)
            said = _read(lines)
            if envelope.error is None:
                return list(cases(module, said))
            last = _last(said)
            if last is None or last["place"] < begin:
                # The module itself, not one of its tests.
                return [*cases(module, said), _death(f"{module}/{module}", envelope)]
            begin = last["place"] + 1
            with lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"test": last["test"], **_ended(envelope)}) + "\n")
        died = Case(f"{module}/{module}", "failed", f"{_MOST_RUNS} runs died")
        return [*cases(module, _read(lines)), died]


def cases(module: str, said: Iterable[dict[str, Any]]) -> Iterator[Case]:
    """Make a case of each test: failed where anything of it failed, in the order of the tests."""
    found: dict[str, Case] = {}
    for line in said:
        key = f"{module}/{line['test'].removeprefix('test.').removeprefix(f'{module}.')}"
        before = found.get(key)
        if line["said"] == "began":
            if before is None:
                found[key] = Case(key, "failed", "it began, and nothing was heard of it")
        elif before is None or before.outcome != "failed" or before.said.startswith("it began"):
            why = first_line(line.get("why", ""))
            found[key] = Case(key, line["said"], why, crash=line.get("crash", False))
    yield from found.values()


def _read(lines: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]


def _last(said: list[dict[str, Any]]) -> dict[str, Any] | None:
    begun = [line for line in said if line["said"] == "began"]
    return begun[-1] if begun else None


def _ended(envelope: Envelope) -> dict[str, Any]:
    error = envelope.error
    if error is None:
        return {"said": "passed"}
    why = f"{error.error_type}: {error.message}"
    return {"said": "failed", "why": why, "crash": error.error_type in CRASHES}


def _death(key: str, envelope: Envelope) -> Case:
    ended = _ended(envelope)
    return Case(key, "failed", first_line(ended["why"]), crash=ended["crash"])
