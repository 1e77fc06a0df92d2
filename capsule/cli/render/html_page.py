"""One run as a page for a browser: all in one file, without scripts, and nothing is loaded.

Whatever a task chose stands in it as text alone: each piece goes through `_text`, and attributes
hold numbers and words of this module.
"""

from __future__ import annotations

from datetime import datetime
from html import escape

from capsule.cli.render import html_charts, html_style
from capsule.cli.render.attempt_details import HOW, fuel_of, memory_of, request_line, time_of
from capsule.cli.render.human_units import share, span
from capsule.cli.render.terminal_text import cleaned
from capsule.cli.render.timeline import extent, span_of
from capsule.cli.render.trace import layers_of, outcome
from capsule.cli.render.tree_lines import number_of, tree_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.cli.render.timeline import Span
    from capsule.cli.render.tree_lines import TreeLine
    from capsule.lifecycle.reader import Node, Run
    from capsule.lifecycle.schema import Attempt

# Nothing may be loaded or run, whatever else goes wrong.
_RULES = "default-src 'none'; style-src 'unsafe-inline'"


def page(run: Run, now_ns: int) -> str:
    """Return the page of a run."""
    return "\n".join(_page(run, now_ns)) + "\n"


def _page(run: Run, now_ns: int) -> Iterator[str]:
    lines = tuple(tree_lines(run.attempts))
    first, last = run.attempts[0].attempt, run.attempts[-1].attempt
    title = f"{_text(last.task)}: {_text(outcome(first, last, now_ns))}"
    began = datetime.fromtimestamp(first.created_ns / 1e9).astimezone()
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_RULES}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{html_style.SHEET}</style></head><body>"
    yield f"<h1>{title}</h1><dl>"
    for label, said in (
        ("run", run.id),
        ("file", first.file or "-"),
        ("began", f"{began:%Y-%m-%d %H:%M:%S %z}"),
        ("program", f"pid {first.host_pid}"),
        ("walls", layers_of(first)),
    ):
        yield f"<dt>{label}</dt><dd>{_text(said)}</dd>"
    yield "</dl><h2>Timeline</h2>"
    yield from _timeline(lines, now_ns)
    yield "<h2>Use</h2>"
    yield from html_charts.use([(_linked(line), line.node.attempt) for line in lines])
    yield "<h2>Attempts</h2>"
    for line in lines:
        yield from _attempt(line.node)
    yield "</body></html>"


def _timeline(lines: tuple[TreeLine, ...], now_ns: int) -> Iterator[str]:
    spans = [span_of(line.node.attempt, now_ns) for line in lines]
    whole = extent(spans)
    yield '<table><thead><tr><th>attempt</th><th>state</th><th class="number">time</th>'
    yield f"<th>0 to {span(whole[1] - whole[0])}</th></tr></thead><tbody>"
    for line, at_work in zip(lines, spans, strict=True):
        row = line.node.attempt
        length = "?" if at_work.end is None else span(at_work.end - at_work.made)
        yield (
            f"<tr><td>{_linked(line)}</td>"
            f'<td class="{row.state}">{row.state}</td><td class="number">{length}</td>'
            f'<td class="line">{_bar(at_work, whole)}</td></tr>'
        )
    yield "</tbody></table>"


def _bar(at_work: Span, whole: tuple[int, int]) -> str:
    end = at_work.made if at_work.end is None else at_work.end
    began = end if at_work.began is None else min(max(at_work.began, at_work.made), end)
    pieces = (("waiting", at_work.made, began), ("working", began, end))
    length = max(whole[1] - whole[0], 1)
    return "".join(
        f'<i class="{name}" style="left:{(start - whole[0]) / length:.3%};'
        f'width:max(2px,{(stop - start) / length:.3%})"></i>'
        for name, start, stop in pieces
        if stop > start or (name == "working" and at_work.began is not None)
    )


def _attempt(node: Node) -> Iterator[str]:
    row = node.attempt
    opened = " open" if row.depth == 0 or row.error_type else ""
    yield f'<details id="a{_place(row)}"{opened}><summary>{number_of(row.id)} {_named(row)}'
    yield f' <span class="{row.state}">{row.state}</span></summary>'
    if row.how is not None:
        yield f"<p>{HOW[row.how]}</p>"
    for label, said, part in (
        ("fuel", fuel_of(row), share(row.fuel_consumed, row.compute)),
        ("memory", memory_of(row), share(row.ram_used, row.ram)),
        ("time", time_of(row), share(row.duration_ms, row.timeout_ms)),
    ):
        used = "" if part is None else f'<i style="width:{part:.2%}"></i>'
        yield f'<div class="use"><b>{label}</b><div class="meter">{used}</div>{_text(said)}</div>'
    if node.requests:
        items = "".join(f"<li>{_text(request_line(entry))}</li>" for entry in node.requests)
        yield f"<h3>requests</h3><ol>{items}</ol>"
    error = None if row.error_type is None else f"{row.error_type}: {row.message or ''}"
    for label, text in (
        ("error", error),
        ("traceback", row.traceback),
        ("stdout", row.stdout),
        ("stderr", row.stderr),
    ):
        if text:
            yield f"<h3>{label}</h3><pre>{_text(text)}</pre>"
    if row.truncated_bytes:
        yield f"<p>{row.truncated_bytes:,} bytes of output are in neither end</p>"
    yield "</details>"


def _linked(line: TreeLine) -> str:
    row = line.node.attempt
    stem = f'<span class="stem">{line.stem}</span>'
    return f'{stem}<a href="#a{_place(row)}">{_named(row)}</a>'


def _named(row: Attempt) -> str:
    return _text(row.task) + (f" (retry {row.number})" if row.number else "")


def _place(row: Attempt) -> int:
    """Return the number that a link to an attempt ends with."""
    return int(number_of(row.id)[1:])


def _text(text: str) -> str:
    return escape(cleaned(text))
