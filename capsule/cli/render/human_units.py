"""Amounts as people read them: durations, sizes, fuel, and how much of a limit was used."""

from __future__ import annotations

_MS, _S = 1_000_000, 1_000_000_000
_MINUTE, _HOUR, _DAY = 60 * _S, 3_600 * _S, 86_400 * _S
_PERCENT = 100


def span(ns: int) -> str:
    """Return a duration that is given in nanoseconds.

    >>> span(400_000), span(23_000_000), span(1_234_000_000), span(75_000_000_000)
    ('0.4 ms', '23 ms', '1.23 s', '1m 15s')
    >>> span(7_500_000_000_000), span(200_000_000_000_000)
    ('2h 5m', '2d 7h')
    """
    ns = max(ns, 0)
    if ns < _MS:
        return f"{ns / _MS:.1f} ms" if ns else "0 ms"
    if ns < _S:
        return f"{ns // _MS} ms"
    if ns < _MINUTE:
        return f"{ns / _S:.{2 if ns < 10 * _S else 1}f}".rstrip("0").removesuffix(".") + " s"
    for unit, part, names in ((_DAY, _HOUR, "dh"), (_HOUR, _MINUTE, "hm"), (_MINUTE, _S, "ms")):
        if ns >= unit:
            return f"{ns // unit}{names[0]} {ns % unit // part}{names[1]}"
    return ""


def age(ns: int) -> str:
    """Return how long ago something was, roughly.

    >>> age(3_000_000_000), age(125_000_000_000), age(200_000_000_000_000)
    ('3s', '2m', '2d')
    """
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if ns >= unit:
            return f"{ns // unit}{name}"
    return f"{max(ns, 0) // _S}s"


def size(count: int) -> str:
    """Return a number of bytes; units count by 1024.

    >>> size(999), size(41_943_040), size(1_300_000_000), size(140_000_000)
    ('999 B', '40 MB', '1.2 GB', '134 MB')
    """
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if count >= unit:
            value = count / unit
            return f"{value:.{1 if value < 100 else 0}f}".removesuffix(".0") + f" {name}"
    return f"{count} B"


def short(count: int) -> str:
    """Return a large number in at most six characters.

    >>> short(950), short(45_000), short(1_250_000), short(99_960_000), short(10**14)
    ('950', '45 K', '1.2 M', '100 M', '100 T')
    """
    for unit, name in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "K")):
        if count >= unit:
            value = count / unit
            return f"{value:.0f} {name}" if value >= 9.95 else f"{value:.1f} {name}"
    return str(count)


def share(used: int | None, limit: int | None) -> float | None:
    """Return how much of a limit was used, from 0 to 1; None where nobody can say.

    >>> share(1, 4), share(1, None), share(9, 4)
    (0.25, None, 1.0)
    """
    return None if used is None or not limit else min(used / limit, 1.0)


def percent(used: int | None, limit: int | None) -> str:
    """Return how much of a limit was used, as text; nothing where nobody can say.

    >>> percent(1, 3), percent(1, 10**6), percent(0, 9), percent(3, None)
    ('33 %', 'under 1 %', '0 %', '')
    """
    part = share(used, limit)
    if part is None:
        return ""
    return "under 1 %" if 0 < part * _PERCENT < 1 else f"{int(part * _PERCENT)} %"
