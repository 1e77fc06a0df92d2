"""Groups, joins, pivots and reshaping, with numbers that need 64 bits."""

import numpy as np
import pandas as pd

sales = pd.DataFrame(
    {
        "city": ["Rome", "Oslo", "Rome", "Bonn", "Oslo", "Rome"],
        "kind": ["a", "b", "a", "a", None, "b"],
        "units": [3, 1, 2, 5, 4, 1],
        "cents": [1_500_000_000, 900_000_000, 2_000_000_000, 10, 20, 2_147_483_647],
        "rate": [0.1, 0.2, np.nan, 0.4, 0.5, 0.6],
    }
)
other = pd.DataFrame({"city": ["Rome", "Bonn", "Lima"], "land": ["it", "de", "pe"]})

# %% sum of cents
sales.groupby("city").cents.sum()

# %% sum of everything
sales.groupby("city")[["units", "cents", "rate"]].sum()

# %% mean | within 2 ulp
sales.groupby("city").rate.mean()

# %% several aggregates
sales.groupby("city").agg(n=("units", "size"), total=("cents", "sum"), top=("rate", "max"))

# %% groups with None kept
sales.groupby("kind", dropna=False).units.sum()

# %% two keys
sales.groupby(["city", "kind"]).cents.sum()

# %% transform
sales.cents - sales.groupby("city").cents.transform("mean")

# %% cumulative sums
sales.groupby("city").cents.cumsum()

# %% rank in groups
sales.groupby("city").units.rank(method="dense")

# %% shift in groups
sales.groupby("city").units.shift()

# %% first, last, nth
sales.groupby("city").agg({"kind": "first", "units": "last", "cents": "nunique"})

# %% std and var | within 1e-14
sales.groupby("city").units.agg(["std", "var", "sem"])

# %% product in groups
sales.groupby("city").cents.prod()

# %% apply
sales.groupby("city")[["units", "cents"]].apply(lambda part: (part.units * part.cents).sum())

# %% filter
sales.groupby("city").filter(lambda part: len(part) > 1).index

# %% quantile
sales.groupby("city").cents.quantile([0.25, 0.75])

# %% value_counts in groups
sales.groupby("city").kind.value_counts()

# %% describe in groups
sales.groupby("city").units.describe()

# %% idxmax
sales.groupby("city").cents.idxmax()

# %% head and tail
sales.groupby("city").head(1).index

# %% group by bins
sales.groupby(pd.cut(sales.units, [0, 2, 6]), observed=True).cents.sum()

# %% group by categories
sales.assign(kind=sales.kind.astype("category")).groupby("kind", observed=False).units.sum()

# %% pivot_table with margins
sales.pivot_table(
    index="city", columns="kind", values="cents", aggfunc="sum", margins=True, fill_value=0
)

# %% pivot
sales.drop_duplicates(["city", "units"]).pivot(
    index="city", columns="units", values="cents"
).fillna(0)

# %% crosstab
pd.crosstab(sales.city, sales.kind)

# %% crosstab normalized | within 2 ulp
pd.crosstab(sales.city, sales.units > 2, normalize="index")

# %% melt
sales.melt(id_vars="city", value_vars=["units", "cents"]).value.sum()

# %% stack and unstack
sales.set_index(["city", "units"]).cents.unstack(fill_value=-1)

# %% merge inner
sales.merge(other, on="city")[["city", "land", "cents"]]

# %% merge outer with indicator
sales.merge(other, how="outer", indicator=True)[["city", "_merge"]]

# %% merge on large keys
pd.merge(pd.DataFrame({"k": [2**40, 5]}), pd.DataFrame({"k": [2**40, 2**40], "v": [1, 2]}))

# %% merge many to many
len(sales.merge(sales, on="kind"))

# %% join on index
sales.set_index("city").join(other.set_index("city"), how="left").land.tolist()

# %% merge validate
sales.merge(other, on="city", validate="1:1")

# %% concat
pd.concat([sales.units, sales.cents], keys=["u", "c"]).groupby(level=0).sum()

# %% concat of different columns
pd.concat([sales[["units"]], other[["land"]]], ignore_index=True).dtypes.astype(str).to_dict()

