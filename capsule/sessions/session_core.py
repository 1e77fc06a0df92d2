"""A session: turns one after another, each from the state that the one before it left."""

from __future__ import annotations

import os
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from capsule.confine.scratch_reserve import Keeper
from capsule.errors import UsageError
from capsule.pool.prepared_task import run_in_turn
from capsule.pool.run_queue import QueuedRun
from capsule.runner import prepare
from capsule.runner.observer import NOBODY
from capsule.runner.run import first_plan
from capsule.sessions import saved_state, state_file, state_memory
from capsule.sessions.background_work import done, in_background
from capsule.sessions.kept_turn import Answered, KeptState, first_kept
from capsule.sessions.process_ahead import ProcessAhead
from capsule.sessions.saved_state import Saved
from capsule.sessions.session_base import of_session
from capsule.sessions.session_turn import SessionTurn, mounts_for
from capsule.sessions.standing import Standing, said_of, standing_at
from capsule.sessions.state_file import StateError
from capsule.sessions.state_slots import STATE_SLOTS
from capsule.sessions.state_store import new_name
from capsule.sessions.turn_order import TurnOrder
from capsule.sessions.wider_interpreter import for_turns, with_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt import Plan
    from capsule.runner.host_functions import HostFunctions
    from capsule.runner.observer import Observer
    from capsule.runner.run import Order
    from capsule.sessions.session_base import SessionBase
    from capsule.sessions.state_file import Contents
    from capsule.sessions.state_store import StateStore
    from capsule.sessions.turn_process import TurnProcess
    from capsule.type_check.problems import TypeProblem

    Opener = Callable[[Sequence[str], Cancellation], tuple[SessionBase, Contents]]


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
        opener: Opener | None = None,
        reseeds: bool = False,
    ) -> None:
        # What opens it anew with more imports: only while nothing has run in it.
        self._opener = opener
        # Whether generators of random numbers begin anew in the next turn.
        self.reseeds = reseeds
        self._running: Cancellation | None = None
        # What the record calls it, in which each turn is a run.
        self.label = os.urandom(4).hex()
        self.base, self._store, self._home = base, store, home
        store.hold()
        store.pin(self, state.name)
        self._order = TurnOrder()
        self._standing = standing_at(state)
        self._states = [state]
        self._fresh: tuple[str, Contents] | None = None
        self._keeping: Future[None] | None = None
        self._ahead: ProcessAhead | None = None
        self._folders = Keeper()
        self._closed = False

    def __repr__(self) -> str:
        return f"<SessionCore with {len(self._states)} states>"

    @property
    def states(self) -> list[KeptState]:
        """The states that are kept, the first of them that of before all turns."""
        self.settled()
        return [state for state in self._states if self._store.has(state.name)]

    def run(  # noqa: PLR0913 - what a turn brings along
        self,
        code: str,
        cancellation: Cancellation,
        *,
        call: prepare.Call | None = None,
        observer: Observer = NOBODY,
        functions: HostFunctions | None = None,
        more: Callable[[], Sequence[str]] = tuple,
        refused: Callable[[KeptState], Envelope | None] = lambda _: None,
        queued: QueuedRun | None = None,
    ) -> Answered:
        """Run a turn; the answer does not wait for the state to be kept.

        `call` has other limits for this turn, and `more` says what the first turn should find
        in memory. What `refused` gives for the state is the answer, and nothing runs. `queued`
        counts how long it waits, also for the turns before it. Raises `CapsuleError` when it cannot
        be run at all.
        """
        queued = queued or QueuedRun(self)
        with self._in_order(cancellation, queued):
            self._running = cancellation
            # It may be written to the disk still.
            before = self._standing.soonest()
            if envelope := refused(before):
                return Answered(envelope, [], done(self.settled()._replace(fuel=0)))
            if self._opener is not None and (names := more()):
                before = self._open_anew(self._opener(names, cancellation))
            self.base = with_imports(self.base, code, cancellation)
            turn = SessionTurn(self, before, code, functions)
            order = self._settled_order(call)
            turn.env, folders = order.call.env, order.inputs.folders
            turn.folders = {each.guest: each.writable for each in folders}
            choice = self.base.choice._replace(mounts=mounts_for(self.base, folders))
            if functions is not None:
                functions.around = self._order.within
            # Without jobs: a turn that could call its session as a task would run itself.
            named = f"turn {before.turn + 1} of {self.label}"
            order = order._replace(
                file=named, adapt=turn.adapted, choice=choice, functions=functions, jobs={}
            )
            try:
                envelope = run_in_turn(order, observer, cancellation, turn, queued)
            except BaseException:
                turn.keeper.drop()
                raise
            finally:
                self._running = None
            return self._judged(envelope, turn, before)

    def checked(
        self, check: Callable[[KeptState], list[TypeProblem]], stop: Cancellation
    ) -> list[TypeProblem]:
        """Return what `check` says, after the turns that were asked for before."""
        with self._in_order(stop):
            return check(self.settled())

    def contents_of(self, state: KeptState) -> Contents:
        """Return all that a state is. What was kept last is in memory, until it is taken once."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None and fresh[0] == state.name:
            return fresh[1]
        if not self._store.has(state.name):
            # It is written still, or could not be.
            self._standing.written.result()
        return self._store.read(state.name)

    def settled(self) -> KeptState:
        """Return the state that the session stands at, waiting until it is kept."""
        self._order.check_mine()
        return self._standing.settled()

    def cancel(self) -> None:
        """End the turn that goes on, if there is one: the session stands where it stood."""
        if self._running is not None:
            self._running.cancel()

    def fork(self, state: str | None = None, *, reseed: bool = False) -> SessionCore:
        """Return a session that goes on from a state of this one, on its own."""
        self._check_open()
        found = self.settled() if state is None else self._named(state)
        # One of a session in which nothing has run may begin with more imports, as that may.
        opener = self._opener if found.name == self._states[0].name else None
        return SessionCore(self.base, self._store, self._home, found, opener=opener, reseeds=reseed)

    def back(self, state: str, stop: Cancellation | None = None) -> None:
        """Stand at an earlier state. Raises `StateError` for one that is not of this session."""
        with self._in_order(stop):
            self.settled()
            found, opener = self._named(state), self._opener
            self._stand_at(found)
            if found.name == self._states[0].name:
                self._opener = opener

    def save(self, path: Path, stop: Cancellation | None = None) -> None:
        """Write the state to a file that is whole in itself. Raises `CapsuleError`."""
        with self._in_order(stop):
            state = self._store.read(self.settled().name)
        saved_state.write(path, Saved(state, state_memory.layer_of(self.base, self._home)))

    def read(self, name: str) -> bytes:
        """Return the content of a file of the working folder. Raises `StateError`."""
        files = self._store.read(self.settled().name).files
        try:
            return files[f"{state_file.PLACES[0]}/{name.removeprefix('/')}"]
        except KeyError:
            raise StateError(
                f"there is no file {name!r} in the working folder of the session",
                hint="what lies elsewhere is read by a turn" if name.startswith("/") else None,
            ) from None

    def write(self, name: str, data: bytes, stop: Cancellation | None = None) -> None:
        """Put a file into the working folder. Raises `StateError` for a name outside of it."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise UsageError(f"write: the content of {name!r} is bytes", hint="text.encode()")
        data = bytes(data)
        inside = f"{state_file.PLACES[0]}/{name.removeprefix('/')}"
        if not state_file.is_inside(inside) or inside.endswith("/"):
            raise StateError(f"{name!r} is no name of a file in the session")
        with self._in_order(stop):
            before = self.settled()
            contents = self._store.read(before.name)
            changed = contents._replace(files={**contents.files, inside: data})
            state = before._replace(name=self._store.write(changed), fuel=None)
            self._states.append(state)
            self._stand_at(state)

    def close(self) -> None:
        """End what waits, and let go of all states."""
        if not self._order.is_mine:
            return
        self._order.check_outside()
        self._order.acquire(None)
        try:
            if self._closed:
                return
            self._closed = True
            try:
                if self._keeping is not None:
                    self._keeping.result()
                self._drop_ahead()
            finally:
                self._folders.close()
                self._store.release(self)
        finally:
            self._order.release()

    @contextmanager
    def _in_order(
        self, stop: Cancellation | None, queued: QueuedRun | None = None
    ) -> Iterator[None]:
        """Wait for all that was asked for before. Raises `StateError` where that cannot be."""
        with (queued or QueuedRun(self)).waiting():
            self._order.acquire(stop)
        try:
            with self._order.within():
                self._check_open()
                yield
        finally:
            self._order.release()

    def _open_anew(self, begun: tuple[SessionBase, Contents]) -> KeptState:
        """Begin on another base, before anything has run; return the first state there.

        That of before is a fork's, too, which has the base of before.
        """
        base, first = begun
        self._opener = None
        self._drop_ahead()
        self.base = base
        state = first_kept(self._store.write(first), first.turn)
        self._states = [state]
        self._standing = standing_at(state)
        self._store.pin(self, state.name)
        return state

    def _stand_at(self, state: KeptState) -> None:
        self._opener = None
        self._standing = standing_at(state)
        self._store.pin(self, state.name)
        self._drop_ahead()
        self._start_ahead(state)

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
        base = self.base
        if call is None:
            order, call = base.order, prepare.Call(secrets=base.secrets)
        else:
            from capsule.progress import Silent

            order = prepare.order(base.source, call, self._home, Silent())
            inputs = base.order.inputs._replace(folders=order.inputs.folders)
            order = of_session(order)._replace(inputs=inputs, ledger=base.order.ledger)
        return prepare.renewed(order, base.source.project, call, base.identity)

    def _judged(self, envelope: Envelope, turn: SessionTurn, before: KeptState) -> Answered:
        error = envelope["error"]
        if not turn.keeper.answered or (error and error["error_type"] != "task_error"):
            # It was stopped, or it crashed: the session stands where it stood.
            turn.keeper.drop()
            self._start_ahead(before)
            # What it took is known already, and is not what the turn before it took.
            spent = envelope["execution"]["fuel_consumed"]
            return Answered(envelope, [], done(before._replace(fuel=spent)))
        self.reseeds, self._opener = False, None
        turn.raised = error is not None
        kept: Future[KeptState] = Future()
        built_on = self._standing
        standing = self._standing = Standing(before=built_on)
        earlier = self._keeping

        def keep() -> None:
            # The next process starts while this one's memory is read, and not at the same time: to
            # begin it and to read are Python, which does one thing at a time. Without, it is later.
            with suppress(Exception):
                self.expect(standing.ready)
                if (ahead := self._ahead) is not None:
                    ahead.wait_until_begun()
            try:
                with STATE_SLOTS:
                    state, contents = self._taken(turn)
                    standing.ready.set_result(state)
                    self._store.write(contents, state.name)
                # In the order of the turns.
                if earlier is not None:
                    earlier.result()
                # Else what was said not to be kept would go on in this one.
                built_on.check(before.name)
                self._states.append(state)
                self._store.pin(self, state.name)
                standing.written.set_result(state)
                state = state._replace(fuel=turn.fuel(turn.keeper.end()))
            except BaseException as failed:  # noqa: BLE001 - raised where it is waited for
                said = said_of(failed)
                kept.set_exception(said)
                if not standing.written.done():
                    standing.fail(said)
                turn.keeper.drop()
                return
            kept.set_result(state)

        self._keeping = in_background(keep)
        return Answered(envelope, turn.keeper.changes, kept)

    def _taken(self, turn: SessionTurn) -> tuple[KeptState, Contents]:
        """Return what a turn left, under the name that it will be kept by."""
        pages, memory = turn.keeper.read_memory()
        files = turn.keeper.read_files()
        number, name = turn.before.turn + 1, new_name()
        natives = tuple(sorted(self.base.natives))
        contents = turn.contents._replace(
            memory=memory, turn=number, pages=pages, files=files, natives=natives
        )
        self._fresh = name, contents._replace(touched=turn.keeper.touched)
        return KeptState(name, number, history=turn.history), contents

    def _start_ahead(self, state: KeptState) -> None:
        self.expect(done(state))

    def expect(self, coming: Future[KeptState]) -> None:
        """Have a process started for the next turn, which goes on from what is coming."""
        plan = first_plan(self._settled_order(None), self.base.choice)
        # A copy of a mounted file that is made ahead is not what the file is by then.
        if plan is not None and plan.warming is not None and not self._closed:
            # Where no thread can be started, the turn starts its own process.
            with suppress(RuntimeError):
                self._ahead = ProcessAhead(for_turns(plan, self.base), coming, self.contents_of)

    def take_ahead(self, plan: Plan, state: str) -> TurnProcess | None:
        """Return the process that was started for such a turn, if there is one that is fit."""
        ahead, self._ahead = self._ahead, None
        return None if ahead is None else ahead.taken(plan, state)

    def _drop_ahead(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.close()
