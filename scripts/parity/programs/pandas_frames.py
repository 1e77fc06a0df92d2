"""Frames: groups, joins, windows, indices."""

import io

import numpy as np
import pandas as pd
from scipy import sparse

a = np.arange(12).reshape(3, 4)
df = pd.DataFrame(
    {"k": list("abab"), "i": np.arange(4), "j": [1, 2, 3, 4], "t": pd.date_range("2020", periods=4)}
)

# %% groupby sum
df.groupby("k").i.sum()

# %% groupby transform
df.groupby("k").i.transform("cumsum")

# %% groupby cumcount
df.groupby("k").cumcount()

# %% groupby ngroup
df.groupby("k").ngroup()

# %% groupby indices
[v[0] for v in df.groupby("k").indices.values()]

# %% groupby nth int64
df.groupby("k").nth(np.int64(1)).i

# %% groupby quantile
df.groupby("k").i.quantile(0.5)

# %% groupby agg
df.groupby("k").agg({"i": ["min", "max", "first", "nunique"]})

# %% groupby rolling
df.groupby("k").i.rolling(2).sum()

# %% groupby sample
df.groupby("k").sample(1, random_state=0).i

# %% merge
df.merge(df, on="k").i_x

# %% merge outer
df.merge(df, left_on="i", right_on="j", how="outer").i_x.fillna(-1)

# %% merge_asof
pd.merge_asof(df, df, on="i").j_x

# %% pivot_table
df.pivot_table(index="k", values="i", aggfunc="sum")

# %% melt
df.melt(id_vars="k", value_vars=["i", "j"]).value

# %% unstack
df.set_index(["k", "i"]).j.unstack().fillna(0)

# %% resample
df.set_index("t").i.resample("2D").sum()

# %% rolling mean
df.i.rolling(2).mean()

# %% ewm mean
df.i.ewm(2).mean()

# %% cut
pd.cut(df.i, 2).cat.codes

# %% qcut
pd.qcut(df.i, 2, labels=False)

# %% factorize
pd.factorize(df.k)[0]

# %% unique
pd.unique(np.array([1, 1, 2]))

# %% value_counts
df.i.value_counts()

# %% hash_pandas_object
pd.util.hash_pandas_object(df.i) > 0

# %% take
df.take(np.array([0, 2])).i

# %% iloc
df.iloc[np.array([0, 2])].i

# %% loc
df.loc[np.array([0, 2]), "i"]

# %% reindex
df.reindex(np.arange(5)).i.fillna(-1)

# %% sort_values
df.sort_values(["k", "i"]).i

# %% nlargest
df.nlargest(2, "i").i

# %% rank
df.i.rank()

# %% duplicated
df.duplicated("k")

# %% explode
pd.DataFrame({"a": [[1, 2], [3]]}).explode("a").a

# %% get_dummies
pd.get_dummies(df.k)

# %% crosstab
pd.crosstab(df.k, df.i)

# %% IntervalIndex from_breaks get_indexer
pd.IntervalIndex.from_breaks(np.arange(4)).get_indexer([1.5])

# %% IntervalArray from_breaks contains
pd.arrays.IntervalArray.from_breaks([0, 1, 2]).contains(0.5)

# %% MultiIndex from_product get_loc
pd.MultiIndex.from_product([[1, 2], [3, 4]]).get_loc((1, 4))

# %% MultiIndex from_arrays get_indexer
pd.MultiIndex.from_arrays([np.arange(3), np.arange(3)]).get_indexer([(1, 1)])

# %% Categorical codes
pd.Categorical([1, 2, 1]).codes

# %% Categorical from_codes codes
pd.Categorical.from_codes(np.array([0, 1]), ["a", "b"]).codes

# %% SparseArray
pd.arrays.SparseArray(np.array([0, 0, 1])).sum()

# %% from_spmatrix
pd.DataFrame.sparse.from_spmatrix(sparse.csr_array(a)).sum()

# %% sum of Int64
pd.array([1, 2, None], dtype="Int64").sum()

# %% shift
df.i.shift(1).fillna(-9)

# %% period_range month
pd.period_range("2020", periods=3, freq="M").month

# %% timedelta_range days
pd.timedelta_range("1D", periods=3).days

# %% MonthEnd
(df.t + pd.offsets.MonthEnd()).dt.day

# %% read_csv
pd.read_csv(io.StringIO("a,b\n1,3000000000\n")).b

# %% read_json
pd.read_json(io.StringIO(df.to_json())).i

# %% searchsorted
df.i.searchsorted(np.array([1, 2]))

# %% corr
df[["i", "j"]].corr(method="kendall")

# %% apply
df.apply(lambda r: r.i + r.j, axis=1)

# %% map
df.i.map({0: 5, 1: 6, 2: 7, 3: 8})

# %% where
df.i.where(df.i > 1, 0)

# %% clip
df.i.clip(1, 2)

# %% loc index repeat
df.loc[df.index.repeat(df.i)].j

# %% sample
df.sample(2, random_state=0).i

# %% select_dtypes
df.select_dtypes("int").i

# %% str.len
df.k.str.len()

# %% wide_to_long
pd.wide_to_long(pd.DataFrame({"a1": [1], "a2": [2], "id": [0]}), "a", "id", "n").a

# %% interpolate
pd.Series([1, np.nan, 3]).interpolate()

# %% diff
df.i.diff().fillna(0)

# %% to_numpy
df[["i", "j"]].to_numpy()

# %% concat behind an assigned column
made = df[["i", "j"]].copy()
made["n"] = made.i * 2
made["m"] = 1.5
pd.concat([made, pd.DataFrame({"z": [1]})], ignore_index=True)

# %% concat behind an inserted column
made = df[["i", "j"]].copy()
made.insert(0, "n", made.i * 2)
pd.concat([made, made])

# %% columns inserted one after the other
made = df[["i", "j"]].copy()
made.insert(0, "first", 1)
made.insert(2, "middle", 2.5)
made.insert(4, "last", list("abcd"))
made

# %% a row behind inserted columns
made = df[["i", "j"]].copy()
made["n"] = 1
made["m"] = 2
made.loc[9] = [1, 2, 3, 4]
made

# %% concat of group means with their keys
means = df.groupby("k")[["i", "j"]].mean().reset_index()
pd.concat([means, means], ignore_index=True)

# %% merge behind an inserted column
made = df[["k", "i"]].copy()
made["n"] = made.i + 1
made.merge(df[["k", "j"]], on="k")
