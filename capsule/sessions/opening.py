"""Opening sessions from what a program says: options, files, or a file with a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.policy.caller_limits import caller_limits, caller_secrets, mount_rules
from capsule.policy.resolve import narrowed
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.cancellable_progress import CancellableProgress
from capsule.runner.host_functions import HostFunctions
from capsule.runner.secret_values import new_identity
from capsule.runner.source import under_ceilings
from capsule.runner.working_files import check_places
from capsule.sdk.coroutines import alone
from capsule.sdk.file_contents import checked_files, content_of
from capsule.sdk.logged_progress import LoggedProgress
from capsule.sdk.record import recorder_of
from capsule.sdk.requests import call_of, working_folder
from capsule.sdk.said_values import list_of, text_of
from capsule.sessions import saved_state, session_base, state_memory
from capsule.sessions.kept_turn import first_kept
from capsule.sessions.session_core import SessionCore
from capsule.sessions.state_file import StateError
from capsule.sessions.state_store import StateStore
from capsule.sessions.wider_interpreter import with_natives
from capsule.snapshot import cache
from capsule.state_folder import checked_root

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from capsule.lifecycle.events import Ledger
    from capsule.policy.caller_limits import Limits, Mount
    from capsule.policy.secret_rules import SecretsSaid
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.runner.host_functions import Approve, Await, Functions
    from capsule.sdk.file_contents import Files
    from capsule.sessions.session_core import Opener
    from capsule.sessions.state_file import Contents
    from capsule.sessions.state_handles import StateHandles
    from capsule.sessions.turn_check import TurnCheck


_OVERHEADS = ("first", "second", "third", "fourth")


class Wanted:
    """All that a program says about a session; nothing is looked at before it is opened.

    With `flags`, limits, mounts and secrets are options of a command, and messages say so.
    """

    def __init__(  # noqa: PLR0913 - the options are the interface
        self,
        *,
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
        ceilings_of: Path | None = None,
        ledger: Ledger | None = None,
        progress: Progress | None = None,
        flags: bool = False,
        options: Mapping[str, object],
    ) -> None:
        self.imports, self.packages = (
            tuple(text_of(name, each) for each in list_of(name, given, "names"))
            for name, given in (("imports", imports), ("packages", packages))
        )
        self.options = dict(options)
        self.files = checked_files(files)
        # Looked at now, and not with the first turn.
        HostFunctions(tools or (), alone, approve)
        self.tools, self.approve = tools, approve
        self.working = working_folder(cwd)
        if flags:
            self.call = prepare.Call(
                limits=caller_limits(limits, flags=True),
                mounts=mount_rules(mounts, self.working, "--mount"),
                secrets=caller_secrets(secrets, self.working, "--secret"),
            )
        else:
            self.call = call_of(
                (), None, mounts, limits, cwd=cwd, untrusted=untrusted, secrets=secrets
            )
        # The folder of a caller that answers others: what holds there holds for them.
        self.ceilings_of = ceilings_of
        # None for that of this program.
        self.ledger = ledger
        # Who is told of what is fetched and compiled: the log, where it is None.
        self.progress = progress or LoggedProgress()

    def contents(self) -> dict[str, bytes]:
        """Return the content of the files that are put into the working folder."""
        return {name: content_of(name, said, self.working) for name, said in self.files.items()}

    def functions(self, wait: Await) -> HostFunctions | None:
        """Return the functions of the host that turns may call, for one turn."""
        return HostFunctions(self.tools, wait, self.approve) if self.tools else None

    def check(self, functions: HostFunctions | None) -> TurnCheck:
        """Return how turns that may call these functions are checked before they run."""
        from capsule.sessions.turn_check import TurnCheck

        folders = self.options.get("allowed_files") or self.call.mounts
        closed = not (self.packages or self.files or folders)
        return TurnCheck(functions, closed=closed)


def opened(wanted: Wanted, stop: Cancellation, more: Sequence[str] = ()) -> SessionCore:
    """Open a session that begins anew, with `more` in memory besides its imports.

    Raises `CapsuleError` when anything is wrong.
    """
    contents, identity = wanted.contents(), new_identity()

    def begun(more: Sequence[str], stop: Cancellation) -> tuple[session_base.SessionBase, Contents]:
        imports = (*wanted.imports, *(name for name in more if name not in wanted.imports))
        base = _base(wanted, imports, stop, identity)
        _check_places(contents, base)
        return base, state_memory.first_state(base, contents, imports)

    return _started(*begun(more, stop), opener=begun)


def loaded(path: Path, wanted: Wanted, stop: Cancellation) -> SessionCore:
    """Open a session from a file with a state. Raises `CapsuleError` when anything is wrong."""
    saved = saved_state.read(wanted.working / path)
    saved = saved._replace(state=_with_identity(saved.state))
    state = saved.state
    _check_imports(state, str(path))
    base = _base(wanted, state.imports, stop, state.identity)
    base = with_natives(base, state.natives, stop)
    mine = base.order.inputs.base.runtime.interpreter
    if state.interpreter != mine:
        raise StateError(
            f"{path} was made by the interpreter {state.interpreter}, and this is {mine}",
            hint="the version of capsule that saved it",
        )
    return _started(base, state_memory.on_base(base, checked_root(), path, saved))


def resumed(
    handles: StateHandles,
    handle: str,
    wanted: Wanted,
    stop: Cancellation,
    *,
    adds_files: bool = True,
) -> SessionCore:
    """Open a session from a state that has a handle, whose files are those of the state.

    With `adds_files` those that are wanted are put among them. Raises `CapsuleError` when there is
    none.
    """
    state = _with_identity(handles.load(handle))
    _check_imports(state, handle)
    contents = wanted.contents() if adds_files else {}
    state = state_memory.with_files(state, contents)
    base = _base(wanted, state.imports, stop, state.identity)
    _check_places(contents, base)
    base = with_natives(base, state.natives, stop)
    return _started(base, handles.fitted(state, base))


def _check_places(files: Iterable[str], base: session_base.SessionBase) -> None:
    """Refuse files that what is mounted would hide. Raises `PolicyError`."""
    check_places([name.removeprefix("/") for name in files], base.choice.mounts)


def _with_identity(state: Contents) -> Contents:
    """Return a state with what placeholders are made of, which one of an earlier version lacks."""
    return state._replace(identity=state.identity or new_identity())


def _check_imports(state: Contents, named: str) -> None:
    if wrong := [name for name in state.imports if not name.replace(".", "_").isidentifier()]:
        raise StateError(f"{named}: {wrong[0]!r} is no name of a module")


def _base(
    wanted: Wanted, imports: Sequence[str], stop: Cancellation, identity: str
) -> session_base.SessionBase:
    home = checked_root()
    source = session_base.source_of(wanted.options, imports, wanted.packages, wanted.working, home)
    if wanted.ceilings_of is not None:
        source = under_ceilings(source, wanted.ceilings_of, home)
    progress = CancellableProgress(wanted.progress, stop)
    base = session_base.open_session_base(source, wanted.call, home, progress, stop)
    base = base._replace(
        overheads=_overheads(base, home, stop), identity=identity, progress=wanted.progress
    )
    return base._replace(order=base.order._replace(ledger=wanted.ledger or recorder_of(home)))


def _overheads(base: session_base.SessionBase, home: Path, stop: Cancellation) -> tuple[int, ...]:
    """Return what turns without code take of fuel: the first, and those behind it.

    Measured once for what sessions begin with: what is done for the first time takes more.
    """
    image = base.choice.snapshot.image.parent.name

    def measured(_: Path) -> cache.Facts:
        core = _started(base, state_memory.first_state(base, {}, ()))
        try:
            kept = [core.run("", stop).kept.result() for _ in _OVERHEADS]
        finally:
            core.close()
        spent = [each.fuel for each in kept if each.fuel is not None]
        if len(spent) != len(_OVERHEADS):
            raise StateError("a turn without code did not end as it has to")
        return dict(zip(_OVERHEADS, spent, strict=True))

    key = cache.key(base.order.inputs.base.key.encode(), image.encode(), b"turns")
    entry = cache.obtain(home / "cache" / "generic", key, measured, Silent(), _OVERHEADS)
    return tuple(entry.facts[name] for name in _OVERHEADS)


def _started(
    base: session_base.SessionBase, first: Contents, opener: Opener | None = None
) -> SessionCore:
    home = checked_root()
    store = StateStore(home)
    store.hold()
    try:
        state = first_kept(store.write(first), first.turn)
        return SessionCore(base, store, home, state, opener=opener)
    finally:
        store.release()


def limited(wanted: Wanted, limits: Limits | Mapping[str, object] | None) -> prepare.Call | None:
    """Return the call of a turn with limits of its own, None for one without."""
    if limits is None:
        return None
    narrow = call_of((), None, (), limits).limits
    return wanted.call._replace(limits=narrowed(wanted.call.limits, narrow))
