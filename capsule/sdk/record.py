"""The record of what a program runs: one recorder for each state root, as long as it lives."""

from __future__ import annotations

from capsule.lifecycle.recorder import open_recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.lifecycle.recorder import Recorder

_recorders: dict[Path, Recorder] = {}


def recorder_of(home: Path) -> Recorder:
    """Return the recorder of this process for a state root; it ends with the process."""
    # One that loses a race was never used, and holds nothing.
    return _recorders.get(home) or _recorders.setdefault(home, open_recorder(home, _note))


def close() -> None:
    """Write what is left of all of them, for a program that ends without Python's own end."""
    while _recorders:
        _recorders.popitem()[1].close()


def _note(text: str) -> None:
    """Say what is lost: to stderr, unless the program has its own way with what is logged."""
    import logging

    logging.getLogger("capsule").warning("capsule: %s", text)
