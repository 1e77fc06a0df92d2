"""A task of one line, run to see that tasks can run here."""

from __future__ import annotations

import os
from pathlib import Path

from capsule.errors import ToolchainError
from capsule.process.cancel import Cancellation
from capsule.runner import prepare
from capsule.runner.observer import NOBODY
from capsule.runner.run import run
from capsule.runner.source import read_text
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.progress import Progress

_TASK = b"def main(): return 6 * 7"
_RESULT = 42


def trial_run(progress: Progress) -> int:
    """Run it, and return in how many milliseconds it answered.

    Raises `ToolchainError` when the answer is wrong.
    """
    folder = Path(os.path.realpath(os.getcwd()))  # noqa: PTH109 - a folder that is gone raises OSError
    order = prepare.order(read_text(_TASK, folder), prepare.Call(), checked_root(), progress)
    with Cancellation() as never:
        envelope = run(order, NOBODY, never)
    error = envelope["error"]
    if error is None and envelope["result"] == _RESULT:
        return envelope["execution"]["duration_ms"]
    found = "a wrong result" if error is None else f"{error['error_type']}: {error['message']}"
    raise ToolchainError(found, hint="capsule toolchain verify")
