"""Types of columns: what is read, made, converted, kept."""

import io

import numpy as np
import pandas as pd

text = "id,name,score,day,ok\n1,Ann,2.5,2020-01-01,True\n3000000000,Bo,,2021-02-03,False\n"

# %% read_csv dtypes
pd.read_csv(io.StringIO(text)).dtypes.astype(str).to_dict()

# %% read_csv values
pd.read_csv(io.StringIO(text))

# %% read_csv dtype int
pd.read_csv(io.StringIO("a\n3000000000\n"), dtype=int)

# %% read_csv dtype of one column
pd.read_csv(io.StringIO("a,b\n1,2\n"), dtype={"a": "int", "b": "float32"}).dtypes.astype(
    str
).to_dict()

# %% read_csv parse_dates
pd.read_csv(io.StringIO(text), parse_dates=["day"]).day

# %% read_csv categories
pd.read_csv(io.StringIO("c\nx\ny\nx\n"), dtype="category").c

# %% read_csv nullable
pd.read_csv(io.StringIO("a,b\n1,x\n,y\n"), dtype_backend="numpy_nullable").dtypes.astype(
    str
).to_dict()

# %% read_csv of a number beyond 64 bits
pd.read_csv(io.StringIO("a\n18446744073709551616\n")).a

# %% read_csv of an unsigned number
pd.read_csv(io.StringIO("a\n18446744073709551615\n")).a

# %% read_csv thousands and decimal
pd.read_csv(io.StringIO("a;b\n1.000;2,5\n"), sep=";", thousands=".", decimal=",")

# %% read_csv float precision
pd.read_csv(io.StringIO("a\n0.1234567890123456789\n1e-300\n123456.789e3\n")).a

# %% read_csv round_trip
pd.read_csv(
    io.StringIO("a\n0.1234567890123456789\n2.2250738585072014e-308\n"), float_precision="round_trip"
).a

# %% read_csv python engine
pd.read_csv(io.StringIO("a  b\n1   2\n"), sep=r"\s+", engine="python")

# %% read_csv in chunks
[len(part) for part in pd.read_csv(io.StringIO("a\n1\n2\n3\n"), chunksize=2)]

# %% read_csv without a header
pd.read_csv(io.StringIO("1,a\n2,b\n"), header=None, index_col=0)

# %% read_csv na values
pd.read_csv(io.StringIO("a,b\nNA,x\n-,null\n"), na_values=["-"])

# %% read_csv with quotes
pd.read_csv(io.StringIO('a,b\n"1,5","say ""x"""\n')).to_dict("list")

# %% read_fwf
pd.read_fwf(io.StringIO("a   b\n1   22\n333 4\n"))

# %% Series of ints dtype
pd.Series([1, 2, 3]).dtype

# %% Series of a large int
pd.Series([1, 2**40]).sum()

# %% Series of floats to int
pd.Series([1.7e12, 2.0]).astype(int)

# %% Series of text to int
pd.Series(["1700000000000", "2"]).astype(int)

# %% squares of a Series
(pd.Series(range(50_000, 50_003)) ** 2).tolist()

# %% sum of a range of a million
pd.Series(range(1_000_000)).sum()

# %% product
pd.Series([100_000, 100_000, 3]).prod()

# %% cumsum and cumprod
(pd.Series([2**31, 1]).cumsum(), pd.Series([70_000, 70_000]).cumprod())

# %% Series of bools summed
pd.Series([True, False, True]).sum()

# %% DataFrame dtypes
pd.DataFrame({"i": [1], "f": [1.5], "s": ["a"], "b": [True], "n": [None]}).dtypes.astype(
    str
).to_dict()

# %% DataFrame of a matrix
pd.DataFrame(np.arange(4).reshape(2, 2)).dtypes.astype(str).to_dict()

# %% RangeIndex dtype
pd.RangeIndex(3).dtype

# %% Index of ints dtype
pd.Index([1, 2]).dtype

# %% string dtype
pd.Series(["a", None]).dtype

# %% string methods keep the type
pd.Series(["a", None]).str.upper()

# %% Int64 with NA
pd.Series([1, None], dtype="Int64") + 2**40

# %% Int64 mean and sum
pd.Series([2**62, 2**61, None], dtype="Int64").agg(["sum", "min"])

# %% boolean with NA
pd.Series([True, None, False], dtype="boolean") & True

