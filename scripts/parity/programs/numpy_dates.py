"""Dates, records, text and masks of NumPy."""

import numpy as np

# %% date plus days
np.datetime64("2020-02-28") + np.arange(3)

# %% difference of dates
np.datetime64("2021-01-01") - np.datetime64("2020-01-01")

# %% date as int
np.datetime64("2020-01-01").astype(int)

# %% nanoseconds as int
np.datetime64("2020-01-01T00:00:00", "ns").astype("int64")

# %% nanoseconds as int, by int
np.array(["2020-01-01"], "datetime64[ns]").astype(int)

# %% timedelta as int
np.timedelta64(3, "D").astype("timedelta64[ns]").astype(int)

# %% timedelta division
(np.timedelta64(7, "D") / np.timedelta64(2, "h"), np.timedelta64(7, "D") // np.timedelta64(2, "D"))

# %% timedelta times a number
np.timedelta64(90, "m") * 2.5

# %% months and years
np.array(["2020-01", "2020-12"], "datetime64[M]") + np.timedelta64(1, "Y")

# %% truncation
np.datetime64("2020-05-17T13:45").astype("datetime64[M]")

# %% range of hours
np.arange("2020-01-01T22", "2020-01-02T02", dtype="datetime64[h]")

# %% NaT
(np.isnat(np.datetime64("NaT")), np.datetime64("NaT") == np.datetime64("NaT"))

# %% sorted dates
np.sort(np.array(["2021-01-01", "NaT", "2020-01-01"], "datetime64[D]"))

# %% mean of timedeltas
np.array([1, 2, 6], "timedelta64[D]").mean()

# %% business days
np.busday_offset("2020-01-03", [1, 2, 5], roll="forward")

# %% business days with holidays
np.busday_count("2020-01-01", "2020-02-01", holidays=["2020-01-20"])

# %% is_busday
np.is_busday(np.array(["2020-01-04", "2020-01-06"], "datetime64[D]"))

# %% datetime_as_string
np.datetime_as_string(np.datetime64("2020-01-01T12:34:56.789"), unit="s")

# %% to Python
np.datetime64("2020-01-01T12:34:56").item()

# %% year far away
np.datetime64("9999-12-31") + np.timedelta64(10_000, "D")

# %% overflow of nanoseconds
np.datetime64("2262-04-11", "ns").astype("int64")

# %% dates beyond 2038
np.datetime64("2040-01-01T00:00:00").astype("int64")

# %% record fields
people = np.array(
    [("Ann", 31, 1.7), ("Bo", 25, 1.8)], [("name", "U5"), ("age", int), ("size", float)]
)
(people["age"].sum(), people[people["size"] > 1.75]["name"])

# %% record of large ints
np.array([(2**40, 1.5)], [("n", int), ("x", float)])

# %% recarray
np.rec.array([(1, 2.5)], dtype=[("a", int), ("b", float)]).a

# %% itemsize of a record
np.dtype([("a", int), ("b", np.int8)]).itemsize

# %% nested records
np.zeros(1, [("p", [("x", "f4"), ("y", "f4")]), ("tag", "S3")])

# %% text functions
np.strings.upper(np.array(["straße", "abc"]))

# %% text add and multiply
np.strings.add(np.array(["a", "b"]), np.strings.multiply("xy", np.array([1, 2])))

# %% text split by partition
np.strings.partition(np.array(["a=b", "c"]), "=")

# %% text replace and strip
np.char.strip(np.char.replace(np.array([" ab ", "b "]), "b", "c"))

# %% text compare
np.array(["a", "b"]) < np.array(["b", "a"])

# %% text is cut to fit
names = np.array(["ab", "cd"])
names[0] = "longer"
names

# %% StringDType
np.array(["a", "longer text", ""], dtype="T")

# %% masked sum and mean
masked = np.ma.masked_where(np.arange(5) > 3, np.arange(5) * 1.5)
(masked.sum(), masked.mean(), masked.filled(-1))

# %% masked invalid
np.ma.masked_invalid([1, np.nan, np.inf]).compressed()

# %% masked int sum
np.ma.array(np.arange(70_000), mask=False).sum()

# %% where with three
np.where(np.array([1, 5, 3]) > 2, np.array([1, 5, 3]), -1)

# %% select
np.select([np.arange(5) < 2, np.arange(5) > 3], [np.arange(5), np.arange(5) * 10], default=-1)

# %% piecewise
np.piecewise(np.array([-1.0, 0, 2]), [np.array([True, False, False])], [0, lambda v: v * 3])

# %% apply_along_axis
np.apply_along_axis(lambda row: row.sum(), 1, np.arange(6).reshape(2, 3))

# %% nditer
[int(one) for one in np.nditer(np.arange(6).reshape(2, 3).T)]

# %% broadcast
np.broadcast_shapes((2, 1), (1, 3))

# %% insert, delete, append
(np.insert(np.arange(3), 1, 9), np.delete(np.arange(5), [1, 3]), np.append([1], [2, 3]))

# %% block
np.block([[np.eye(2), np.zeros((2, 1))], [np.ones((1, 3))]])

# %% tile and repeat
(np.tile([1, 2], 2), np.repeat([1, 2], [3, 1]))

# %% stack and split
[one.tolist() for one in np.split(np.vstack([np.arange(4), np.arange(4)]), 2, axis=1)]

# %% put and putmask
row = np.arange(5)
np.put(row, [0, 4], [9, 8])
np.putmask(row, row == 9, -9)
row

# %% fancy assignment
row = np.zeros(4, int)
row[[1, 1, 2]] += 1
row

# %% add.at with repeats
row = np.zeros(3)
np.add.at(row, [0, 0, 2], 1.5)
row

# %% nested lists of unequal length
np.array([[1, 2], [3]])

# %% as_strided sums
np.lib.stride_tricks.sliding_window_view(np.arange(6), 3).sum(axis=1)

# %% packbits and unpackbits
np.unpackbits(np.packbits([1, 0, 1]))[:3]

# %% frompyfunc
np.frompyfunc(lambda a, b: a * 10 + b, 2, 1)([1, 2], [3, 4])

# %% unwrap
np.unwrap([0, 3, 6.5, 0.2])

# %% meshgrid
np.meshgrid([1, 2], [3, 4])[0]

# %% tril_indices
[one.tolist() for one in np.tril_indices(3)]

# %% nanmean by axis
np.nanmean(np.array([[1, np.nan], [3, 4]]), axis=1)

# %% ptp and all
(np.ptp([3, 9, 4]), np.all([]), np.any([]))
