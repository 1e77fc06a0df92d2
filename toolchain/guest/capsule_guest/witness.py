"""Seeing what a module does while it is imported that a snapshot would freeze.

Only calls that stand in the task's own modules are seen. Nothing here is a wall: code that hides
such a call only harms its own results.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
from types import CodeType

_TOOL = 4  # of the six numbers that sys.monitoring has, one that no other tool claims
_MONITORING = sys.monitoring  # type: ignore[attr-defined] # mypy's Python here is older
_CALL = _MONITORING.events.CALL


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Functions whose answer differs from run to run, by the module that they are of.
_FRESH = {
    "time": _names(
        "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time "
        "process_time_ns thread_time thread_time_ns clock_gettime clock_gettime_ns localtime "
        "gmtime ctime asctime strftime"
    ),
    "posix": _names("urandom getrandom"),
    "uuid": _names("uuid1 uuid4 uuid6 uuid7 uuid8 getnode"),
    "secrets": _names("token_bytes token_hex token_urlsafe choice randbelow"),
    "tempfile": _names("mkstemp mkdtemp mktemp TemporaryFile NamedTemporaryFile"),
}
_TODAY = _names("now utcnow today")
_NUMPY_SHARED = _names("seed set_state ranf sample")
# Functions whose answer depends on the files that a task may see, and the modules that have them.
_LOOKS = _names(
    "open stat lstat listdir scandir access walk exists lexists isfile isdir islink ismount "
    "getsize getmtime getctime getatime samefile is_file is_dir is_symlink iterdir glob iglob "
    "rglob read_text read_bytes resolve realpath"
)
_LOOKERS = _names("posix os _io io posixpath genericpath glob pathlib")


class Witness:
    """What was seen: the first call of each kind, in words."""

    def __init__(self) -> None:
        self.fresh: str | None = None
        self.files: str | None = None

    def watch(self, code: CodeType) -> None:
        """See the calls in `code` and in the functions that are defined in it."""
        _MONITORING.set_local_events(_TOOL, code, _CALL)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self.watch(constant)

    def __enter__(self) -> Witness:
        _MONITORING.use_tool_id(_TOOL, "capsule")
        _MONITORING.register_callback(_TOOL, _CALL, self._called)
        return self

    def __exit__(self, *exc: object) -> None:
        _MONITORING.register_callback(_TOOL, _CALL, None)
        _MONITORING.clear_tool_id(_TOOL)
        _MONITORING.free_tool_id(_TOOL)

    def _called(self, code: CodeType, offset: int, function: object, first: object) -> None:
        try:
            if self.fresh is None and _is_fresh(function, first):
                self.fresh = _where(code, offset, function)
            elif self.files is None and _looks(function):
                self.files = _where(code, offset, function)
        except Exception:
            return  # an object with a will of its own; its call is none of ours


def _is_fresh(function: object, first: object) -> bool:
    name = getattr(function, "__name__", "")
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or ""
    if name in _FRESH.get(module, ()):
        return True
    if module == "random" or module.startswith("numpy.random"):
        # A generator is seeded by what it is given, and from the system when that is nothing.
        if isinstance(function, type) or name == "default_rng":
            return first is _MONITORING.MISSING or first is None
        if name in _NUMPY_SHARED:
            return True
    if name in _TODAY:
        return isinstance(owner, type) and issubclass(owner, dt.date)
    return owner is _shared_generator() or owner is _numpys() or isinstance(owner, _SYSTEM)


def _shared_generator() -> object:
    return random._inst  # type: ignore[attr-defined]


def _numpys() -> object:
    """Return numpy's own generator, or what is no function's owner."""
    mtrand = sys.modules.get("numpy.random.mtrand")
    return getattr(mtrand, "_rand", _MONITORING.MISSING)


_SYSTEM = random.SystemRandom


def _looks(function: object) -> bool:
    if getattr(function, "__name__", "") not in _LOOKS:
        return False
    module = (
        getattr(function, "__module__", None)
        or type(getattr(function, "__self__", None)).__module__
    )
    return module.partition(".")[0] in _LOOKERS


def _where(code: CodeType, offset: int, function: object) -> str:
    line = next((line for a, b, line in code.co_lines() if a <= offset < b), None)
    name = getattr(function, "__qualname__", "a function")
    module = getattr(function, "__module__", None)
    file = code.co_filename.rpartition("/")[2]
    return f"{f'{module}.' if module else ''}{name} ({file}, line {line})"
