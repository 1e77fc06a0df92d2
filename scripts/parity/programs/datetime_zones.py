"""datetime, zoneinfo, time, calendar, locale."""

import calendar
import datetime as dt
import locale
import os
import time
import zoneinfo

Z = zoneinfo.ZoneInfo
noon = dt.datetime(2024, 2, 29, 12, 30, 45, 123456)

# %% isoformat
[noon.isoformat(), noon.isoformat(" ", "minutes"), noon.date().isoformat(), noon.time().isoformat()]

# %% fromisoformat
[
    dt.datetime.fromisoformat(t)
    for t in ("2024-02-29", "20240229T123045", "2024-W09-4", "2024-02-29 12:30Z")
]

# %% fromisoformat error
dt.datetime.fromisoformat("2024-02-30")

# %% strftime names
noon.strftime("%A %a %B %b %d %m %y %Y %H %I %p %M %S %f %j %U %W %w %u %V %G %%")

# %% strftime of the locale's own
noon.strftime("%c | %x | %X")

# %% strftime without zeros
noon.replace(month=3, day=5).strftime("%-d.%-m. %-H %-I %-j")

# %% strftime with spaces
noon.replace(day=5).strftime("%e %k %l")

# %% strftime shorthands
noon.strftime("%D %F %T %R %r %h %n%t%C")

# %% strftime of a zone
noon.replace(tzinfo=Z("Europe/Paris")).strftime("%z %Z %:z")

# %% strftime of seconds since 1970
noon.strftime("%s")

# %% strftime of early years
[dt.date(year, 1, 1).strftime("%Y-%m-%d") for year in (1, 99, 999, 1900)]

# %% strftime of other letters
noon.strftime("ü %d 日")

# %% strptime
dt.datetime.strptime("29 Feb 2024 11:59 PM +0230", "%d %b %Y %I:%M %p %z")

# %% strptime of weeks
dt.datetime.strptime("2024 52 3", "%G %V %u")

# %% strptime error
dt.datetime.strptime("2024-13-01", "%Y-%m-%d")

# %% strptime leftovers
dt.datetime.strptime("2024-01-01x", "%Y-%m-%d")

# %% arithmetic
[noon + dt.timedelta(days=366), noon - dt.datetime(2000, 1, 1), noon.date() - dt.timedelta(weeks=9)]

# %% timedelta text
[
    str(dt.timedelta(days=-1, seconds=5)),
    repr(dt.timedelta(1.5)),
    str(dt.timedelta(microseconds=1.5)),
]

# %% timedelta division
[
    dt.timedelta(days=7) / dt.timedelta(hours=5),
    dt.timedelta(7) // 2,
    divmod(dt.timedelta(7), dt.timedelta(2)),
]

# %% timedelta bounds
[dt.timedelta.max, dt.timedelta.min, dt.timedelta.resolution]

# %% timestamp in UTC
[noon.replace(tzinfo=dt.UTC).timestamp(), dt.datetime.fromtimestamp(1.5, dt.UTC)]

# %% timestamp of local time
noon.timestamp()

# %% timestamp beyond 2038
[dt.datetime(2100, 1, 1).timestamp(), dt.datetime.fromtimestamp(2**33, dt.UTC)]

# %% timestamp before 1970
[dt.datetime(1900, 1, 1, tzinfo=dt.UTC).timestamp(), dt.datetime.fromtimestamp(-(2**33), dt.UTC)]

# %% fromtimestamp of local time before 1970
dt.datetime.fromtimestamp(-86400.5)

# %% rounding of microseconds
[dt.datetime.fromtimestamp(t, dt.UTC).microsecond for t in (0.0000005, 0.0000015, 1e9 + 0.1)]

# %% a timestamp too large
dt.datetime.fromtimestamp(1e15)

# %% ordinal and iso calendar
[noon.toordinal(), noon.isocalendar(), noon.isoweekday(), dt.date.fromordinal(738000)]

# %% year 9999
dt.date(9999, 12, 31) + dt.timedelta(1)

# %% replace to a wrong day
noon.replace(year=2023)

# %% compare naive and aware
noon < noon.replace(tzinfo=dt.UTC)

# %% zone of summer and winter
[dt.datetime(2024, month, 1, tzinfo=Z("Europe/Berlin")).utcoffset() for month in (1, 7)]

# %% zone names
[dt.datetime(2024, 7, 1, tzinfo=Z(n)).tzname() for n in ("America/New_York", "Asia/Kolkata", "UTC")]

