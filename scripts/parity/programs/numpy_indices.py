"""Arithmetic with indices and counts, which are as wide as an address: the numbers have 64 bits."""

import io
import operator
import pickle

import numpy as np
import pandas as pd
from scipy import ndimage, sparse

order = np.argsort(np.arange(60_000)[::-1])
last = np.argmax(np.arange(60_000))
narrow = np.full(2, 60_000, np.int32)

# %% each operator of an array
steps = ("add", "sub", "mul", "floordiv", "mod", "pow", "lshift", "and_", "or_", "xor")
[getattr(operator, name)(order[:2], 20) for name in steps]

# %% each operator of a number
steps = ("add", "sub", "mul", "floordiv", "mod", "pow", "lshift", "and_", "or_", "xor")
[getattr(operator, name)(last, 3 if name == "pow" else 20) for name in steps]

# %% each operator of a number, from the right
steps = ("add", "sub", "mul", "floordiv", "mod", "lshift", "and_", "or_", "xor")
[getattr(operator, name)(50_000, 0 * last + 20) for name in steps]

# %% negative, absolute and inverted
[-order[:1], abs(-order[:1]), ~order[:1], -last, abs(last), ~last, np.negative(last)]

# %% divmod
[divmod(order[:2], 7), divmod(last, 7)]

# %% true division
[order[:2] / 7, last / 7]

# %% number times number
[last * last, last**2, last * last - last, sum([last] * 50_000)]

# %% with Python integers beyond 31 bits
[order[:2] + 2**40, 2**40 - order[:2], last + 2**40, 2**40 * last, last | 2**40]

# %% with a Python integer beyond 63 bits
last + 2**70

# %% compared with Python integers
[order[:2] < 2**40, order[:2] == 2**70, last < 2**40, last > 2**70, last == 59_999]

# %% with int32
[order[:2] * narrow, narrow * order[:2], order[:2] ** narrow[:1], narrow << (order[:2] - 59_950)]

# %% a number with int32
[last * np.int32(60_000), np.int32(60_000) * last, np.int32(2**31 - 1) + last, narrow * last]

# %% with other integers
kinds = (np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.int64, np.uint64, bool)
[order[:2] * np.array([100, 3]).astype(kind) for kind in kinds]

# %% a number with other integers
kinds = (np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.int64, np.uint64, np.bool)
[last * kind(100) for kind in kinds] + [kind(100) * last for kind in kinds]

# %% with floats
kinds = (np.float16, np.float32, np.float64, np.complex64)
[order[:2] * np.array([2.5], kind) for kind in kinds] + [order[:2] * 2.5, last * 2.5]

# %% with spans of time
[order[:2] * np.timedelta64(10**6, "s"), np.datetime64("2020-01-01") + last]

# %% int32 wraps, as it is asked for
[narrow * narrow, narrow * 60_000, narrow.astype("i4") ** 2, np.int32(2**31 - 1) + np.int32(1)]

# %% names of int32
[np.dtype(name).num for name in ("int32", "i4", "<i4", "=i4", "i", "intc", np.int32, np.intc)]

# %% int32 is one type
[np.int32 is np.intc, np.int32(5), np.int32.__name__, np.dtype("int32").char, narrow.dtype]

# %% dot, inner, vdot, matmul and tensordot
[f(order, order) for f in (np.dot, np.inner, np.vdot, np.matmul)] + [np.tensordot(order, order, 1)]

# %% method dot, and the operator
[order.dot(order), order @ order]

# %% einsum
[np.einsum("i,i", order, order), np.einsum("i,j->ij", order[:2], order[:2])]

# %% outer and kron
[np.outer(order[:2], order[:2]), np.kron(order[:2], order[:2]), np.multiply.outer(last, last)]

# %% convolve and correlate
[np.convolve(order[:3], order[:3]), np.correlate(order[:3], order[:3])]

# %% cumsum, cumprod, sum and prod
[order.cumsum()[-1], order[:3].cumprod(), (order * order).sum(), order[:3].prod()]

# %% largest and smallest
[(order.max() + 1) * order.max(), order.min() - 2**40, np.ptp(order) * 60_000]

# %% differences
np.diff(order[:3] * order[:3])

# %% matrix power
np.linalg.matrix_power(order[:4].reshape(2, 2), 3)

# %% polynomial
np.polyval([60_000, 1], order[:2])

# %% a list of numbers
np.array([last, last]) * 60_000

