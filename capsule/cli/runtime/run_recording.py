"""The recorder of this program's runs: closed behind its last word, so that nobody waits for it."""

from __future__ import annotations

import sys
from contextlib import suppress

from capsule.cli.runtime.signals import Interrupted
from capsule.lifecycle.recorder import open_recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.cli.runtime.context import Context
    from capsule.lifecycle.recorder import Recorder

_open: list[Recorder] = []


def recorder_for(home: Path, context: Context) -> Recorder:
    """Return a recorder that is closed when the command has said all that it has to say."""
    recorder = open_recorder(home, context.console.note, context.environ, brief=True)
    _open.append(recorder)
    return recorder


def close() -> None:
    """Write what is left; whoever is interrupted here has an answer already, and keeps its code."""
    with suppress(Interrupted, KeyboardInterrupt):
        while _open:
            _open.pop().close()
        # That of sessions: only commands that have some pay for the import.
        if (record := sys.modules.get("capsule.sdk.record")) is not None:
            record.close()
