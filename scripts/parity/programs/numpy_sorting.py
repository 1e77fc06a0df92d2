"""Order: sorts, ties, searches, sets, quantiles."""

import numpy as np

ties = np.array([3, 1, 2, 3, 1, 2, 3, 1, 2, 0, 3, 1, 2, 3, 0, 1, 2, 3, 1, 0, 2, 2, 1, 3])
floats = np.array([0.5, -1.0, np.nan, 2.0, -0.0, 0.0, np.inf, -np.inf, 0.5])

# %% sort
np.sort(ties)

# %% sort floats with nan
np.sort(floats)

# %% argsort without ties
np.argsort(np.array([0.3, 0.1, 0.2])).tolist()

# %% argsort of ties, quicksort
np.argsort(ties).tolist()

# %% argsort of float ties, quicksort
np.argsort(ties.astype(float)).tolist()

# %% argsort of float32 ties, quicksort
np.argsort(ties.astype(np.float32)).tolist()

# %% argsort of int16 ties, quicksort
np.argsort(ties.astype(np.int16)).tolist()

# %% argsort of ties, stable
np.argsort(ties, kind="stable").tolist()

# %% argsort of ties, heapsort
np.argsort(ties, kind="heapsort").tolist()

# %% argsort of ties, mergesort
np.argsort(ties.astype(float), kind="mergesort").tolist()

# %% argsort of many ties
np.argsort(np.arange(200) % 3)[:30].tolist()

# %% argsort of bools
np.argsort(ties > 1).tolist()

# %% argsort of strings
np.argsort(np.array(["b", "a", "c", "a"])).tolist()

# %% argsort of nan
np.argsort(floats, kind="stable").tolist()

# %% sort of strings
np.sort(np.array(["b", "A", "a", "ä", "Z"]))

# %% sort of complex
np.sort(np.array([1 + 2j, 1 - 1j, 0 + 5j, np.nan]))

# %% sort by fields
np.sort(np.array([(2, "b"), (1, "z"), (2, "a")], dtype=[("n", "i4"), ("s", "U1")]))

# %% partition
np.sort(np.partition(ties, 5)[:5])

# %% argpartition
sorted(ties[np.argpartition(ties, 5)[:5]].tolist())

# %% lexsort
np.lexsort((ties, ties % 2)).tolist()

# %% argmax of ties
(ties.argmax(), ties.argmin())

# %% argmax with nan
(floats.argmax(), np.nanargmax(floats))

# %% searchsorted both sides
[np.searchsorted([1, 2, 2, 3], [2, 5], side).tolist() for side in ("left", "right")]

# %% unique
np.unique(ties)

# %% unique with everything
[
    one.tolist()
    for one in np.unique(ties, return_index=True, return_inverse=True, return_counts=True)
]

# %% unique of nan
np.unique(floats)

# %% unique rows
np.unique(np.array([[1, 2], [1, 2], [0, 3]]), axis=0)

# %% unique of strings
np.unique(np.array(["b", "a", "b"]), return_inverse=True)[1].tolist()

# %% unique_values
sorted(np.unique_values(ties).tolist())

# %% isin
np.isin(ties, [0, 3])

# %% setdiff1d
np.setdiff1d(ties, [0, 3])

# %% setxor1d
np.setxor1d([1, 2, 3], [2, 3, 4])

# %% union1d
np.union1d([3, 1], [2, 1])

# %% histogram
np.histogram(ties, bins=4)[0].tolist()

# %% histogram edges
np.histogram_bin_edges(np.array([1.0, 2.0, 7.5]), bins="auto")

# %% histogram with weights
np.histogram([0.1, 0.5, 0.9], bins=3, range=(0, 1), weights=[1, 2, 3])[0]

# %% histogram density
np.histogram(ties, bins=3, density=True)[0]

# %% histogram2d
np.histogram2d([0, 1, 2], [0, 1, 1], bins=2)[0]

# %% histogramdd
np.histogramdd(np.array([[0, 1], [1, 1], [2, 0.0]]), bins=(2, 2))[0]

# %% percentile
np.percentile(ties, [5, 25, 50, 75, 95])

# %% percentile methods
[
    np.percentile([1, 2, 4, 8], 30, method=m)
    for m in ("linear", "lower", "hazen", "weibull", "midpoint")
]

# %% nanpercentile
np.nanpercentile(np.array([1, np.nan, 3, 10.0]), [10, 90])

# %% quantile of float32
np.quantile(np.array([0.1, 0.2, 0.4], np.float32), 0.3)

# %% median of even
np.median(np.array([1, 2, 3, 10]))

# %% nanmedian
np.nanmedian(np.array([[1, np.nan], [3, 4]]), axis=0)

# %% digitize right
np.digitize([0.5, 1.0, 2.5], [0, 1, 2], right=True).tolist()

# %% maximum of nan
(np.maximum(floats, 0), np.fmax(floats, 0))

# %% sum of nan
(np.nansum(np.array([1, np.nan])), np.array([1, np.nan]).sum())

# %% nan equal
(np.array([np.nan]) == np.array([np.nan])).tolist()

# %% signbit of zero
np.signbit(np.array([0.0, -0.0, -np.nan]))

# %% minimum of signed zeros
np.minimum(np.array([0.0, -0.0]), np.array([-0.0, 0.0]))

# %% topk by argpartition
np.sort(ties[np.argpartition(-ties, 4)[:4]])

# %% rank by double argsort
np.argsort(np.argsort(np.array([0.3, 0.1, 0.2]))).tolist()

# %% sort along an axis
np.sort(ties.reshape(4, 6), axis=0)

# %% take_along_axis
grid = ties.reshape(4, 6)
np.take_along_axis(grid, np.argmin(grid, axis=1)[:, None], axis=1)

# %% roll and rot90
np.rot90(np.roll(np.arange(6), 2).reshape(2, 3))
