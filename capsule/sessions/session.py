"""Sessions for programs that await, and for those that do not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from anyio import CancelScope

from capsule.pool.run_queue import QueuedRun
from capsule.process.cancel import Cancellation
from capsule.runner.host_functions import HostFunctions
from capsule.runner.observer import NOBODY
from capsule.sdk.cancelled_envelope import CancelledAnswer
from capsule.sdk.coroutines import alone, in_this_loop
from capsule.sdk.output import Printing
from capsule.sdk.said_values import options_of, path_of, switch, text_of
from capsule.sdk.threads import in_loop, in_thread, to_its_end
from capsule.sessions import opening
from capsule.sessions.session_declaration import OPTIONS
from capsule.sessions.turn import Kept, State, Turn
from capsule.sessions.wider_interpreter import large_imports

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from capsule.envelope import Envelope
    from capsule.policy.caller_limits import Limits, Mount
    from capsule.policy.secret_rules import SecretsSaid
    from capsule.runner.host_functions import Approve, Await, Functions
    from capsule.sdk.file_contents import Files
    from capsule.sdk.output import OnOutput
    from capsule.sessions.kept_turn import Answered, KeptState
    from capsule.sessions.opening import Wanted
    from capsule.sessions.session_core import SessionCore
    from capsule.type_check.problems import TypeProblem

    Refused = Callable[[KeptState], Envelope | None]


def _wanted(**said: Any) -> Wanted:
    options = {name: said.pop(name) for name in OPTIONS}
    return opening.Wanted(options=options, **said)


class _Turns:
    """What both kinds of sessions have: a core that is opened when it is needed."""

    @options_of
    def __init__(  # noqa: PLR0913 - the options are the interface
        self,
        *,
        compute: str | int | None = None,
        ram: str | int | None = None,
        timeout: str | None = None,
        allowed_files: Sequence[str | dict[str, str]] = (),
        allowed_hosts: Sequence[str] = (),
        env_variables: Sequence[str] = (),
        imports: Sequence[str] = (),
        packages: Sequence[str] = (),
        files: Files | None = None,
        tools: Functions | None = None,
        approve: Approve | None = None,
        mounts: Sequence[Mount] = (),
        cwd: str | os.PathLike[str] | None = None,
        limits: Limits | Mapping[str, object] | None = None,
        untrusted: bool = False,
        secrets: SecretsSaid | None = None,
    ) -> None:
        self._said = _wanted(
            compute=compute,
            ram=ram,
            timeout=timeout,
            allowed_files=allowed_files,
            allowed_hosts=allowed_hosts,
            env_variables=env_variables,
            imports=imports,
            packages=packages,
            files=files,
            tools=tools,
            approve=approve,
            mounts=mounts,
            cwd=cwd,
            limits=limits,
            untrusted=untrusted,
            secrets=secrets,
        )
        self._core: SessionCore | None = None

    def __repr__(self) -> str:
        state = "closed" if self._core is None else f"with {len(self._core.states)} states"
        return f"<{type(self).__name__} {state}>"

    @property
    def states(self) -> list[str]:
        """The names of the states that are kept; the first is that of before all turns."""
        return [state.name for state in self._opened().states]

    @property
    def tools(self) -> dict[str, dict[str, str]]:
        """What the functions of the host take and do, as code inside is told."""
        found = self._said.functions(alone)
        return {} if found is None else found.described

    def _opened(self) -> SessionCore:
        if self._core is None:
            raise RuntimeError("a session is used inside its block, or after it was loaded")
        return self._core

    def cancel(self) -> None:
        """End the turn that goes on, if there is one: from any thread, or another task."""
        if self._core is not None:
            self._core.cancel()

    @classmethod
    def _of(cls, said: Wanted, core: SessionCore) -> Self:
        """Return a session with a core that is open."""
        made = object.__new__(cls)
        made._said, made._core = said, core
        return made

    def _forked(self, state: State | str | None, *, reseed: bool) -> SessionCore:
        switch("reseed", reseed)
        return self._opened().fork(_name(state), reseed=reseed)

    def _ran(  # noqa: PLR0913 - what a turn is asked with
        self,
        code: str,
        wait: Await,
        stop: Cancellation,
        *,
        limits: Limits | Mapping[str, object] | None,
        tools: Functions | None,
        on_output: OnOutput | None,
        check: bool,
        queued: QueuedRun | None = None,
    ) -> Answered:
        said = self._said
        code = text_of("code", code)
        functions = said.functions(wait)
        if tools is not None:
            functions = HostFunctions(tools, wait, said.approve)
        refused: Refused = lambda _: None  # noqa: E731 - the other one is a method
        if check:
            before = said.check(functions)
            refused = lambda state: before.refused(code, state.history, stop)  # noqa: E731
        observer = NOBODY if on_output is None else Printing(on_output)
        call = opening.limited(said, limits)
        return self._opened().run(
            code,
            stop,
            call=call,
            observer=observer,
            functions=functions,
            more=lambda: large_imports(code),
            refused=refused,
            queued=queued,
        )

    def _checked(self, code: str, stop: Cancellation) -> list[TypeProblem]:
        check = self._said.check(self._said.functions(alone))
        return self._opened().checked(lambda state: check.problems(code, state.history, stop), stop)


class Session(_Turns):
    """Code that goes on where it ended, turn by turn, each in a process of its own.

    Use it in `async with`, under asyncio and trio. Options are those of a task; `imports` are
    modules that are there from the start, `packages` requirements (PEP 508), `files` are put into
    the working folder: paths (text) or content (bytes). `tools` are functions that turns may call,
    `secrets` those of `run`.

    >>> import asyncio
    >>> async def main():
    ...     async with Session(timeout="30s") as session:
    ...         await session.run("total = 40")
    ...         turn = await session.run("total + 2")
    ...     return turn.result, turn.text
    >>> asyncio.run(main())
    (42, '42')
    """

    async def __aenter__(self) -> Session:
        """Open it. Raises `CapsuleError` when anything is wrong; nothing has run then."""
        if self._core is None:
            self._core = await in_thread(lambda stop: opening.opened(self._said, stop))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End what waits, and let go of all states."""
        if (core := self._core) is not None:
            # What cancels the block is raised as it is, with what a turn had printed.
            with CancelScope(shield=True):
                await to_its_end(core.close)
            self._core = None

    async def run(
        self,
        code: str,
        *,
        limits: Limits | Mapping[str, object] | None = None,
        tools: Functions | None = None,
        on_output: OnOutput | None = None,
        check: bool = False,
    ) -> Turn:
        """Run code where the turn before it ended; the last expression's value is the result.

        `limits` narrows those of the session for this turn, `tools` are in place of the session's.
        `on_output(stream, text)` is called in this loop for what is printed. Cancelling the await
        kills the process, and the session stands where it stood; `capsule.cancelled_envelope` finds
        what it had printed. With `check`, code that has type errors is not run: its answer is a
        "type_error" that lists them.

        Raises `CapsuleError` when the host cannot run it at all.
        """
        wait = in_this_loop()
        queued = QueuedRun(self._opened())
        with in_loop(on_output) as told, CancelledAnswer("session", queued) as answer:

            def work(stop: Cancellation) -> AsyncTurn:
                answered = self._ran(
                    code,
                    wait,
                    stop,
                    limits=limits,
                    tools=tools,
                    on_output=told,
                    check=check,
                    queued=queued,
                )
                return answer.keep(AsyncTurn.of_answer(answered))

            return await in_thread(work, queued)

    async def check(self, code: str) -> list[TypeProblem]:
        """Return the type errors of code that would be the next turn, and run nothing.

        What the turns before it defined is known, and what the functions of the host take and give.
        The extra `check` is needed.

        Raises `CapsuleError` when it cannot be told.
        """
        return await in_thread(lambda stop: self._checked(code, stop))

    def fork(self, state: State | str | None = None, *, reseed: bool = False) -> Session:
        """Return a session that goes on from a state, by itself: open, and to be closed.

        With `reseed`, generators of random numbers draw anew in it.
        """
        return Session._of(self._said, self._forked(state, reseed=reseed))

    async def back(self, state: State | str) -> None:
        """Stand at an earlier state. Raises `CapsuleError` for one that is not there."""
        core = self._opened()
        await in_thread(lambda stop: core.back(_name(state) or "", stop))

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to a file that is whole in itself. Raises `CapsuleError`."""
        core = self._opened()
        where = self._said.working / path_of("path", path)
        await in_thread(lambda stop: core.save(where, stop))

    @classmethod
    async def load(cls, path: str | os.PathLike[str], **options: Any) -> Session:
        """Open a session from a file that was saved; the options are those of a new one.

        No policy comes from the file. Raises `CapsuleError` when it is none, or a damaged one.
        """
        made = cls(**options)
        where = Path(path_of("path", path))
        made._core = await in_thread(lambda stop: opening.loaded(where, made._said, stop))
        return made

    async def read(self, name: str) -> bytes:
        """Return the content of a file in the working folder. Raises `CapsuleError`."""
        core = self._opened()
        text_of("name", name)
        return await in_thread(lambda _: core.read(name))

    async def write(self, name: str, data: bytes) -> None:
        """Put a file into the working folder. Raises `CapsuleError`."""
        core = self._opened()
        text_of("name", name)
        await in_thread(lambda stop: core.write(name, data, stop))


class AsyncTurn(Turn):
    """The answer of a turn that was awaited."""

    async def kept(self) -> Kept:
        """Wait until the state is kept. Raises `CapsuleError` where that failed."""
        found: KeptState = await in_thread(lambda _: self._kept.result())
        self["execution"]["fuel_consumed"] = found.fuel
        return Kept(found)


class SessionSync(_Turns):
    """A `Session` for programs that do not await: use it in `with`.

    >>> with SessionSync(timeout="30s") as session:
    ...     _ = session.run("def double(n): return 2 * n")
    ...     session.run("double(21)").result
    42
    """

    def __enter__(self) -> SessionSync:
        """Open it. Raises `CapsuleError` when anything is wrong; nothing has run then."""
        if self._core is None:
            with Cancellation() as stop:
                self._core = opening.opened(self._said, stop)
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End what waits, and let go of all states."""
        if (core := self._core) is not None:
            core.close()
            self._core = None

    def run(
        self,
        code: str,
        *,
        limits: Limits | Mapping[str, object] | None = None,
        tools: Functions | None = None,
        on_output: OnOutput | None = None,
        check: bool = False,
    ) -> SyncTurn:
        """Run code as `Session.run` does, and wait for the answer."""
        with Cancellation() as stop:
            answered = self._ran(
                code,
                alone,
                stop,
                limits=limits,
                tools=tools,
                on_output=on_output,
                check=check,
            )
        return SyncTurn.of_answer(answered)

    def check(self, code: str) -> list[TypeProblem]:
        """Return the type errors of code as `Session.check` does."""
        with Cancellation() as stop:
            return self._checked(code, stop)

    def fork(self, state: State | str | None = None, *, reseed: bool = False) -> SessionSync:
        """Return a session that goes on from a state, by itself: open, and to be closed.

        With `reseed`, generators of random numbers draw anew in it.
        """
        return SessionSync._of(self._said, self._forked(state, reseed=reseed))

    def back(self, state: State | str) -> None:
        """Stand at an earlier state. Raises `CapsuleError` for one that is not there."""
        self._opened().back(_name(state) or "")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to a file that is whole in itself. Raises `CapsuleError`."""
        self._opened().save(self._said.working / path_of("path", path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], **options: Any) -> SessionSync:
        """Open a session from a file that was saved. Raises `CapsuleError`; see `Session.load`."""
        made = cls(**options)
        with Cancellation() as stop:
            made._core = opening.loaded(Path(path_of("path", path)), made._said, stop)
        return made

    def read(self, name: str) -> bytes:
        """Return the content of a file in the working folder. Raises `CapsuleError`."""
        return self._opened().read(text_of("name", name))

    def write(self, name: str, data: bytes) -> None:
        """Put a file into the working folder. Raises `CapsuleError`."""
        self._opened().write(text_of("name", name), data)


class SyncTurn(Turn):
    """The answer of a turn that was waited for."""

    def kept(self) -> Kept:
        """Wait until the state is kept. Raises `CapsuleError` where that failed."""
        found = self._kept.result()
        self["execution"]["fuel_consumed"] = found.fuel
        return Kept(found)


def _name(state: State | str | None) -> str | None:
    if isinstance(state, State):
        return state.name
    return None if state is None else text_of("state", state, hint="turn.state")
