"""What one attempt was allowed and used, what it asked for and printed, and how it failed."""

from __future__ import annotations

from capsule.cli.render.human_units import percent, size, span
from capsule.cli.render.terminal_text import clip, one_line, wrapped
from capsule.cli.render.tree_lines import number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from capsule.lifecycle.reader import Node
    from capsule.lifecycle.schema import Attempt

HOW = {
    "warm": "in a process that waited already",
    "cold": "in a process that was started for it",
    "plain": "in a process that imported the task itself",
}
# How many lines of a text are shown, of each end; and how many requests.
_END = 12
# A text that is longer has its lines not counted: a run can have a thousand of them.
_LONG = 4_000
_MOST_REQUESTS = 50
_UNKNOWN = "not known"


def details(node: Node, width: int) -> Iterator[str]:
    """Yield the lines of an attempt; none is wider than `width`."""
    row = node.attempt
    again = f", retry {row.number}" if row.number else ""
    how = "" if row.how is None else f", {HOW[row.how]}"
    state = row.state.replace("_", " ")
    yield clip(f"{number_of(row.id)} {one_line(row.task)}{again}: {state}{how}", width)
    yield clip(f"  fuel     {fuel_of(row)}", width)
    yield clip(f"  memory   {memory_of(row)}", width)
    yield clip(f"  time     {time_of(row)}", width)
    yield from _requests(node.requests, width)
    yield from _text("stdout", row.stdout, width)
    yield from _text("stderr", row.stderr, width)
    if row.truncated_bytes:
        yield clip(f"  output   {row.truncated_bytes:,} bytes of it are in neither end", width)
    if row.error_type is not None:
        said = f"{row.error_type}: {row.message or ''}"
        yield from _text("error", said, width, words=True)
        yield from _text("trace", row.traceback, width)


def fuel_of(row: Attempt) -> str:
    """Return the fuel that an attempt used, against its limit."""
    return _against(row.fuel_consumed, row.compute, "{:,}".format)


def memory_of(row: Attempt) -> str:
    """Return the memory that an attempt used, against its limit."""
    return _against(row.ram_used, row.ram, size)


def time_of(row: Attempt) -> str:
    """Return the time that an attempt took, against its limit."""
    return _against(row.duration_ms, row.timeout_ms, lambda ms: span(ms * 1_000_000))


def request_line(entry: Mapping[str, Any]) -> str:
    """Return an HTTP request as one line."""
    said = " ".join(str(entry.get(name, "?")) for name in ("method", "url"))
    failed = f"failed ({entry.get('error') or 'it did not end'})"
    facts = [
        failed if entry.get("status") is None else str(entry["status"]),
        *([f"{entry['bytes']:,} bytes"] if isinstance(entry.get("bytes"), int) else []),
        *([f"{entry['duration_ms']} ms"] if isinstance(entry.get("duration_ms"), int) else []),
    ]
    return one_line(f"{said}: {', '.join(facts)}")


def _against(used: int | None, limit: int | None, shown: Callable[[int], str]) -> str:
    if used is None:
        return _UNKNOWN + (f", limit {shown(limit)}" if limit else "")
    amount = shown(used)
    if limit is None:
        return f"{amount}, no limit"
    if not limit:  # a call that was refused was granted nothing
        return amount
    part = percent(used, limit)
    return f"{amount} of {shown(limit)}" + (f" ({part})" if part else "")


def _requests(entries: list[dict[str, Any]], width: int) -> Iterator[str]:
    for entry in entries[:_MOST_REQUESTS]:
        for place, piece in enumerate(wrapped(request_line(entry), width - 11)):
            yield f"  {'' if place else 'request':<9}{piece}"
    if len(entries) > _MOST_REQUESTS:
        yield f"           {len(entries) - _MOST_REQUESTS} requests more: --json shows all"


def _text(label: str, text: str | None, width: int, *, words: bool = False) -> Iterator[str]:
    """Yield a text that has lines of its own: behind a bar, where they can be nothing else."""
    if not text:
        return
    lines, gap = _both_ends(text, max(width - 13, 1), words=words)
    for place, line in enumerate(lines):
        mark = " " if place == gap else "│"
        yield f"  {'' if place else label:<9}{mark} {line}".rstrip()


def _both_ends(text: str, width: int, *, words: bool) -> tuple[list[str], int | None]:
    """Return the lines of a text, and where one stands in place of those in the middle, if any."""
    # So many characters of each end are enough, whatever their lines are like.
    end = _END * width
    if len(text) > _LONG + 2 * end:
        lines = list(wrapped(text[:end], width, words=words))[:_END]
        said = f"({len(text):,} characters in all: --json shows them)"
        return [*lines, said, *list(wrapped(text[-end:], width, words=words))[-_END:]], len(lines)
    lines = list(wrapped(text, width, words=words))
    left_out = len(lines) - 2 * _END
    if left_out <= 1:
        return lines, None
    return [*lines[:_END], f"({left_out} lines more: --json shows all)", *lines[-_END:]], _END
