"""How frames are shown and written: text, JSON, CSV, HTML."""

import io

import numpy as np
import pandas as pd

df = pd.DataFrame(
    {
        "name": ["Ann", "Bo", None],
        "n": [1, 20_000_000_000, 3],
        "x": [0.1, 1e10, np.nan],
        "day": pd.to_datetime(["2020-01-01", "2021-12-31", None]),
    }
)

# %% print a frame
print(df)

# %% print a Series
print(pd.Series([1, 2.5, None], index=list("abc"), name="s"))

# %% print a Series of integers
print(pd.Series([1, 2, 3]))

# %% print a long frame
print(pd.DataFrame({"a": range(100), "b": np.arange(100) / 7}))

# %% print a wide frame
print(pd.DataFrame(np.arange(60).reshape(2, 30)))

# %% print an empty frame
print(pd.DataFrame(columns=["a", "b"]))

# %% print a MultiIndex
print(
    pd.DataFrame({"v": [1, 2, 3]}, index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]))
)

# %% print categories
print(pd.Series(["a", "b"], dtype="category"))

# %% print dates
print(pd.Series(pd.date_range("2020-01-01", periods=2, tz="Europe/Berlin")))

# %% print nullable integers
print(pd.Series([1, None], dtype="Int64"))

# %% print an index
print(pd.Index([1, 2, 3]))

# %% print a DatetimeIndex
print(pd.date_range("2020-01-01", periods=3))

# %% print a RangeIndex
print(pd.RangeIndex(0, 10, 2))

# %% info
out = io.StringIO()
df.info(buf=out)
out.getvalue()

# %% info of integers
out = io.StringIO()
pd.DataFrame({"a": [1, 2]}).info(buf=out)
out.getvalue()

# %% describe
print(df.describe())

# %% describe of text
print(df[["name"]].describe())

# %% describe of integers
print(pd.Series([1, 2, 3, 70_000]).describe())

# %% to_string
df.to_string(index=False, na_rep="-", float_format="{:.2f}".format)

# %% to_csv
df.to_csv()

# %% to_csv of floats
pd.DataFrame({"x": [0.1, 1 / 3, 1e-20, 1e20]}).to_csv(index=False)

# %% to_csv with a format
df.to_csv(sep=";", decimal=",", float_format="%.3f", date_format="%d.%m.%Y", na_rep="NA")

# %% to_json
df.to_json()

# %% to_json of records
df.to_json(orient="records", date_format="iso")

# %% to_json of a table
pd.DataFrame({"a": [1]}).to_json(orient="table")

# %% to_json of precision
pd.DataFrame({"x": [1 / 3, 1e-12, 123456789.123456789]}).to_json(double_precision=15)

# %% to_json of large ints
pd.Series([2**53 + 1, -(2**63)]).to_json()

# %% read_json
pd.read_json(io.StringIO('[{"a": 1, "b": "x"}, {"a": 3000000000, "b": null}]'))

# %% read_json of dates
pd.read_json(io.StringIO('{"date": {"0": 1577836800000}}')).date

# %% read_json lines
pd.read_json(io.StringIO('{"a": 1}\n{"a": 2.5}\n'), lines=True).a

# %% json_normalize
pd.json_normalize([{"a": {"b": 1, "c": [1, 2]}}, {"a": {"b": 2}}]).to_dict("list")

# %% to_html
pd.DataFrame({"a": [1.5], "b": ["<x>"]}).to_html()

# %% read_html
pd.read_html(io.StringIO("<table><tr><th>a</th></tr><tr><td>1</td></tr></table>"), flavor="lxml")[0]

# %% to_latex
pd.DataFrame({"a": [1.5]}).style.to_latex()

# %% to_xml
pd.DataFrame({"a": [1, 2]}).to_xml()

# %% read_xml
pd.read_xml(io.StringIO("<d><r><a>1</a></r><r><a>5</a></r></d>")).a

# %% to_markdown is missing a library
pd.DataFrame({"a": [1]}).to_markdown()

# %% to_excel and back
out = io.BytesIO()
pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_excel(out, index=False)
pd.read_excel(out).to_dict("list")

# %% to_parquet
pd.DataFrame({"a": [1]}).to_parquet(io.BytesIO())

# %% to_pickle and back
out = io.BytesIO()
df.to_pickle(out)
out.seek(0)
pd.read_pickle(out).equals(df)

# %% to_stata and back
out = io.BytesIO()
pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}).to_stata(out, write_index=False)
out.seek(0)
pd.read_stata(out)

# %% to_sql and back
import sqlite3

with sqlite3.connect(":memory:") as connection:
    df.to_sql("t", connection, index=False)
    found = pd.read_sql("select name, n, x from t where n > 1", connection)
found

# %% to_records
pd.DataFrame({"a": [1], "b": ["x"]}).to_records().dtype

# %% styler
pd.DataFrame({"a": [1.234]}).style.format("{:.1f}").to_html(table_uuid="t", cell_ids=False)

# %% option_context
with pd.option_context("display.max_rows", 4, "display.precision", 2):
    print(pd.Series(np.arange(10) / 3))

# %% float formatting of a column
print(pd.DataFrame({"a": [0.00001, 123456.789], "b": [1e-10, 1.0]}))

# %% east asian width
with pd.option_context("display.unicode.east_asian_width", True):
    print(pd.DataFrame({"a": ["日本", "x"]}))

# %% repr of a Timestamp
[repr(pd.Timestamp("2020-01-01 12:00")), repr(pd.Timedelta("1h")), repr(pd.Period("2020-01"))]

# %% repr of NA
[repr(pd.NA), repr(pd.NaT), str(pd.Interval(0, 1.5))]

# %% memory in info, deep
out = io.StringIO()
pd.DataFrame({"a": [1, 2], "s": ["x", "yy"]}).info(buf=out, memory_usage="deep")
out.getvalue().splitlines()[-1]

# %% error of a missing column
df["nothing"]

# %% error of unequal lengths
pd.DataFrame({"a": [1], "b": [1, 2]})
