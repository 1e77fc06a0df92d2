"""Turning an exception of a task into a failure that can travel."""

from __future__ import annotations

import json
import linecache
import traceback

from capsule_guest import missing_natives
from capsule_guest.loader import ROOT
from capsule_guest.results import NotJsonError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, TracebackType

# Files of this runtime, of the interpreter's prompt and import system, of libraries.
_NOT_THE_USERS = ("/capsule/", "<turn ", "<frozen ", "/usr/local/")
# CPython says this of every missing module when it runs without `site`, as it does here.
_SITE_ADVICE = (
    ". Site initialization is disabled, did you forget to add the site-packages directory"
    " to sys.path or to enable your virtual environment?"
)
# How a traceback shows what stands for many frames, before it is made to say only that.
_GAP = '  File "...", line 0, in '
_PARSER = "MemoryError: Parser stack overflowed"
_MESSAGE, _TRACEBACK = 8 << 10, 64 << 10
_FRAMES = 20


def encode(error: BaseException) -> bytes:
    """Return the failure as JSON, whatever the exception's own code does."""
    # CPython's parser says this of source that nests too deep; no memory is short then.
    if isinstance(error, MemoryError) and not _message(error).startswith(_PARSER):
        # What the frames hold is what took the memory, mostly; the lines do not need it.
        traceback.clear_frames(error.__traceback__)
        return _json("memory_exceeded", _message(error), _trace(error))
    needs = missing_natives.package_behind(error)
    return _json("task_error", _message(error), _trace(error), needs)


def _json(kind: str, message: str, trace: str | None, needs: str | None = None) -> bytes:
    failure = {"error_type": kind, "message": message}
    if needs is not None:
        failure["needs"] = needs
    if trace is not None:
        failure["traceback"] = trace
    # Escapes keep lone surrogates of a message out of the UTF-8.
    return json.dumps(failure).encode()


def _message(error: BaseException) -> str:
    if isinstance(error, NotJsonError):
        return str(error)
    kind = type(error).__qualname__
    try:
        text = str(error)
    except BaseException as broken:
        text = f"(its text could not be made: {type(broken).__name__})"
    return _clip(f"{kind}: {text}" if text else kind, _MESSAGE)


def _trace(error: BaseException) -> str | None:
    if isinstance(error, NotJsonError):
        return None
    try:
        _find_sources(error.__traceback__)
        # Lines are looked up later, for the few frames that stay: deep recursion has thousands.
        report = traceback.TracebackException(
            type(error), error, error.__traceback__, lookup_lines=False, max_group_width=5
        )
        _keep_user_frames(report, set())
        text = "".join(report.format()).replace(_SITE_ADVICE, "").replace(_GAP, "  ... ")
        return _clip(text, _TRACEBACK)
    except BaseException:
        return None


def _find_sources(trace: TracebackType | None) -> None:
    """Let the lines be found of code that was run from a text: it is where `exec` was called.

    What is taken for its source compiles to the very code that ran.
    """
    texts: list[str] = []
    while trace is not None:
        frame, code = trace.tb_frame, trace.tb_frame.f_code
        name = code.co_filename
        foreign = code.co_name == "<module>" and not name.startswith((ROOT, *_NOT_THE_USERS))
        if foreign and not linecache.getlines(name):
            for text in texts:
                if _compiles_to(text, code):
                    lines = text.splitlines(keepends=True)
                    linecache.cache[name] = len(text), None, lines, name
        # Those of the module itself are many, and are not looked at.
        if code.co_name != "<module>":
            texts += [text for text in frame.f_locals.values() if type(text) is str]
        trace = trace.tb_next


def _compiles_to(text: str, code: CodeType) -> bool:
    try:
        return compile(text, code.co_filename, "exec", dont_inherit=True) == code
    except (SyntaxError, ValueError, RecursionError):
        return False


def _keep_user_frames(report: traceback.TracebackException, seen: set[int]) -> None:
    """Drop our own and the library's frames, and the middle of very deep stacks."""
    if id(report) in seen:
        return
    seen.add(id(report))
    mine = [frame for frame in report.stack if not frame.filename.startswith(_NOT_THE_USERS)]
    if len(mine) > 2 * _FRAMES:
        dropped = len(mine) - 2 * _FRAMES
        gap = traceback.FrameSummary("...", 0, f"{dropped} frames left out", lookup_line=False)
        mine = [*mine[:_FRAMES], gap, *mine[-_FRAMES:]]
    for frame in mine:
        frame.line  # noqa: B018 - looked up by the name that it has in here
        frame.filename = frame.filename.removeprefix(ROOT)
    report.stack[:] = mine
    if isinstance(getattr(report, "filename", None), str):  # of a SyntaxError
        report.filename = report.filename.removeprefix(ROOT)
    for other in (report.__cause__, report.__context__, *(report.exceptions or ())):
        if other is not None:
            _keep_user_frames(other, seen)


def _clip(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n... {len(text) - limit} characters left out ...\n{text[-half:]}"


def note_exit(error: SystemExit) -> bool:
    """Return whether `sys.exit` was called to say that all is well."""
    return error.code is None or (type(error.code) is int and error.code == 0)
