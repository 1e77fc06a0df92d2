"""The entry point of the command: a worker that listens does it, else this program.

Next to nothing is imported before that is known: to hand a command over takes two milliseconds, and
the imports that running it takes would be six times as much.
"""

from __future__ import annotations

import gc
import os
import sys

from capsule.cli import DEBUG, handover


def main() -> None:
    """Run the command line of this process and exit."""
    words = sys.argv[1:]
    try:
        code = handover.attempt(words)
        if code is None:
            # What is imported stays: looking through it for garbage, again and again, costs 2 ms.
            gc.disable()
            from capsule.cli import code_cache, run_modules

            found = code_cache.install(handover.state_root(os.environ))
            if found is not None and words and words[0] in handover.COMMANDS:
                found.load(run_modules.LIBRARY | run_modules.BEFORE_START, run_modules.LATE)
            from capsule.cli.dispatch import run

            code = run(words, found)
    except KeyboardInterrupt:
        # Before there is anybody to handle signals, as while a worker is asked.
        os.write(2, b"capsule: interrupted\n")
        code = handover.INTERRUPTED
    if os.environ.get(DEBUG):
        sys.exit(code)
    # Whatever is held is the system's to take back, and all was written when it was printed: taking
    # the interpreter apart would cost 7 ms.
    writer = sys.modules.get("capsule.cli.terminal.patient_writer")
    for stream in (sys.stdout, sys.stderr):
        if writer is not None and stream is sys.stderr and writer.STDERR.is_stuck:
            # It is in a write that may never end.
            continue
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(code)
