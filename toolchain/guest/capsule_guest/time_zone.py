"""The zone that TZ names: the system of the sandbox knows UTC alone.

Functions of `time` are put in place of the system's before a snapshot is taken, so that whoever
keeps one has this one. Those of `datetime` are changed only where a zone is set, which few tasks
see: the types are the interpreter's own.
"""

from __future__ import annotations

import datetime as dt
import gc
import importlib
import os
import sys
import time

from capsule_guest import time_format

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_UTC = ("", "UTC", "UTC0", "GMT", "GMT0", "Etc/UTC")
_DAY = 86400

_localtime, _mktime, _asctime = time.localtime, time.mktime, time.asctime
# The zone, and what the types had before: functions by the type's name and theirs.
_zone: dt.tzinfo | None = None
_before: dict[tuple[str, str], Any] = {}


def localtime(seconds: float | None = None, /) -> time.struct_time:
    """Take the seconds since 1970 apart, in the zone that is set."""
    if _zone is None:
        return _localtime(seconds)
    whole = int((time.time() if seconds is None else seconds) // 1)
    return _fields(_aware(whole))


def mktime(fields: Any, /) -> float:
    """Put local time together to the seconds since 1970."""
    if _zone is None:
        return _mktime(fields)
    year, month, day, hour, minute, second, _, _, summer = fields
    years, months = divmod(month - 1, 12)
    days = (
        dt.date(year + years, months + 1, 1).toordinal() + day - 1 - dt.date(1970, 1, 1).toordinal()
    )
    naive = days * _DAY + hour * 3600 + minute * 60 + second
    # Before and behind a change of the offset; what the fields name is one of them, or both.
    offsets = [_offset(naive - _DAY), _offset(naive + _DAY)]
    fitting = [naive - offset for offset in offsets if _offset(naive - offset) == offset]
    if summer >= 0:
        meant = [one for one in fitting if bool(_aware(one).dst()) == bool(summer)]
        fitting = meant or fitting
    return float(fitting[0] if fitting else naive - offsets[0])


def strftime(format: str, fields: Any = None, /) -> str:  # noqa: A002 - as the system's has it
    """Write a time, now unless given, as `format` says."""
    return time_format.expand(format, localtime() if fields is None else fields)


def ctime(seconds: float | None = None, /) -> str:
    """Write the seconds since 1970 as text, in the zone that is set."""
    return _asctime(localtime(seconds))


def asctime(fields: Any = None, /) -> str:
    """Write a time, now unless given, as text."""
    return _asctime(localtime() if fields is None else fields)


def tzset() -> None:
    """Take the zone that the variable TZ names now."""
    global _zone  # noqa: PLW0603 - a process has one zone
    _zone = _named(os.environ.get("TZ", "").removeprefix(":"))
    _name()
    if _zone is None:
        _give_back()
    elif not _before:
        _take_over()


def install() -> None:
    """Put the functions in place of the system's."""
    for function in (localtime, mktime, strftime, ctime, asctime, tzset):
        function.__module__ = "time"
        original = getattr(time, function.__name__, None)
        if original is not None:
            function.__doc__ = original.__doc__
        # Not bound where a class keeps it, as the system's are not: logging does that.
        setattr(time, function.__name__, staticmethod(function))


def _named(name: str) -> dt.tzinfo | None:
    """Return the zone of this name or rule; None, which is UTC, for what is neither."""
    if name in _UTC:
        return None
    zoneinfo = _zoneinfo()
    try:
        return zoneinfo.ZoneInfo(name)  # type: ignore[no-any-return]
    except (ValueError, KeyError, OSError):
        pass
    try:
        return zoneinfo.ZoneInfo.from_file(_rule_file(name), key=name)  # type: ignore[no-any-return]
    except (ValueError, KeyError, OSError):
        return None


def _zoneinfo() -> Any:
    """Return the module, whose zones are of the types that are used here.

    A program may have put another module in the place of `datetime`, as CPython's tests put the one
    in Python; zones made of its types are none for the interpreter's.
    """
    found = sys.modules.get("zoneinfo")
    if found is not None and issubclass(found.ZoneInfo, dt.tzinfo):
        return found
    apart = ("datetime", "zoneinfo")
    theirs = {name: one for name, one in sys.modules.items() if name.split(".")[0] in apart}
    for name in theirs:
        del sys.modules[name]
    sys.modules["datetime"] = dt
    try:
        return importlib.import_module("zoneinfo")
    finally:
        if theirs.get("datetime") is not dt:
            for name in [one for one in sys.modules if one.split(".")[0] in apart]:
                del sys.modules[name]
            sys.modules.update(theirs)


def _rule_file(rule: str) -> object:
    """Write the file of a zone that is a rule, such as `CET-1CEST,M3.5.0,M10.5.0/3`."""
    io = importlib.import_module("io")
    # One kind of time, of no offset, named "-": twice, for readers of 32 and of 64 bits.
    counts = b"".join(number.to_bytes(4, "big") for number in (0, 0, 0, 0, 1, 2))
    part = b"TZif2" + bytes(15) + counts + bytes(6) + b"-\0"
    return io.BytesIO(part + part + f"\n{rule}\n".encode())


def _aware(seconds: int) -> dt.datetime:
    return (
        dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        .__add__(dt.timedelta(seconds=seconds))
        .astimezone(_zone)
    )


def _offset(seconds: int) -> int:
    offset = _aware(seconds).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _fields(local: dt.datetime) -> time.struct_time:
    offset = local.utcoffset() or dt.timedelta()
    more = {"tm_zone": local.tzname(), "tm_gmtoff": int(offset.total_seconds())}
    nine = (*local.timetuple()[:8], 1 if local.dst() else 0)
    return time.struct_time(nine, more)


def _name() -> None:
    """Set what `time` says of the zone: from January and July of this year, as CPython does."""
    names, seconds = ["UTC", "UTC"], [0, 0]
    if _zone is not None:
        year = time.gmtime().tm_year
        halves = [dt.datetime(year, month, 1, tzinfo=_zone) for month in (1, 7)]
        halves.sort(key=lambda one: one.utcoffset() or dt.timedelta())
        names = [one.tzname() or "" for one in halves]
        seconds = [-int((one.utcoffset() or dt.timedelta()).total_seconds()) for one in halves]
    time.tzname = (names[0], names[1])
    time.timezone, time.altzone = seconds
    time.daylight = int(seconds[0] != seconds[1])


def _take_over() -> None:
    """Give the types of `datetime` functions that know the zone."""

    def now(cls: type[dt.datetime], tz: dt.tzinfo | None = None) -> dt.datetime:
        found = _old(dt.datetime, "now", cls)(_zone if tz is None else tz)
        return found.replace(tzinfo=None) if tz is None else found

    def fromtimestamp(
        cls: type[dt.datetime], timestamp: float, tz: dt.tzinfo | None = None
    ) -> dt.datetime:
        found = _old(dt.datetime, "fromtimestamp", cls)(timestamp, _zone if tz is None else tz)
        return found.replace(tzinfo=None) if tz is None else found

    def timestamp(self: dt.datetime) -> float:
        return float(
            _local(self).timestamp()
            if self.tzinfo is None
            else _old(dt.datetime, "timestamp", self)()
        )

    def astimezone(self: dt.datetime, tz: dt.tzinfo | None = None) -> dt.datetime:
        # A zone that has no offset for it leaves it local, as CPython has it.
        aware = _local(self) if self.utcoffset() is None else self
        if tz is None:
            there = _old(dt.datetime, "astimezone", aware)(_zone)
            tz = dt.timezone(there.utcoffset(), there.tzname())
        return _old(dt.datetime, "astimezone", aware)(tz)

    def date_fromtimestamp(cls: type[dt.date], timestamp: float, /) -> dt.date:
        fields = localtime(timestamp)
        return cls(*fields[:3])

    _change(dt.datetime, "now", classmethod(now))
    _change(dt.datetime, "fromtimestamp", classmethod(fromtimestamp))
    _change(dt.datetime, "timestamp", timestamp)
    _change(dt.datetime, "astimezone", astimezone)
    _change(dt.date, "fromtimestamp", classmethod(date_fromtimestamp))


def _local(naive: dt.datetime) -> dt.datetime:
    return naive.replace(tzinfo=_zone)


def _old(of: type, name: str, bound: object) -> Callable[..., Any]:
    function = _before[of.__name__, name]
    if isinstance(bound, type):
        return function.__get__(None, bound)  # type: ignore[no-any-return]
    return function.__get__(bound)  # type: ignore[no-any-return]


def _change(of: type, name: str, function: object) -> None:
    names = gc.get_referents(vars(of))[0]
    _before[of.__name__, name] = names[name]
    names[name] = function
    _forget(of)


def _give_back() -> None:
    for (of, name), function in _before.items():
        gc.get_referents(vars(getattr(dt, of)))[0][name] = function
        _forget(getattr(dt, of))
    _before.clear()


def _forget(of: type) -> None:
    """Let the interpreter look the names of a type up anew: setting this one has that effect."""
    mark = vars(type)["__abstractmethods__"]
    mark.__set__(of, ())
    mark.__delete__(of)
