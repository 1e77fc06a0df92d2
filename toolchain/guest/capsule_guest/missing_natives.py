"""The scientific packages, whose native parts the core interpreter does not have.

Their native parts are the built-in modules with a dot in the name. In the core interpreter that
code is taken out, and calling it would end the sandbox; so the import is a clear error instead.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder

from capsule_guest.loader import ROOT

_NATIVE = frozenset(name for name in sys.builtin_module_names if "." in name)
_PACKAGES = frozenset(name.partition(".")[0] for name in _NATIVE)


class Refusal:
    """A finder that finds nothing, and refuses some names."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname in self.names:
            package = fullname.partition(".")[0]
            raise ImportError(
                f"{package} needs the science interpreter, and this task runs on core, which was "
                f"chosen by what the task's file imports: {_what_to_do(package)}",
                name=package,
            )


def _what_to_do(package: str) -> str:
    """Say who can choose the other interpreter: whoever wrote the file, or whoever runs the text.

    A library that asks does so for the code that called it.
    """
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(ROOT):
            return f"write 'import {package}' at the top of {name.removeprefix(ROOT)}"
        if not name.startswith(("/capsule/", "/usr/local/", "<frozen ")):
            break
        frame = frame.f_back  # type: ignore[assignment]
    return (
        f"code that comes as a text has no say in that. Whoever runs it does, by 'import {package}'"
        f' in the file that runs it, or dependencies = ["{package}"] in that file\'s script block'
    )


def refuse() -> None:
    """Refuse the native parts always, and the packages unless the task brings its own."""
    sys.meta_path.insert(0, Refusal(_NATIVE))
    sys.meta_path.insert(sys.meta_path.index(PathFinder), Refusal(_PACKAGES))