# %% concatenated with int32
np.concatenate([order[:1], narrow]) * 60_000

# %% count along an axis
np.count_nonzero(np.ones((300, 2)), axis=0) ** 4

# %% clip
np.clip(order[:2] * 60_000, 0, 2**40)

# %% flat index of a grid
row, column = np.unravel_index(np.array([2_999_999]), (1000, 3000))
row * 10**7 + column

# %% weighted positions
(np.flatnonzero(np.arange(70_000) > 69_997) * np.arange(70_000)[-2:]).sum()

# %% run lengths
edges = np.flatnonzero(np.diff(np.repeat([1, 2, 3], 50_000)))
edges * edges

# %% in place, where it fits
order_again = order[:3].copy()
order_again += 1
order_again *= 30_000
(order_again * 2).tolist()

# %% in place, where it does not fit
order_again = order[:3].copy()
order_again *= 60_000
order_again.tolist()

# %% stored among indices
order_again = order[:3].copy()
order_again[:] = np.array([2**40, 1, 2])
order_again.tolist()

# %% an index beyond 32 bits
try:
    found = np.arange(10)[np.array([2**32 + 1])]
except IndexError:
    found = "IndexError"
found

# %% pandas groupby indices
groups = pd.DataFrame({"k": np.arange(60_000) % 2}).groupby("k").indices
groups[1][-2:] * 60_000

# %% pandas Series of positions
positions = pd.Series(order[:3])
(positions * 60_000 + positions**2).tolist()

# %% pandas columns
frame = pd.DataFrame({"k": np.arange(60_000) % 2, "v": order})
by = frame.groupby("k").v
[
    frame.v.dtype.name,
    by.sum(),
    by.max() * 60_000,
    by.first() * 60_000,
    frame.v.unique()[:2] * 60_000,
]

# %% pandas columns as int32
(pd.Series(order[:2]).astype("int32") * 60_000).tolist()

# %% pandas of numbers
[(pd.Series([last, last]) * 60_000).tolist(), (pd.DataFrame([[last]]) * 60_000).values]

# %% pandas of a grid
(pd.DataFrame(order[:4].reshape(2, 2)) * 60_000).values

# %% pandas Index
[pd.Index(order[:2]).dtype.name, (pd.Index(order[:2]) * 60_000).tolist()]

# %% pandas merge on indices
frame = pd.DataFrame({"v": order[:3]})
(pd.merge(frame, frame, on="v").v * 60_000).tolist()

# %% sparse products
grid = sparse.csr_matrix(order[:4].reshape(2, 2))
[(grid @ grid).toarray(), grid.multiply(grid).toarray(), grid @ order[:2], grid.dtype.name]

# %% sparse sum of what meets
at = np.zeros(60_000, int)
sparse.coo_array((np.full(60_000, last), (at, at))).toarray()

# %% image filters
[ndimage.convolve(order[:4], [60_000, 1]), ndimage.maximum_filter(order[:4], 2) * 60_000]

# %% pandas factorize
pd.factorize(np.arange(60_000))[0][-2:] * 60_000

# %% pandas get_indexer
pd.Index(np.arange(60_000)).get_indexer([59_999]) ** 2

# %% pandas Int32 and int32 wrap
[(pd.Series([60_000], dtype=kind) * 60_000).tolist() for kind in ("int32", "Int32")]

# %% vectorize
np.vectorize(lambda at: at * 60_000)(order[:2])

# %% masked
(np.ma.array(order[:2], mask=[0, 1]) * 60_000).tolist()

# %% pickled and read
pickle.loads(pickle.dumps(order[:2])) * 60_000

# %% saved and read
file = io.BytesIO()
np.save(file, order[:2])
file.seek(0)
np.load(file) * 60_000

# %% int32 taken for np.intp
np.array(narrow, dtype=np.intp) * 60_000

# %% int32 cast to np.intp
narrow.astype(np.intp) * 60_000

# %% sum as np.intp
np.sum(np.concatenate([order, order]), dtype=np.intp)

# %% one of two, beyond 31 bits
np.where([True, False], order[:2], 2**40)

# %% ufunc.at, beyond 31 bits
order_again = order[:3].copy()
np.add.at(order_again, [0, 0], 2**30)
order_again.tolist()

# %% written through out
order_again = order[:3].copy()
np.multiply(order_again, 60_000, out=order_again).tolist()
