"""The line that says what a file gets by its own word, when a person runs it the first time."""

from __future__ import annotations

from capsule.message_text import listed
from capsule.runner.inspection import first_grants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.cli.terminal.console import Console
    from capsule.runner.prepare import Call
    from capsule.runner.source import Source


def note_grants(source: Source, call: Call, home: Path, console: Console) -> None:
    """Say it, once for each file as it is."""
    if source.named == "-c":
        return  # it stands on the line that was typed
    words = first_grants(source, call, home)
    if words is not None:
        from shlex import quote  # for the first run of a file alone

        file = source.named or "-"
        see = f"capsule inspect {quote(file)}"
        console.note(f"{listed(file)} may use {words}, as it asks; see: {see}")
