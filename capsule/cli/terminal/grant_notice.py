"""The line that says what a file gets by its own word, when a person runs it the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.runner.inspection import first_grants

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.cli.terminal.console import Console
    from capsule.runner.prepare import Call
    from capsule.runner.source import Source


def note_grants(source: Source, call: Call, home: Path, console: Console) -> None:
    """Say it, once for each file as it is."""
    words = first_grants(source, call, home)
    if words is not None:
        console.note(f"{source.named} may use {words}, as it asks; see: capsule inspect")
