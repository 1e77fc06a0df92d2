"""What a session may do, as a task's decorator would say it: options that no file declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from capsule.errors import PolicyError, UsageError
from capsule.message_text import nearest
from capsule.policy.ceilings import least
from capsule.policy.declaration_types import Declarations, TaskDeclaration
from capsule.policy.units import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.policy.invalid_value import InvalidValueError
    from capsule.policy.project import Project

NAME = "session"
OPTIONS = ("compute", "ram", "timeout", "allowed_files", "allowed_hosts", "env_variables")
_LISTS = frozenset(("allowed_files", "allowed_hosts", "env_variables"))
# Of a session, where nothing is said; of a task it is MEDIUM.
_COMPUTE = LEVELS["HIGH"]


class SessionDeclaration(TaskDeclaration):
    """A session as the task that its turns are; its options are those of a call in a program."""

    def blame(self, option: str, wrong: InvalidValueError) -> PolicyError:
        """Return the error that says that `option` of the session is wrong."""
        return PolicyError(f"{NAME}: {option}: {wrong.message}", hint=wrong.hint)


def declarations_of(options: Mapping[str, object], project: Project) -> Declarations:
    """Return what declares a session with these options; None and empty lists say nothing.

    Raises `UsageError` for an option that there is not. Their values are not looked at.
    """
    if unknown := sorted(options.keys() - set(OPTIONS)):
        there = ", ".join(OPTIONS)
        raise UsageError(
            f"a session has no option {unknown[0]!r}; there are {there}",
            hint=nearest(unknown[0], OPTIONS),
        )
    said = {name: value for name, value in options.items() if value not in (None, [], ())}
    for name in said.keys() & _LISTS:
        if isinstance(given := said[name], (str, bytes)) or not isinstance(given, Iterable):
            raise UsageError(f"{name}={given!r}: a list is needed", hint=f"[{given!r}]")
        said[name] = list(given)
    if "compute" not in said and project.defaults.compute is None:
        # Nobody has asked for so much: it gives way to a ceiling.
        most = least(project.ceilings, "max_compute").value
        said["compute"] = _COMPUTE if most is None else min(most, _COMPUTE)
    task = SessionDeclaration(NAME, "main", NAME, 0, is_async=True, options=said)
    return Declarations(NAME, (task,), None)
