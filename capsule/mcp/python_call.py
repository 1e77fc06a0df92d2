"""One call of the tool: a turn of a session that is opened for it, and kept under a new handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsule.errors import CapsuleError
from capsule.namedtuples import NamedTuple
from capsule.sdk.output import Printing
from capsule.sessions import opening
from capsule.sessions.state_file import PLACES
from capsule.sessions.wider_interpreter import large_imports
from capsule.wire.output_capture import Capture

if TYPE_CHECKING:
    from capsule.envelope import Envelope
    from capsule.mcp.call_arguments import CallArguments
    from capsule.mcp.server_grants import Granted
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.sessions.kept_turn import Answered
    from capsule.sessions.scratch_files import FileChange
    from capsule.sessions.session_core import SessionCore
    from capsule.sessions.state_handles import StateHandles

# Of what is printed: each end, in bytes. A model reads all of an answer, and pays for it.
EACH_END = 8 << 10
# In the record; not the handle, which is as good as the state.
_LABEL = "capsule mcp"


class CallOutcome(NamedTuple):
    """What a call came to. `shown` is what the guest says of the value and of displays.

    `state` is the handle to go on from, None where there is none; `contents` are files of the
    working folder by name. `left_out` counts the bytes of output that are not shown.
    """

    envelope: Envelope
    shown: dict[str, Any]
    stdout: str
    stderr: str
    left_out: int
    changes: list[FileChange]
    contents: dict[str, bytes]
    state: str | None
    trouble: str | None


def run_call(
    arguments: CallArguments,
    granted: Granted,
    handles: StateHandles,
    progress: Progress,
    stop: Cancellation,
) -> CallOutcome:
    """Run the code of a call from its state, and keep what it leaves.

    Raises `CapsuleError` where nothing could run.
    """
    wanted = wanted_of(granted, progress, arguments.files)
    if arguments.state is None:
        core = opening.opened(wanted, stop, large_imports(arguments.code))
    else:
        core = opening.resumed(handles, arguments.state, wanted, stop)
    core.label = _LABEL
    captured = {"stdout": Capture(EACH_END), "stderr": Capture(EACH_END)}

    def take(stream: str, text: str) -> None:
        captured[stream].add(text.encode(errors="replace"))

    state, contents, trouble = None, dict[str, bytes](), None
    try:
        begin = core.settled().turn
        answered = core.run(arguments.code, stop, observer=Printing(take))
        try:
            state, contents = _kept(core, begin, answered, handles)
        except CapsuleError as error:
            # What was printed and computed is not lost with the state.
            trouble = str(error)
    finally:
        core.close()
    envelope = answered.envelope
    said = envelope["result"]
    return CallOutcome(
        envelope,
        said if envelope["success"] and isinstance(said, dict) else {},
        captured["stdout"].text(),
        captured["stderr"].text(),
        sum(each.left_out for each in captured.values()),
        answered.changes,
        contents,
        state or arguments.state,
        trouble,
    )


def wanted_of(
    granted: Granted, progress: Progress, files: dict[str, bytes] | None = None
) -> opening.Wanted:
    """Return what a session for calls is opened with."""
    said = granted.said
    return opening.Wanted(
        imports=said.imports,
        packages=said.packages,
        files=dict(files or {}),
        mounts=said.mounts,
        secrets=said.secrets,
        cwd=granted.working,
        limits=granted.limits,
        progress=progress,
        options=said.options,
    )


def _kept(
    core: SessionCore,
    begin: int,
    answered: Answered,
    handles: StateHandles,
) -> tuple[str | None, dict[str, bytes]]:
    """Return the handle of what a turn left, None where it left nothing, and the files there."""
    left = answered.kept.result()
    answered.envelope["execution"]["fuel_consumed"] = left.fuel
    if left.turn == begin:
        return None, {}
    contents = core.contents_of(left)
    place = f"{PLACES[0]}/"
    changed = {change.name for change in answered.changes}
    files = {
        short: content
        for name, content in contents.files.items()
        if name.startswith(place) and (short := name.removeprefix(place)) in changed
    }
    return handles.keep(contents, core.base), files
