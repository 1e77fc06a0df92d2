"""A session: turns one after another, each from the state that the one before it left."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from capsule.errors import CapsuleError
from capsule.namedtuples import NamedTuple
from capsule.pool import slots as running
from capsule.pool.prepared_task import run_in_turn
from capsule.runner import prepare
from capsule.runner.observer import NOBODY
from capsule.runner.run import first_plan
from capsule.sessions import state_file, state_memory, turn_process
from capsule.sessions.kept_turn import KeptState, KeptTurn
from capsule.sessions.process_ahead import ProcessAhead
from capsule.sessions.state_file import StateError
from capsule.snapshot import fuel_meter, request

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.process.cancel import Cancellation
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan
    from capsule.runner.host_functions import HostFunctions
    from capsule.runner.observer import Observer
    from capsule.runner.run import Order
    from capsule.sessions.scratch_files import FileChange
    from capsule.sessions.session_base import SessionBase
    from capsule.sessions.state_file import Contents
    from capsule.sessions.state_store import StateStore
    from capsule.sessions.turn_process import TurnProcess


class Answered(NamedTuple):
    """What a turn came to: its envelope, the files that it changed, and what is kept of it.

    `kept` is done when the state is; it raises where that failed. For a turn that left nothing, it
    is the state from before.
    """

    envelope: Envelope
    changes: list[FileChange]
    kept: Future[KeptState]


class SessionCore:
    """Runs turns in order, from any thread. `close` it.

    `base` is what all turns begin with, `store` where states are kept, `state` where it stands.
    """

    def __init__(  # noqa: PLR0913 - all that it is made of
        self,
        base: SessionBase,
        store: StateStore,
        home: Path,
        state: KeptState,
        *,
        is_fork: bool = False,
        reseeds: bool = False,
    ) -> None:
        self._is_fork = is_fork
        # Whether generators of random numbers begin anew in the next turn.
        self.reseeds = reseeds
        self._running: Cancellation | None = None
        self._base, self._store, self._home = base, store, home
        store.hold()
        # Turns go on one after another, in the order in which they were asked for.
        self._order = threading.Lock()
        # Where it stands: done as soon as the next turn can go on from there.
        self._left: Future[KeptState] = _done(state)
        self._states = [state]
        self._stood = state
        self._fresh: tuple[str, Contents] | None = None
        self._keeping: threading.Thread | None = None
        self._ahead: ProcessAhead | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<SessionCore with {len(self._states)} states>"

    @property
    def is_new(self) -> bool:
        """Whether nothing was run in it, and nothing written, since it was opened."""
        return len(self._states) == 1 and self._states[0].turn == 0 and not self._is_fork

    @property
    def states(self) -> list[KeptState]:
        """The states that are kept, the first of them that of before all turns."""
        self.settled()
        return [state for state in self._states if self._store.has(state.name)]

    def run(
        self,
        code: str,
        cancellation: Cancellation,
        *,
        call: prepare.Call | None = None,
        observer: Observer = NOBODY,
        functions: HostFunctions | None = None,
    ) -> Answered:
        """Run a turn; the answer does not wait for the state to be kept.

        `call` has other limits for this turn. Raises `CapsuleError` when it cannot be run at all.
        """
        with self._order:
            self._check_open()
            self._running = cancellation
            before = self.settled()
            turn = _Turn(self, before, code, functions)
            order = self._settled_order(call)
            choice = self._base.choice
            order = order._replace(adapt=turn.adapted, choice=choice, functions=functions)
            try:
                place = self, running.SHARED
                envelope = run_in_turn(order, observer, cancellation, turn, place)
            except BaseException:
                turn.keeper.drop()
                turn.stands(before)
                raise
            finally:
                self._running = None
            return self._judged(envelope, turn, before)

    def contents_of(self, state: KeptState) -> Contents:
        """Return all that a state is. What was kept last is in memory, until it is taken once."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None and fresh[0] == state.name:
            return fresh[1]
        return self._store.read(state.name)

    def settled(self) -> KeptState:
        """Return the state that the session stands at, waiting until it is kept."""
        try:
            return self._left.result()
        except CapsuleError:
            # Who asked for it was told; the session stands at the one from before.
            return self._stood

    def cancel(self) -> None:
        """End the turn that goes on, if there is one: the session stands where it stood."""
        if self._running is not None:
            self._running.cancel()

    def fork(self, state: str | None = None, *, reseed: bool = False) -> SessionCore:
        """Return a session that goes on from a state of this one, on its own."""
        self._check_open()
        found = self.settled() if state is None else self._named(state)
        return SessionCore(self._base, self._store, self._home, found, is_fork=True, reseeds=reseed)

    def back(self, state: str) -> None:
        """Stand at an earlier state. Raises `StateError` for one that is not of this session."""
        with self._order:
            self._check_open()
            self.settled()
            found = self._named(state)
            self._left = _done(found)
            self._drop_ahead()
            self._start_ahead(found)

    def save(self, path: Path) -> None:
        """Write the state to a file that is whole in itself. Raises `CapsuleError`."""
        with self._order:
            self._check_open()
            state = self._store.read(self.settled().name)
        whole = state_memory.on_initial(self._base, state)
        packed = state_file.encode(whole, packed=True)
        temporary = path.with_name(f"{path.name}.new")
        try:
            temporary.touch(mode=0o600)
            temporary.write_bytes(packed)
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StateError(f"cannot write {path}: {error.strerror}") from None

    def read(self, name: str) -> bytes:
        """Return the content of a file of the working folder. Raises `StateError`."""
        files = self._store.read(self.settled().name).files
        try:
            return files[f"{state_file.PLACES[0]}/{name.removeprefix('/')}"]
        except KeyError:
            raise StateError(f"there is no file {name!r} in the session") from None

    def write(self, name: str, data: bytes) -> None:
        """Put a file into the working folder. Raises `StateError` for a name outside of it."""
        inside = f"{state_file.PLACES[0]}/{name.removeprefix('/')}"
        if not state_file.is_inside(inside):
            raise StateError(f"{name!r} is no name of a file in the session")
        with self._order:
            self._check_open()
            before = self.settled()
            contents = self._store.read(before.name)
            changed = contents._replace(files={**contents.files, inside: data})
            state = KeptState(self._store.write(changed), before.turn)
            self._states.append(state)
            self._left = _done(state)
            self._drop_ahead()
            self._start_ahead(state)

    def close(self) -> None:
        """End what waits, and let go of all states."""
        with self._order:
            if self._closed:
                return
            self._closed = True
            if self._keeping is not None:
                self._keeping.join()
            self._drop_ahead()
            self._store.release()

    def _check_open(self) -> None:
        if self._closed:
            raise StateError("this session is closed")

    def _named(self, name: str) -> KeptState:
        if self._store.has(name):
            for state in self._states:
                if state.name == name:
                    return state
        # One that another session of the same past has made, or none.
        return KeptState(name, self._store.read(name).turn)

    def _settled_order(self, call: prepare.Call | None) -> Order:
        base = self._base
        if call is None:
            order, call = base.order, prepare.Call()
        else:
            from capsule.progress import Silent

            order = prepare.order(base.source, call, self._home, Silent())
            order = order._replace(inputs=base.order.inputs, ledger=base.order.ledger)
        return prepare.renewed(order, base.source.project.root, call)

    def _judged(self, envelope: Envelope, turn: _Turn, before: KeptState) -> Answered:
        error = envelope["error"]
        if not turn.keeper.answered or (error and error["error_type"] != "task_error"):
            # It was stopped, or it crashed: the session stands where it stood.
            turn.keeper.drop()
            turn.stands(before)
            return Answered(envelope, [], _done(before))
        self.reseeds = False
        kept: Future[KeptState] = Future()
        left: Future[KeptState] = Future()
        self._left, self._stood = left, before
        coming = turn.coming

        def keep() -> None:
            try:
                state = self._keep(turn)
                self._states.append(state)
                coming.set_result(state)
                left.set_result(state)
                state = state._replace(fuel=turn.fuel(turn.keeper.end()))
            except BaseException as failed:  # noqa: BLE001 - raised where it is waited for
                said = (
                    failed
                    if isinstance(failed, CapsuleError)
                    else StateError(
                        f"the state could not be kept: {type(failed).__name__}: {failed}"
                    )
                )
                kept.set_exception(said)
                for each in (coming, left):
                    if not each.done():
                        each.set_exception(said)
                turn.keeper.drop()
                return
            kept.set_result(state)

        self._keeping = threading.Thread(target=keep, name="capsule-session")
        self._keeping.start()
        return Answered(envelope, turn.keeper.changes, kept)

    def _keep(self, turn: _Turn) -> KeptState:
        pages, memory = turn.keeper.read_memory()
        files = turn.keeper.read_files()
        number = turn.before.turn + 1
        contents = turn.contents._replace(memory=memory, turn=number, pages=pages, files=files)
        name = self._store.write(contents)
        self._fresh = name, contents
        return KeptState(name, number)

    def _start_ahead(self, state: KeptState) -> None:
        self.expect(_done(state))

    def expect(self, coming: Future[KeptState]) -> None:
        """Have a process started for the next turn, which goes on from what is coming."""
        plan = first_plan(self._settled_order(None), self._base.choice)
        if plan is not None and not self._closed:
            self._ahead = ProcessAhead(_for_turns(plan, self._base), coming, self.contents_of)

    def take_ahead(self, plan: Plan, state: str) -> TurnProcess | None:
        """Return the process that was started for such a turn, if there is one that is fit."""
        ahead, self._ahead = self._ahead, None
        return None if ahead is None else ahead.taken(plan, state)

    def _drop_ahead(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.close()


class _Turn:
    """One turn: a `Starter` whose process has the state, and what makes a plan that of a turn."""

    sees_end = False

    def __init__(
        self,
        core: SessionCore,
        before: KeptState,
        code: str,
        functions: HostFunctions | None,
    ) -> None:
        self._core, self.before, self._code = core, before, code
        self._tools = {} if functions is None else functions.described
        base = core._base  # noqa: SLF001 - a part of the same
        hidden = frozenset(mount.guest for mount in base.choice.mounts)
        image = base.choice.snapshot.image
        self.keeper = KeptTurn(base.contents, image, hidden, state_file.MOST_PAGES)
        self._plan: Plan | None = None
        self._found: TurnProcess | None = None
        # What the next turn goes on from.
        self.coming: Future[KeptState] = Future()

    @property
    def contents(self) -> Contents:
        """The state that it went on from."""
        if self._found is None:
            raise StateError("the turn has not begun")
        return self._found.contents

    def adapted(self, plan: Plan) -> Plan:
        """Return the plan of a turn, from that of a run."""
        core = self._core
        asked = {
            "number": self.before.turn + 1,
            "code": self._code,
            "tools": self._tools,
            "reseed": core.reseeds,
            "env": core._base.order.call.env,  # noqa: SLF001
        }
        made = _for_turns(plan, core._base)  # noqa: SLF001
        self._plan = made._replace(request=request.turn(asked), keeper=self.keeper)
        return self._plan

    def start(self, plan: Plan) -> SandboxProcess:
        """Give the process that was started ahead, or start one."""
        core = self._core
        found = core.take_ahead(plan, self.before.name)
        if found is None:
            from capsule.process.cancel import Cancellation

            plan.cold()
            with Cancellation() as never:
                found = turn_process.start(plan, lambda: core.contents_of(self.before), never)
        self._found = found
        self.keeper.begin(found.contents.files, found.laid_out)
        # The next process starts while this turn goes on, and is given what it left.
        core.expect(self.coming)
        return found.sandbox

    def stands(self, state: KeptState) -> None:
        """Say that the turn left nothing: the next goes on from where this one did."""
        if self._found is not None:
            self.coming.set_result(state)

    def fuel(self, offset: int | None) -> int | None:
        """Return what the turn took, by where the meter stopped."""
        plan = self._plan
        if offset is None or plan is None:
            return None
        at = offset - plan.first_step
        if not 0 <= at < fuel_meter.STEPS * fuel_meter.STEP_LENGTH:
            return None
        return fuel_meter.read(plan.launch.budget, at).middle or 1


def _for_turns(plan: Plan, base: SessionBase) -> Plan:
    launch = plan.launch._replace(driver=base.order.inputs.base.turn_driver)
    return plan._replace(launch=launch)


def _done(state: KeptState) -> Future[KeptState]:
    made: Future[KeptState] = Future()
    made.set_result(state)
    return made
