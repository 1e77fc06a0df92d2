"""The scientific packages whose native code this interpreter does not have.

Their native parts are the built-in modules with a dot in the name. In a smaller interpreter that
code is taken out, and calling it would end the sandbox; so the import is a clear error instead.

On core it is an `ImportError`: to what asks for such a package it is not installed. Where a task
has some of them and asks for another, it would be there if the host had known: that error ends the
task whatever it catches, so that nothing takes another way because of it. The host is told which
package it was, and the next run has it.

A turn of a session has what the code of its turns is seen to import: there the error ends the turn
alone, and no other session is given more because of it.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder

from capsule_guest.loader import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_NATIVE = frozenset(name for name in sys.builtin_module_names if "." in name)
# What an `ImportError` of ours is marked with.
_NEEDS = "capsule_needs"
# Whoever asks whether a module is there, and does not import it.
_ASKING = "/importlib/util.py"

# The first import that ends the task, or the turn of a session.
_late: list[LateImportError] = []
# Not empty in a session.
_turns: list[bool] = []


class LateImportError(BaseException):
    """Raised when a task imports what the host did not see: no task goes on behind it."""

    def __init__(self, package: str, text: str) -> None:
        super().__init__(text)
        self.package = package


# As a traceback names it.
LateImportError.__qualname__, LateImportError.__module__ = "LateImport", "builtins"


class Refusal:
    """A finder that finds nothing, and refuses some names."""

    def __init__(self, flavour: str, names: frozenset[str]) -> None:
        self.flavour, self.names = flavour, names

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname in self.names:
            package = fullname.partition(".")[0]
            if self.flavour == "core":
                _refuse_on_core(package)
            elif not _is_only_asked(sys._getframe(1)):
                _refuse(package, self.flavour)


def refuse(flavour: str, lacking: frozenset[str]) -> None:
    """Refuse the native parts of these packages, and them, unless the task brings its own."""
    native = frozenset(name for name in _NATIVE if name.partition(".")[0] in lacking)
    sys.meta_path.insert(0, Refusal(flavour, native))
    sys.meta_path.insert(sys.meta_path.index(PathFinder), Refusal(flavour, lacking))


def allow(flavour: str, natives: frozenset[str]) -> None:
    """Let a session that has begun on a smaller interpreter import what this one has."""
    for finder in sys.meta_path:
        if isinstance(finder, Refusal):
            finder.flavour = flavour
            finder.names = frozenset(
                name for name in finder.names if name.partition(".")[0] not in natives
            )


def check() -> None:
    """Raise the error that ends the task, if there was one, for tasks that have caught it."""
    if _late:
        raise _late[0]


def begin_turn() -> None:
    """Begin a turn of a session: what ended the one before it does not end this one."""
    _late.clear()
    _turns[:] = [True]


def package_behind(error: BaseException) -> str | None:
    """Return what the task should have had, if it ends for the want of that."""
    seen: set[int] = set()
    below: BaseException | None = error
    while below is not None and id(below) not in seen:
        seen.add(id(below))
        if isinstance(below, LateImportError):
            return below.package
        if type(below) is ImportError and _NEEDS in vars(below):
            return str(vars(below)[_NEEDS])
        below = below.__cause__ or below.__context__
    return None


def _is_only_asked(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib."):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.endswith(_ASKING)


def _refuse(package: str, flavour: str) -> None:
    if _turns:
        text = _not_in_session(package, flavour)
    else:
        file = _task_file()
        first = f", or write 'import {package}' at the top of {file}" if file else ""
        text = (
            f"{package} is imported only now, and this task runs on the {flavour} interpreter, "
            f"which was chosen by what its file imports: run it again, and it has {package}{first}"
        )
    error = LateImportError(package, text)
    _late.append(error)
    raise error


def _not_in_session(package: str, flavour: str) -> str:
    return (
        f"{package} is not in the interpreter of this turn ({flavour}), which has what the code of "
        f"the session is seen to import: write 'import {package}' in the turn"
    )


def _refuse_on_core(package: str) -> None:
    if _turns:
        raise ImportError(_not_in_session(package, "core"), name=package)
    file = _task_file()
    what = (
        f"write 'import {package}' at the top of {file}"
        if file
        else f"code that comes as a text has no say in that. Whoever runs it does, by 'import "
        f"{package}' in the file that runs it, or dependencies = [\"{package}\"] in that file's "
        "script block"
    )
    error = ImportError(
        f"{package} needs a larger interpreter, and this task runs on core, which was chosen by "
        f"what the task's file imports: {what}",
        name=package,
    )
    # Who wrote a text need not be whoever runs it, and what it asks for costs the host a compile.
    if file:
        setattr(error, _NEEDS, package)
    raise error


def _task_file() -> str | None:
    """Return the task's file that asks, or whose call has a library ask; None for a text."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(ROOT):
            return name.removeprefix(ROOT)
        if not name.startswith(("/capsule/", "/usr/local/", "<frozen ")):
            break
        frame = frame.f_back  # type: ignore[assignment]
    return None