# %% fold
[dt.datetime(2024, 10, 27, 2, 30, fold=f, tzinfo=Z("Europe/Berlin")).utcoffset() for f in (0, 1)]

# %% zones of the future
dt.datetime(2060, 7, 1, tzinfo=Z("Europe/Berlin")).utcoffset()

# %% zones of the past
dt.datetime(1895, 1, 1, tzinfo=Z("Europe/Berlin")).utcoffset()

# %% astimezone
noon.replace(tzinfo=Z("Asia/Tokyo")).astimezone(Z("America/Sao_Paulo"))

# %% astimezone of local time
noon.astimezone().isoformat()

# %% a zone that is not there
Z("Mars/Olympus")

# %% all zones
len(zoneinfo.available_timezones()) > 500

# %% fixed zone
dt.timezone(dt.timedelta(hours=-3, minutes=-30))

# %% date subtraction over a change of time
dt.datetime(2024, 3, 31, 12, tzinfo=Z("Europe/Berlin")) - dt.datetime(
    2024, 3, 30, 12, tzinfo=Z("Europe/Berlin")
)

# %% time.gmtime
list(time.gmtime(1_700_000_000))

# %% time.gmtime beyond 2038
list(time.gmtime(2**32 + 5))[:6]

# %% time.gmtime before 1970
list(time.gmtime(-1))[:6]

# %% time.localtime in UTC
list(time.localtime(1_700_000_000))

# %% time.mktime
time.mktime((2040, 1, 1, 0, 0, 0, 0, 1, 0))

# %% time.strftime
time.strftime("%Y-%m-%d %H:%M:%S %j", time.gmtime(0))

# %% time.strptime
list(time.strptime("Thu Feb 29 2024", "%a %b %d %Y"))

# %% time.asctime and ctime
[time.asctime(time.gmtime(0)), time.ctime(86400)]

# %% time zone of the process
[time.tzname[0], time.timezone, time.daylight]

# %% time.tzset
hasattr(time, "tzset")

# %% TZ set by the program
os.environ["TZ"] = "Asia/Tokyo"
try:
    time.tzset()
    found = time.strftime("%H:%M %Z", time.localtime(0))
finally:
    os.environ["TZ"] = "UTC"
    getattr(time, "tzset", int)()
found

# %% clocks
[time.get_clock_info(name).monotonic for name in ("monotonic", "perf_counter", "time")]

# %% time_ns agrees with time
abs(time.time_ns() / 1e9 - time.time()) < 5

# %% process_time
time.process_time() >= 0

# %% thread_time
time.thread_time() >= 0

# %% sleep
begin = time.monotonic()
time.sleep(0.01)
time.monotonic() - begin >= 0.01

# %% calendar month
calendar.month(2024, 2)

# %% calendar html
calendar.HTMLCalendar().formatmonth(2024, 2)[:80]

# %% monthrange and weekday
[calendar.monthrange(2023, 2), calendar.weekday(2024, 2, 29), calendar.leapdays(1900, 2024)]

# %% itermonthdates
[str(day) for day in calendar.Calendar(6).itermonthdates(2024, 2)][:3]

# %% month and day names
[list(calendar.month_abbr), list(calendar.day_name)]

# %% timegm
calendar.timegm((2040, 1, 1, 0, 0, 0))

# %% setlocale to C
locale.setlocale(locale.LC_ALL, "C")

# %% setlocale to the user's own
locale.setlocale(locale.LC_ALL, "")

# %% setlocale of a language that is not there
locale.setlocale(locale.LC_ALL, "xx_XX.UTF-8")

# %% setlocale to German
locale.setlocale(locale.LC_NUMERIC, "de_DE.UTF-8")

# %% localeconv
sorted(locale.localeconv().items())[:6]

# %% format_string
locale.format_string("%.2f", 1234567.891, grouping=True)

# %% currency
locale.currency(5)

# %% atof and str
[locale.atof("1,234.5".replace(",", "")), locale.str(0.1)]

# %% getlocale
locale.getlocale()

# %% getpreferredencoding
locale.getpreferredencoding()

# %% strcoll and strxfrm
[sorted(["b", "A", "a", "ä"], key=locale.strxfrm), locale.strcoll("a", "b") < 0]

# %% nl_langinfo
locale.nl_langinfo(locale.RADIXCHAR)
