"""`tempfile.TemporaryFile` also where a file that is open cannot be deleted: Windows is below then.

Python deletes such a file when it has opened it, on all systems but Windows, which is not what it
sees here. There it is one with a name, which goes when it is closed.
"""

from __future__ import annotations

import functools
import os

from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any


def adapt_on_import() -> None:
    """Do it when the module is imported."""
    adapt("tempfile", _adapt)


def _adapt(module: ModuleType, execute: Callable[[ModuleType], None]) -> None:
    execute(module)
    nameless, named = module.TemporaryFile, module.NamedTemporaryFile

    @functools.wraps(nameless)
    def made(*args: Any, **kwargs: Any) -> Any:
        # Asked each time: a snapshot may go on above another system than it was taken on.
        return (nameless if _goes_while_open(module) else named)(*args, **kwargs)

    module.TemporaryFile = made  # type: ignore[attr-defined]


def _goes_while_open(module: ModuleType) -> bool:
    number, path = module.mkstemp()
    try:
        os.unlink(path)  # noqa: PTH108 - as the module does
    except PermissionError:
        os.close(number)
        os.unlink(path)  # noqa: PTH108
        return False
    os.close(number)
    return True