# %% combine_first and update
pd.Series([1, None]).combine_first(pd.Series([9, 8]))

# %% duplicated and drop_duplicates
sales.drop_duplicates("city", keep="last").index

# %% sort by two columns
sales.sort_values(["city", "cents"], ascending=[True, False]).index

# %% sort with None
sales.sort_values("kind", na_position="first").index

# %% sort_values of ties
pd.Series([1, 0, 1, 0, 1, 0] * 5).sort_values().index.tolist()

# %% sort_values of ties, stable
pd.Series([1, 0, 1, 0, 1, 0] * 5).sort_values(kind="stable").index.tolist()

# %% nlargest of ties
pd.Series([1, 3, 3, 2, 3]).nlargest(2, keep="all").index

# %% rank methods
[pd.Series([7, 7, 9, 1]).rank(method=m).tolist() for m in ("average", "min", "max", "first")]

# %% explode
pd.DataFrame({"a": [1, 2], "b": [[1, 2], []]}).explode("b")

# %% cut and qcut
[pd.cut(sales.cents, 3).astype(str).tolist(), pd.qcut(sales.cents, 2, labels=False).tolist()]

# %% where, mask, clip
[sales.units.where(sales.units > 2).tolist(), sales.cents.clip(upper=10**9).tolist()]

# %% replace and map
sales.city.replace({"Rome": "Roma"}).map(str.lower).tolist()

# %% fillna, ffill, interpolate
[sales.rate.ffill().tolist(), sales.rate.interpolate().tolist(), sales.kind.fillna("?").tolist()]

# %% corr and cov | within 1e-14
sales[["units", "cents"]].corr()

# %% corr spearman | within 1e-14
sales[["units", "cents"]].corr(method="spearman")

# %% skew and kurt | within 1e-13
[sales.units.skew(), sales.units.kurt()]

# %% mode and nunique
[sales.kind.mode().tolist(), sales.nunique().tolist()]

# %% pct_change and diff
[sales.units.pct_change().tolist(), sales.cents.diff().tolist()]

# %% MultiIndex slices
sales.set_index(["city", "units"]).sort_index().loc[("Rome", slice(1, 2)), "cents"]

# %% xs and swaplevel
sales.set_index(["city", "units"]).cents.swaplevel().xs(1)

# %% get_indexer
pd.Index([10, 20, 30]).get_indexer([20, 25, 30])

# %% index sets
[pd.Index([1, 2, 3]).union([2, 9]).tolist(), pd.Index([1, 2]).difference([2]).tolist()]

# %% iloc with arrays
sales.iloc[np.array([0, 5]), [2, 3]]

# %% at and iat
[sales.at[2, "cents"], sales.iat[3, 2]]

# %% assignment of a large number
small = pd.Series([1, 2, 3])
small[1] = 2**40
small

# %% text methods
words = pd.Series(["Ab-1", "cd-22", None])
[
    words.str.split("-").tolist(),
    words.str.extract(r"(\d+)")[0].tolist(),
    words.str.contains("b").tolist(),
]

# %% text length and slices
[pd.Series(["straße", "日本"]).str.len().tolist(), pd.Series(["abc"]).str[::-1].tolist()]

# %% text get_dummies and cat
[pd.Series(["a|b", "a"]).str.get_dummies().to_dict("list"), pd.Series(["x", "y"]).str.cat(sep="+")]

# %% sample with a seed
sales.sample(3, random_state=1).index

# %% sample with weights
sales.sample(2, weights="units", random_state=3).index

# %% apply by rows
sales.apply(lambda row: row.units * row.cents, axis=1)

# %% eval of columns
sales.eval("units * cents").max()

# %% agg of a frame
sales[["units", "cents"]].agg(["sum", "mean", "max"])

# %% dot of a frame
sales[["units"]].T.dot(sales[["cents"]])

# %% compare and equals
[sales.equals(sales.copy()), sales.units.compare(sales.units + (sales.units > 4)).index.tolist()]

# %% iteration gives Python numbers
[type(one).__name__ for one in sales.cents]

# %% itertuples
[row.cents for row in sales.itertuples()][:2]
