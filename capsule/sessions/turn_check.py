"""Type errors of a turn before it runs: what is known of its session, put before the checker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.envelope import refusal
from capsule.errors import UsageError
from capsule.packages.builtin_distributions import included
from capsule.sessions.session_declaration import NAME
from capsule.type_check import checker_process, tool_stubs, turn_modules
from capsule.type_check.bound_names import lines_in_scopes
from capsule.type_check.problems import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.envelope import Envelope
    from capsule.process.cancel import Cancellation
    from capsule.runner.host_functions import HostFunctions
    from capsule.sessions.code_history import CodeHistory
    from capsule.type_check.problems import TypeProblem

# What a checker may call these, by its version.
_IMPORTS = frozenset(("import-not-found", "unresolved-import"))
# It says so of what stands in a list at the top level too: `[await f() for f in functions]`.
_AWAIT = "`await` outside of an asynchronous function"
_NAMES = frozenset(("unresolved-reference", "possibly-unresolved-reference"))


class TurnCheck:
    """How code of a session is checked: what its turns can call, and where modules may come from.

    `closed` says that no package, mount or file brings modules which Python does not have.
    """

    def __init__(self, functions: HostFunctions | None, *, closed: bool) -> None:
        self._described: Mapping[str, Mapping[str, str]] = {}
        if functions is not None:
            self._described = functions.described
        self._closed = closed

    def problems(
        self, code: str, history: CodeHistory, cancellation: Cancellation
    ) -> list[TypeProblem]:
        """Return the type errors of code that goes on from there. Raises `CapsuleError`."""
        if not isinstance(code, str):
            raise UsageError(f"check: code is text, and this is {type(code).__name__}")
        try:
            code.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"check: the code is no text: {error.reason}") from None
        if len(code) > checker_process.MOST_CODE:
            raise UsageError(
                f"check: the code has {len(code):,} characters;"
                f" {checker_process.MOST_CODE:,} are read at most"
            )
        codes = [*(turn.code for turn in history.turns), code]
        turns = turn_modules.modules_of(history.turns, code)
        found = checker_process.check(
            turns.notebook,
            code,
            {**turns.files, **tool_stubs.files(self._described)},
            turn_modules.CODE_CELL,
            cancellation,
        )
        names = history.whole and turns.tells_all and turn_modules.tells_all_names(codes)
        modules = self._closed and names and turn_modules.tells_all_modules(codes)
        awaits = any(problem.message == _AWAIT for problem in found)
        scopes = lines_in_scopes(code) if awaits else ()
        return [
            problem
            for problem in found
            if not (problem.message == _AWAIT and problem.line not in scopes)
            and not (problem.rule in _NAMES and not names)
            and not (problem.rule in _IMPORTS and not (modules and _is_nowhere(problem)))
        ]

    def refused(
        self, code: str, history: CodeHistory, cancellation: Cancellation
    ) -> Envelope | None:
        """Return the answer of a turn that has type errors, None for one that may run."""
        found = self.problems(code, history, cancellation)
        return refusal(NAME, "type_error", listed(found)) if found else None


def _is_nowhere(problem: TypeProblem) -> bool:
    """Say whether the module that was not found is none of those that the sandbox brings."""
    name = problem.message.partition("`")[2].partition("`")[0].partition(".")[0]
    return bool(name) and not any(name in each.imports for each in included().values())
