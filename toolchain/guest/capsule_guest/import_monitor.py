"""Seeing what the import of a task does that a snapshot would freeze: asking for what is new.

It is seen at the function that gives the answer, whoever calls it. It counts when a module of the
task stands behind the call, and not when a library asks while it is being imported itself: numpy
seeds its generator then, and is seeded anew in each run. Nothing here is a wall: code that hides
such a call only harms its own results.
"""

from __future__ import annotations

import datetime as dt
import random
import secrets
import sys
import uuid
from types import FunctionType

from capsule_guest import random_seeds  # noqa: F401 - what is watched below is what it has put in place
from capsule_guest.loader import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

_TOOL = 4  # of the six numbers that sys.monitoring has, one that no other tool claims
_MONITORING = sys.monitoring  # type: ignore[attr-defined] # mypy's Python here is older
_CALL, _START = _MONITORING.events.CALL, _MONITORING.events.PY_START


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Functions in C whose answer differs from run to run, by the module that they are of.
_FRESH = {
    "time": _names(
        "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time "
        "process_time_ns thread_time thread_time_ns clock_gettime clock_gettime_ns localtime "
        "gmtime ctime asctime strftime"
    ),
    "posix": _names("urandom getrandom"),
}
_TODAY = _names("now utcnow today")
_NUMPY_SHARED = _names("seed set_state ranf sample")
# Functions in Python, which C code may call as well: a factory of values, say.
_MAKERS = (
    *(getattr(uuid, name) for name in _names("uuid1 uuid4 uuid6 uuid7 getnode")),
    *(getattr(secrets, name) for name in _names("token_bytes token_hex token_urlsafe randbelow")),
)
_DRAWERS = tuple(value for value in vars(random.Random).values() if isinstance(value, FunctionType))
# Functions whose answer depends on the files that a task may see, and the modules that have them.
_LOOKS = _names(
    "open stat lstat listdir scandir access walk exists lexists isfile isdir islink ismount "
    "getsize getmtime getctime getatime samefile is_file is_dir is_symlink iterdir glob iglob "
    "rglob read_text read_bytes resolve realpath"
)
_LOOKERS = _names("posix os _io io posixpath genericpath glob pathlib")
_IMPORTING = "<frozen importlib._bootstrap>"


class ImportMonitor:
    """What was seen: the first call of each kind, in words."""

    def __init__(self) -> None:
        self.fresh: str | None = None
        self.files: str | None = None

    def __enter__(self) -> ImportMonitor:
        _MONITORING.use_tool_id(_TOOL, "capsule")
        _MONITORING.register_callback(_TOOL, _CALL, self._called)
        _MONITORING.register_callback(_TOOL, _START, self._started)
        for function in (*_MAKERS, *_DRAWERS):
            _MONITORING.set_local_events(_TOOL, function.__code__, _START)
        _MONITORING.set_events(_TOOL, _CALL)
        return self

    def __exit__(self, *exc: object) -> None:
        _MONITORING.set_events(_TOOL, 0)
        for function in (*_MAKERS, *_DRAWERS):
            _MONITORING.set_local_events(_TOOL, function.__code__, 0)
        for event in (_CALL, _START):
            _MONITORING.register_callback(_TOOL, event, None)
        _MONITORING.free_tool_id(_TOOL)

    def _called(self, code: CodeType, offset: int, function: object, first: object) -> object:
        try:
            fresh, looks = _is_fresh(function, first), _looks(function)
        except Exception:
            return None  # an object with a will of its own; its call is none of ours
        if fresh and self.fresh is None:
            self.fresh = _asked_by_the_task(_name(function))
        if looks and self.files is None:
            self.files = _asked_by_the_task(_name(function))
        # Other calls from this place are not looked at: an import makes millions.
        return None if fresh or looks else _MONITORING.DISABLE

    def _started(self, code: CodeType, offset: int) -> None:
        frame = sys._getframe(1)
        if self.fresh is None and _draws(frame):
            name = f"{frame.f_globals['__name__']}.{code.co_qualname}"
            self.fresh = _asked_by_the_task(name)


def _is_fresh(function: object, first: object) -> bool:
    name = getattr(function, "__name__", "")
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or ""
    if name in _FRESH.get(module, ()):
        return True
    if module.startswith("numpy.random"):
        # A generator is seeded by what it is given, and from the system when that is nothing.
        if isinstance(function, type) or name == "default_rng":
            return first is _MONITORING.MISSING or first is None
        if name in _NUMPY_SHARED:
            return True
    if name in _TODAY:
        return isinstance(owner, type) and issubclass(owner, dt.date)
    return owner is _SHARED or owner is _numpys() or isinstance(owner, random.SystemRandom)


_SHARED = random._inst  # type: ignore[attr-defined]


def _numpys() -> object:
    """Return numpy's own generator, or what is no function's owner."""
    mtrand = sys.modules.get("numpy.random.mtrand")
    return getattr(mtrand, "_rand", _MONITORING.MISSING)


def _draws(frame: FrameType) -> bool:
    """Say whether a function in Python that has just been called gives what is new."""
    if "self" not in frame.f_locals:
        return True
    generator = frame.f_locals["self"]
    if frame.f_code is random.Random.seed.__code__ and frame.f_locals["a"] is None:
        return True
    return generator is _SHARED or isinstance(generator, random.SystemRandom)


def _looks(function: object) -> bool:
    if getattr(function, "__name__", "") not in _LOOKS:
        return False
    module = (
        getattr(function, "__module__", None)
        or type(getattr(function, "__self__", None)).__module__
    )
    return module.partition(".")[0] in _LOOKERS


def _asked_by_the_task(name: str) -> str | None:
    """Say where the task called `name`, None when a library did while it was imported."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename != _IMPORTING:
        if frame.f_code.co_filename.startswith(ROOT):
            file = frame.f_code.co_filename.removeprefix(ROOT)
            return f"{name} ({file}, line {frame.f_lineno})"
        frame = frame.f_back
    return None


def _name(function: object) -> str:
    name = str(getattr(function, "__qualname__", "a function"))
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if module else name
