"""What a machine does of a task, as text and as JSON."""

from __future__ import annotations

import textwrap

from capsule.cli.render.human_units import span
from capsule.cli.render.terminal_text import one_line
from capsule.policy.units import format_ram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from capsule.pool.throughput import Throughput

_LABEL = 12
_MILLION = 1_000_000
_ADVICE = {
    "processors": "more or faster processors, or less work in the task, give more",
    "other programs": "measure again when they are at rest",
    "waiting": "its runs wait for something: more at once (--concurrency) may give more",
}


def throughput_json(found: Throughput, file: str, task: str) -> dict[str, Any]:
    """Return all of it as one JSON object: milliseconds, bytes, and parts of one."""
    return {
        "file": file,
        "task": task,
        "processors": found.processors,
        "concurrency": found.slots,
        "seconds": round(found.seconds, 3),
        "runs": found.runs,
        "failed": found.failed,
        "error": found.error,
        "runs_per_second": round(found.rate, 2),
        "runs_per_second_per_processor": round(found.rate / found.processors, 2),
        "start_ms": round(found.start_ms, 2),
        "run_ms": round(found.run_ms, 2),
        "processor_ms": round(found.processor_ms, 2),
        "fuel": found.fuel,
        "ram_used": found.ram,
        "busy": round(found.busy, 3),
        "others": round(found.others, 3),
        "limited_by": found.limited_by,
    }


def throughput_lines(found: Throughput, file: str, task: str, width: int) -> Iterator[str]:
    """Yield it as lines of at most so many columns."""
    each = found.rate / found.processors
    alone = found.start_ms + found.run_ms
    busy, others = round(100 * found.busy), round(100 * found.others)
    ram = "unknown" if found.ram is None else f"{format_ram(found.ram)} at most in a run"
    rows = {
        "file": f"{one_line(file)}, task {one_line(task)}",
        "machine": f"{found.processors} processors; {found.slots} runs at once",
        "a second": f"{found.rate:.1f} runs, {each:.1f} for each processor",
        "one alone": f"{alone:.1f} ms: {found.start_ms:.1f} to start, {found.run_ms:.1f} to run",
        "processor": f"{found.processor_ms:.1f} ms of each run",
        "memory": ram,
        "limited by": f"{found.limited_by}: these runs take {busy} % of the processors, other"
        f" programs {others} %; {_ADVICE[found.limited_by]}",
        "a million": f"{span(round(_MILLION / max(found.rate, 1e-9) * 1e9))} on this machine",
    }
    if found.failed and found.error is not None:
        said = one_line(f"{found.error['error_type']}: {found.error['message']}")
        rows["failed"] = f"{found.failed:,} of {found.runs:,} runs; the first: {said}"
    for label, text in rows.items():
        lines = textwrap.wrap(text, width - _LABEL)
        yield from (
            f"{label if not number else '':<{_LABEL}}{line}" for number, line in enumerate(lines)
        )
