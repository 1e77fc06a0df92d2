"""`capsule ps`: what runs now, once or until somebody has seen enough."""

from __future__ import annotations

import time

from capsule.cli.render import record_json
from capsule.cli.render.ps import ps_lines
from capsule.cli.runtime.signals import Interrupted
from capsule.lifecycle import reader
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from capsule.cli.terminal.console import Console
    from capsule.lifecycle.reader import Node

_NOTHING = "nothing is running"
# How often to look, and after how many looks the ages are drawn anew.
_LOOK_SECONDS, _REDRAW = 0.2, 5


def command(console: Console, *, as_json: bool, watch: bool) -> int:
    """Print what runs now, and go on with that where it is asked for."""
    home = checked_root()
    if watch:
        # A signal is the way in which it is meant to end.
        try:
            if as_json or not console.stdout_is_terminal:
                _follow(home, console)
            else:
                _redraw(home, console)
        except Interrupted:
            pass
        return 0
    nodes = reader.running(home)
    if as_json:
        console.json(_plain(nodes))
    elif not nodes:
        console.err(f"capsule: {_NOTHING}")
    else:
        for line in _lines(nodes, console):
            console.out(line)
    return 0


def _follow(home: Path, console: Console) -> None:
    """Print a line of JSON now, and one whenever something has changed."""
    shown: list[dict[str, Any]] | None = None
    read = True
    while read:
        now = _plain(reader.running(home))
        if now != shown:
            console.json(now)
            shown = now
        read = console.wait_while_read(_LOOK_SECONDS)


def _redraw(home: Path, console: Console) -> None:
    with console.redrawn() as draw:
        shown: list[Node] | None = None
        looks, read = 0, True
        while read:
            now = reader.running(home)
            if now != shown or looks % _REDRAW == 0:
                draw(_lines(now, console) or [_NOTHING])
                shown = now
            looks += 1
            read = console.wait_while_read(_LOOK_SECONDS)


def _lines(nodes: Sequence[Node], console: Console) -> list[str]:
    return list(ps_lines(nodes, time.time_ns(), console.size[0]))


def _plain(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    return [record_json.of_node(node) for node in nodes]