# %% Float64 with NA
pd.Series([1.5, None], dtype="Float64") / 0

# %% convert_dtypes
pd.DataFrame({"a": [1, None], "b": ["x", None], "c": [1.5, 2]}).convert_dtypes().dtypes.astype(
    str
).to_dict()

# %% to_numeric
pd.to_numeric(pd.Series(["1", "2.5", "x"]), errors="coerce")

# %% to_numeric downcast
pd.to_numeric(pd.Series([1, 2, 300]), downcast="integer").dtype

# %% to_numeric of large
pd.to_numeric(pd.Series(["3000000000", "5"]))

# %% astype int32 of a number too large
pd.Series([2**40]).astype("int32")

# %% astype int of nan
pd.Series([1.0, np.nan]).astype(int)

# %% infer_objects
pd.Series([1, 2], dtype=object).infer_objects().dtype

# %% category
pd.Series(["b", "a", "b"]).astype("category").cat.codes

# %% ordered category
pd.Series(pd.Categorical(["lo", "hi"], ["lo", "hi"], ordered=True)) < "hi"

# %% category memory and codes dtype
pd.Series(list("abc") * 10, dtype="category").cat.codes.dtype

# %% interval dtype
pd.interval_range(0, 3).dtype

# %% period dtype
pd.period_range("2020-01", periods=2, freq="M").dtype

# %% sparse dtype
pd.Series([0, 0, 1], dtype="Sparse[int]").dtype

# %% factorize
[one.tolist() for one in pd.factorize(["b", "a", "b"])]

# %% value_counts dtype
pd.Series([1, 1, 2]).value_counts().dtype

# %% count dtype
pd.DataFrame({"a": [1, None]}).count()

# %% size of groups
pd.DataFrame({"a": [1, 1, 2]}).groupby("a").size()

# %% get_dummies dtype
pd.get_dummies(pd.Series(["a", "b"])).dtypes.astype(str).to_dict()

# %% select_dtypes
pd.DataFrame({"i": [1], "f": [1.0], "j": np.array([1], "int32")}).select_dtypes(
    "int"
).columns.tolist()

# %% select_dtypes of int64
pd.DataFrame({"i": [1], "f": [1.0]}).select_dtypes("int64").columns.tolist()

# %% is_integer_dtype
[pd.api.types.is_int64_dtype(pd.Series([1])), pd.api.types.is_integer_dtype(np.array([1]))]

# %% pandas_dtype
[str(pd.api.types.pandas_dtype(one)) for one in (int, "int", "Int64", float, "float32", str, bool)]

# %% infer_dtype
[pd.api.types.infer_dtype(one) for one in ([1, 2], [1, "a"], [1.5], [None, 1], [True])]

# %% isna
pd.isna(pd.Series([None, np.nan, pd.NA, pd.NaT, 0], dtype=object)).tolist()

# %% to_numpy of ints
pd.DataFrame({"a": [1], "b": [2]}).to_numpy().dtype

# %% to_numpy of mixed
pd.DataFrame({"a": [1], "b": [2.5]}).to_numpy().dtype

# %% to_dict gives Python numbers
[type(one).__name__ for one in pd.DataFrame({"a": [1], "b": [0.5]}).to_dict("records")[0].values()]

# %% memory_usage
pd.DataFrame({"a": [1, 2, 3], "b": [1.5, 2, 3]}).memory_usage(index=False).tolist()

# %% memory_usage of the index
pd.Series([1, 2], index=[10, 20]).memory_usage()

# %% memory_usage of text, deep
pd.Series(["a", "bb"], dtype=object).memory_usage(deep=True, index=False)

# %% nbytes
pd.Series([1, 2, 3]).nbytes

# %% hash of a frame
pd.util.hash_pandas_object(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))

# %% hash_array
pd.util.hash_array(np.array([1, 2**40]))

# %% overflow of Timedelta
pd.to_timedelta([1, 2**31], unit="s")

# %% eval and query
pd.DataFrame({"a": [1, 5, 70_000]}).query("a > 2").eval("b = a * a").b.tolist()

# %% empty sum and mean
(pd.Series([], dtype=float).sum(), pd.Series([], dtype=float).mean())

# %% integer division by zero
pd.Series([1, -1, 0]) // 0

# %% float power
pd.Series([2, 3]) ** 0.5
