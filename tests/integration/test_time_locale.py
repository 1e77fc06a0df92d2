"""Time zones, texts of times, and locales: as outside, where the task may see TZ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

# 2024-07-01 12:00:00 and 2024-01-01 12:00:00, both UTC.
SUMMER, WINTER = 1719835200, 1704110400

ZONE = f"""
import datetime as dt, logging, os, time
from capsule import task
from time import localtime

SUMMER, WINTER = {SUMMER}, {WINTER}

@task(env_variables=["TZ"])
def main():
    local = dt.datetime.fromtimestamp(SUMMER)
    now = dt.datetime.now()
    found = dict(
        text=[time.strftime("%H:%M %Z %z", localtime(at)) for at in (SUMMER, WINTER)],
        summer=[time.localtime(SUMMER).tm_isdst, time.localtime(SUMMER).tm_gmtoff],
        names=[list(time.tzname), time.timezone, time.altzone, time.daylight],
        back=time.mktime(time.localtime(SUMMER)) == SUMMER,
        naive=[str(local), local.timestamp() == SUMMER, str(local.astimezone())],
        aware=str(dt.datetime.fromtimestamp(WINTER, dt.UTC).astimezone()),
        day=str(dt.date.fromtimestamp(SUMMER + 43200 - 3600)),
        ambiguous=dt.datetime(2024, 10, 27, 2, 30, fold=1).timestamp()
        - dt.datetime(2024, 10, 27, 2, 30).timestamp(),
        now=abs(now.timestamp() - time.time()) < 60,
        text_of_now=time.ctime(0),
        logged=logging.Formatter("%(asctime)s").formatTime(
            logging.makeLogRecord({{"created": SUMMER, "msecs": 0}})
        ),
        subclass=type(type("Mine", (dt.datetime,), {{}}).now()).__name__,
    )
    return found
"""

BERLIN = {
    "text": ["14:00 CEST +0200", "13:00 CET +0100"],
    "summer": [1, 7200],
    "names": [["CET", "CEST"], -3600, -7200, 1],
    "back": True,
    "naive": ["2024-07-01 14:00:00", True, "2024-07-01 14:00:00+02:00"],
    "aware": "2024-01-01 13:00:00+01:00",
    "day": "2024-07-02",
    "ambiguous": 3600.0,
    "now": True,
    "text_of_now": "Thu Jan  1 01:00:00 1970",
    "logged": "2024-07-01 14:00:00,000",
    "subclass": "Mine",
}


@pytest.mark.parametrize("zone", ["Europe/Berlin", ":Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"])
def test_the_zone_that_the_task_may_see_is_the_local_one(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    envelope = bench.run(ZONE)
    assert envelope["result"] == BERLIN, envelope["error"]


def test_without_the_variable_it_is_utc(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    source = ZONE.replace('env_variables=["TZ"]', "")
    result = bench.run(source)["result"]
    assert isinstance(result, dict)
    assert result["text"] == ["12:00 UTC +0000", "12:00 UTC +0000"]
    assert result["naive"] == ["2024-07-01 12:00:00", True, "2024-07-01 12:00:00+00:00"]
    assert result["ambiguous"] == 0.0


@pytest.mark.parametrize("zone", ["", "UTC", "Mars/Olympus", "/etc/localtime", "../x"])
def test_what_names_no_zone_is_utc(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    result = bench.run(ZONE)["result"]
    assert isinstance(result, dict)
    assert result["text"] == ["12:00 UTC +0000", "12:00 UTC +0000"]


def test_a_program_sets_its_zone_and_takes_it_back(bench: Workbench) -> None:
    source = """
import datetime as dt, os, time
def main():
    found = []
    for zone in ("Asia/Tokyo", "America/New_York", ""):
        os.environ["TZ"] = zone
        time.tzset()
        found.append([str(dt.datetime.fromtimestamp(0)), time.strftime("%H %Z", time.localtime(0))])
    return found
"""
    assert bench.run(source)["result"] == [
        ["1970-01-01 09:00:00", "09 JST"],
        ["1969-12-31 19:00:00", "19 EST"],
        ["1970-01-01 00:00:00", "00 UTC"],
    ]


def test_a_zone_without_an_offset_leaves_a_time_local(bench: Workbench) -> None:
    source = """
