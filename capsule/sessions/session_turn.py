"""One turn of a session on the host: where its process comes from, and what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.process.cancel import Cancellation
from capsule.sessions import state_file, turn_process
from capsule.sessions.background_work import in_background
from capsule.sessions.kept_turn import KeptState, KeptTurn
from capsule.sessions.state_file import StateError
from capsule.sessions.wider_interpreter import allowed, for_turns
from capsule.snapshot import fuel_reading, request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from capsule.process.argv import Mount
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan
    from capsule.runner.host_functions import HostFunctions
    from capsule.sessions.code_history import CodeHistory
    from capsule.sessions.session_base import SessionBase
    from capsule.sessions.state_file import Contents
    from capsule.sessions.turn_process import TurnProcess

    class Core(Protocol):
        """What a turn needs of its session."""

        reseeds: bool

        @property
        def base(self) -> SessionBase: ...

        def take_ahead(self, plan: Plan, state: str) -> TurnProcess | None: ...

        def contents_of(self, state: KeptState) -> Contents: ...


class SessionTurn:
    """One turn: a `Starter` whose process has the state, and what makes a plan that of a turn."""

    sees_end = False

    def __init__(
        self,
        core: Core,
        before: KeptState,
        code: str,
        functions: HostFunctions | None,
    ) -> None:
        self._core, self.before, self._code = core, before, code
        self._tools = {} if functions is None else functions.described
        base = core.base
        hidden = frozenset(mount.guest for mount in base.choice.mounts)
        self.keeper = KeptTurn(base.contents, base.image, hidden, state_file.MOST_PAGES)
        # Known when it has answered.
        self.raised = False
        self.env: Mapping[str, str] = {}
        self.folders: dict[str, bool] = {}
        self._plan: Plan | None = None
        self._found: TurnProcess | None = None

    @property
    def contents(self) -> Contents:
        """The state that it went on from."""
        if self._found is None:
            raise StateError("the turn has not begun")
        return self._found.contents

    @property
    def history(self) -> CodeHistory:
        """The code that led to the state behind it."""
        return self.before.history.grown(self._code, raised=self.raised)

    def adapted(self, plan: Plan) -> Plan:
        """Return the plan of a turn, from that of a run."""
        core = self._core
        asked = {
            "number": self.before.turn + 1,
            "code": self._code,
            "tools": self._tools,
            "reseed": core.reseeds,
            "env": dict(self.env),
            "folders": {} if all(self.folders.values()) else self.folders,
            **allowed(core.base),
        }
        made = for_turns(plan, core.base)
        self._plan = made._replace(request=request.turn(asked), keeper=self.keeper)
        return self._plan

    def start(self, plan: Plan) -> SandboxProcess:
        """Give the process that was started ahead, or start one."""
        core = self._core
        found = core.take_ahead(plan, self.before.name)
        if found is None:
            plan.cold()
            # The process starts while the state is read.
            reading = in_background(lambda: core.contents_of(self.before))
            with Cancellation() as never:
                found = turn_process.start(plan, reading.result, never)
        self._found = found
        self.keeper.begin(found)
        return found.sandbox

    def fuel(self, offset: int | None) -> int | None:
        """Return what the turn took, by where the meter stopped."""
        plan = self._plan
        if offset is None or plan is None:
            return None
        at = offset - plan.first_step
        if not 0 <= at < fuel_reading.STEPS * fuel_reading.STEP_LENGTH:
            return None
        spent = fuel_reading.read(plan.launch.budget, at).middle
        overheads = self._core.base.overheads
        return max(spent - overheads[min(self.before.turn, len(overheads) - 1)], 1)


def mounts_for(base: SessionBase, folders: tuple[Mount, ...]) -> tuple[Mount, ...]:
    """Return what a turn sees that has these folders, which may be fewer than the session's."""
    mine = base.order.inputs.folders
    return (*(each for each in base.choice.mounts if each not in mine), *folders)
