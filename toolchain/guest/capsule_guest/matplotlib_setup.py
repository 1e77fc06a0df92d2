"""matplotlib without a home: it keeps its caches in `/tmp`, and says nothing of it."""

from __future__ import annotations

import os
from contextlib import suppress

from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_VARIABLE = "MPLCONFIGDIR"
# What matplotlib keeps in its folder it can make again, so that a snapshot may lose it.
CACHE = ".matplotlib"


def adapt_on_import() -> None:
    """Give matplotlib a folder for its caches while it is imported."""
    adapt("matplotlib", _run)
    adapt("matplotlib.font_manager", _keep_fonts)


def _keep_fonts(module: ModuleType, execute: Callable[[ModuleType], None]) -> None:
    # The folder may be of the process in which matplotlib itself was imported.
    with suppress(OSError):
        os.makedirs(f"/tmp/{CACHE}", exist_ok=True)  # noqa: PTH103, S108 - the sandbox's own
    execute(module)


def _run(module: ModuleType, execute: Callable[[ModuleType], None]) -> None:
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = before or f"/tmp/{CACHE}"  # noqa: S108 - the sandbox's own
    try:
        execute(module)
        # Asked for now, while the variable is set; the answer is kept.
        module.get_cachedir()
    finally:
        if before is None:
            del os.environ[_VARIABLE]