import datetime as dt, os, time
class Unknown(dt.tzinfo):
    def utcoffset(self, at): return None
    def dst(self, at): return None
class Empty(dt.tzinfo):
    def __len__(self): return 0
    def utcoffset(self, at): return dt.timedelta(hours=1)
    def dst(self, at): return None
def main():
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    noon = dt.datetime(2024, 1, 1, 12)
    return [
        str(noon.replace(tzinfo=Unknown()).astimezone(dt.UTC)),
        str(noon.replace(tzinfo=Empty()).astimezone(dt.UTC)),
        noon.replace(tzinfo=Empty()).timestamp(),
    ]
"""
    assert bench.run(source)["result"] == [
        "2024-01-01 17:00:00+00:00",
        "2024-01-01 11:00:00+00:00",
        WINTER - 3600,
    ]


def test_the_datetime_in_python_knows_the_zone_too(bench: Workbench) -> None:
    source = """
import os, sys, time
def main():
    import _pydatetime
    theirs = sys.modules.pop("datetime", None)
    sys.modules["datetime"] = _pydatetime
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    found = [str(_pydatetime.datetime.fromtimestamp(0)), sys.modules["datetime"] is _pydatetime]
    sys.modules["datetime"] = theirs
    import zoneinfo, datetime
    return [*found, issubclass(zoneinfo.ZoneInfo, datetime.tzinfo)]
"""
    assert bench.run(source)["result"] == ["1970-01-01 09:00:00", True, True]


def test_strftime_writes_what_glibc_does(bench: Workbench) -> None:
    source = """
import datetime as dt, time
def main():
    at = time.struct_time((2024, 3, 5, 4, 6, 7, 1, 65, 0))
    return [
        time.strftime("%Y %k|%l|%-k|%0l|%P %Z", at),
        time.strftime("%^a %#b %^B %#p %#Z %^Z", at),
        time.strftime("100% %Q %5", at),
        time.strftime("%%k %d", at),
        dt.datetime(2024, 3, 5, 16).strftime("%e %k %l %P"),
    ]
"""
    assert bench.run(source)["result"] == [
        "2024  4| 4|4|04|am UTC",
        "TUE MAR MARCH am utc UTC",
        "100% %Q %5",
        "%k 05",
        " 5 16  4 pm",
    ]


def test_strftime_refuses_what_is_no_time(bench: Workbench) -> None:
    source = """
import time
def main():
    found = []
    for format, fields in ((5, time.gmtime(0)), ("%k", 3.5), ("%k", (1, 2))):
        try:
            time.strftime(format, fields)
        except TypeError as error:
            found.append(str(error))
    return found
"""
    assert bench.run(source)["result"] == [
        "strftime() argument 1 must be str, not int",
        "Tuple or struct_time argument required",
        "strftime(): illegal time tuple argument",
    ]


def test_setlocale_takes_what_is_there_and_refuses_the_rest(bench: Workbench) -> None:
    source = """
import locale
def main():
    found = [locale.setlocale(locale.LC_ALL)]
    before = found[0]
    for name in ("C", "POSIX", "C.UTF-8", ""):
        found.append(locale.setlocale(locale.LC_ALL, name))
    found.append(locale.setlocale(locale.LC_ALL, before) == before)
    for category, name in ((locale.LC_ALL, "de_DE.UTF-8"), (locale.LC_NUMERIC, "en_US"), (99, "C")):
        try:
            locale.setlocale(category, name)
        except locale.Error as error:
            found.append(str(error))
    return found, list(locale.getlocale()), locale.getlocale(locale.LC_NUMERIC)[0]
"""
    composite = "LC_CTYPE=C.UTF-8;LC_NUMERIC=C;LC_TIME=C;LC_COLLATE=C;LC_MONETARY=C;LC_MESSAGES=C"
    refused = ["unsupported locale setting"] * 2 + ["invalid locale category"]
    assert bench.run(source)["result"] == [
        [composite, "C", "C", "C.UTF-8", "C", True, *refused],
        ["C", "UTF-8"],
        None,
    ]


def test_a_language_that_the_environment_names_and_that_is_not_there_is_refused(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    source = """
import locale
from capsule import task
@task(env_variables=["LANG"])
def main():
    return locale.setlocale(locale.LC_ALL, "")
"""
    error = bench.run(source)["error"]
    assert error is not None
    assert "unsupported locale setting" in error["message"]
