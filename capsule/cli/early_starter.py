"""Whether the process of a command can be started before the rest of capsule is imported."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from capsule.errors import CapsuleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from capsule.cli.parsing.run_options import Options
    from capsule.pool.early_start import EarlyStart


def starter_for(options: Options) -> AbstractContextManager[EarlyStart | None]:
    """Return what may have started the process of a command that runs a file, once.

    None comes out for any other: what it runs is not known before it is read.
    """
    sources = (options.code, options.module, options.map_file)
    if options.file is None or options.file == "-" or sources != (None, None, None):
        return nullcontext()
    from capsule.pool import remembered_launch
    from capsule.pool.early_start import EarlyStart
    from capsule.state_folder import checked_root

    try:
        working, home = Path.cwd(), checked_root()
    except (CapsuleError, OSError):
        return nullcontext()  # which is said by whoever looks next
    # Without what only decides what a task is called with, and how its answer is shown.
    asked = options._replace(
        args=[],
        args_json=None,
        args_file=None,
        json=False,
        result=False,
        verbose=False,
        quiet=False,
    )
    key = remembered_launch.key(f"{working}", repr(asked))
    return EarlyStart(home, key, working / options.file)
