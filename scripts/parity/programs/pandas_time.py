"""Time in pandas: stamps, zones, windows, periods."""

import numpy as np
import pandas as pd

s = pd.Series(np.arange(12), index=pd.date_range("2020-01-30", periods=12, freq="7h"))

# %% Timestamp from seconds
pd.Timestamp(1_700_000_000, unit="s")

# %% Timestamp value
pd.Timestamp("2020-01-01").value

# %% Timestamp beyond 2038
pd.Timestamp("2100-06-01").timestamp()

# %% Timestamp arithmetic
pd.Timestamp("2020-02-28") + pd.Timedelta(days=2, hours=5)

# %% to_datetime of seconds
pd.to_datetime([1_700_000_000, 4_000_000_000], unit="s")

# %% to_datetime of milliseconds
pd.to_datetime(pd.Series([1_700_000_000_123]), unit="ms")

# %% to_datetime of formats
pd.to_datetime(["01/02/2020", "31/12/2021"], dayfirst=True)

# %% to_datetime with a format
pd.to_datetime("7-Mar-2021 4PM", format="%d-%b-%Y %I%p")

# %% to_datetime coerce
pd.to_datetime(["2020-13-01", "2020-01-01"], errors="coerce")

# %% to_datetime mixed zones
pd.to_datetime(["2020-01-01T00:00+01:00", "2020-06-01T00:00+02:00"], utc=True)

# %% date_range dtype
pd.date_range("2020", periods=2).dtype

# %% dates as int
pd.Series(pd.date_range("2020", periods=2)).astype("int64")

# %% dates as int, by int
pd.Series(pd.date_range("2020", periods=2)).astype(int)

# %% date_range of business days
pd.date_range("2020-01-01", periods=5, freq="B")

# %% date_range of month ends
pd.date_range("2020-01-31", periods=3, freq="ME")

# %% date_range over a change of time
pd.date_range("2020-03-29", periods=4, freq="h", tz="Europe/Berlin")

# %% tz_localize and tz_convert
pd.Timestamp("2020-07-01 12:00").tz_localize("America/New_York").tz_convert("Asia/Tokyo")

# %% ambiguous time
pd.Timestamp("2020-10-25 02:30").tz_localize("Europe/Berlin", ambiguous=True).utcoffset()

# %% time that does not exist
pd.Timestamp("2020-03-29 02:30").tz_localize("Europe/Berlin")

# %% time that does not exist, moved
pd.Timestamp("2020-03-29 02:30").tz_localize("Europe/Berlin", nonexistent="shift_forward")

# %% a zone that is not there
pd.Timestamp("2020-01-01").tz_localize("Mars/Olympus")

# %% dt accessor
stamps = pd.Series(pd.to_datetime(["2020-02-29 23:59", "2021-12-31 00:01"]))
[stamps.dt.year.tolist(), stamps.dt.dayofyear.tolist(), stamps.dt.isocalendar().week.tolist()]

# %% day and month names
stamps = pd.Series(pd.to_datetime(["2020-02-29", "2021-12-31"]))
[stamps.dt.day_name().tolist(), stamps.dt.month_name().tolist()]

# %% day name in another language
pd.Series(pd.to_datetime(["2020-02-29"])).dt.day_name(locale="de_DE.UTF-8")

# %% dt.strftime
pd.Series(pd.to_datetime(["2020-02-29 13:05"])).dt.strftime("%a %d %b %Y %I:%M %p %j")

# %% floor, ceil, round
[pd.Timestamp("2020-01-01 12:34:56").floor("h"), pd.Timestamp("2020-01-01 12:34:56").round("min")]

# %% resample sum
s.resample("D").sum()

# %% resample ohlc
s.resample("2D").ohlc()

# %% resample upward
s[:2].resample("3h").ffill()

# %% resample by month
s.resample("MS").mean()

# %% rolling by time
s.rolling("1D").sum()

# %% rolling std | within 1e-12
s.rolling(3).std()

# %% rolling apply
s.rolling(4).apply(lambda v: v.max() - v.min(), raw=True)

# %% rolling median and quantile
[s.rolling(3).median().tolist()[2:], s.rolling(4).quantile(0.3).tolist()[3:]]

# %% rolling corr | within 1e-9
s.rolling(4).corr(s**2)

# %% expanding
s.expanding().mean()

# %% ewm | within 1e-14
s.ewm(span=3).mean()

# %% ewm var | within 1e-12
s.ewm(alpha=0.3).var()

# %% rolling of large integers
pd.Series([3_000_000_000] * 5).rolling(2).sum()

# %% shift by time
s.shift(1, freq="D").index[0]

# %% between_time
s.between_time("00:00", "08:00")

# %% slices by month
s["2020-02"]

# %% asof
s.asof(pd.Timestamp("2020-01-31"))

# %% period arithmetic
pd.Period("2020-01", freq="M") + 13

# %% period to timestamp
pd.period_range("2020Q1", periods=3, freq="Q").to_timestamp()

# %% period as int
pd.Period("2020-01-01", freq="D").ordinal

# %% to_period
s.index.to_period("M").unique()

# %% timedelta parts
pd.Timedelta("1 days 02:03:04.567").components

# %% timedelta of text
pd.to_timedelta(["1h", "2 days 3min", "00:00:05"])

# %% timedelta total_seconds
pd.Series(pd.to_timedelta([90, 3600], unit="m")).dt.total_seconds()

# %% timedelta mean and sum
pd.Series(pd.to_timedelta(["1h", "3h"])).agg(["mean", "sum"])

# %% timedelta division
pd.Timedelta("1D") / pd.Timedelta("7h")

# %% difference of stamps
pd.Series(pd.to_datetime(["2020-01-01", "2020-03-01"])).diff()

# %% offsets
[
    pd.Timestamp("2020-01-31") + off
    for off in (pd.DateOffset(months=1), pd.offsets.BMonthEnd(), pd.offsets.QuarterEnd())
]

# %% custom business day
pd.Timestamp("2020-01-03") + pd.offsets.CustomBusinessDay(2, holidays=["2020-01-06"])

# %% holidays
from pandas.tseries.holiday import USFederalHolidayCalendar

USFederalHolidayCalendar().holidays("2021-01-01", "2021-07-31")

# %% infer_freq
pd.infer_freq(pd.date_range("2020-01-01", periods=5, freq="W-WED"))

# %% group by month
s.groupby(s.index.month).sum()

# %% Grouper
pd.DataFrame({"t": s.index, "v": s.values}).groupby(pd.Grouper(key="t", freq="D")).v.max()

# %% merge_asof with tolerance
left = pd.DataFrame({"t": pd.to_datetime(["2020-01-01 00:00:05", "2020-01-01 01:00"]), "a": [1, 2]})
right = pd.DataFrame({"t": pd.to_datetime(["2020-01-01 00:00:00"]), "b": [9]})
pd.merge_asof(left, right, on="t", tolerance=pd.Timedelta("1min")).b

# %% interpolate by time
pd.Series(
    [1.0, np.nan, 4.0], pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-05"])
).interpolate("time")

# %% unit conversion
pd.Timestamp("2020-01-01").as_unit("s").unit

# %% out of bounds
pd.Timestamp("3000-01-01").as_unit("ns")

# %% isoformat
pd.Timestamp("2020-01-01 12:00", tz="UTC").isoformat()

# %% normalize and date
[pd.Timestamp("2020-01-01 12:00").normalize(), pd.Timestamp("2020-01-01 12:00").date()]

# %% now has a zone when asked
pd.Timestamp.now(tz="Asia/Kolkata").utcoffset()
