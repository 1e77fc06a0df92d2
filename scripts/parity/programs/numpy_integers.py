"""NumPy's integers: how wide they are, and what they count up to."""

import numpy as np

# %% sum of a range
np.arange(100_000).sum()

# %% milliseconds of a timestamp
np.array([1_700_000_000]) * 1000

# %% dot of two rows
row = np.arange(50_000)
np.dot(row, row)

# %% matmul of integers
grid = np.arange(1_000_000, 1_000_016).reshape(4, 4)
grid @ grid

# %% product
np.array([100_000, 100_000, 3]).prod()

# %% cumsum
np.arange(66_000, 66_005).repeat(3).cumsum() * 10_000

# %% cumprod
np.array([2000, 2000, 2000, 2000]).cumprod()

# %% square of an array
np.array([50_000, 70_000]) ** 2

# %% power of a scalar
np.int64(3) ** np.int64(30)

# %% overflow wraps at 63 bits
np.array([2**63 - 1]) + 1

# %% a list with 2**31
np.array([2**31, -(2**31) - 1])

# %% a list with 2**63
np.array([2**63])

# %% a list with 2**64
np.array([2**64])

# %% astype int of large floats
np.array([1.7e12, -3e9]).astype(int)

# %% sum of bools
np.ones(10, bool).sum()

# %% mean of integers
np.array([2**31 - 1, 2**31 - 1]).mean()

# %% bincount
np.bincount(np.array([0, 1, 1, 5])).sum() + 2**31

# %% bincount times a large number
np.bincount(np.array([0, 1, 1])) * np.array([3_000_000_000])

# %% count_nonzero
np.count_nonzero(np.array([1, 0, 2]))

# %% shift left by 40
np.left_shift(1, np.array([31, 40, 62]))

# %% shift of an array by a number
np.array([1, 2]) << 33

# %% shift right of a negative
np.array([-(2**40)]) >> 35

# %% bitwise or of wide numbers
np.array([2**40]) | np.array([1])

# %% invert
~np.array([0, 2**33])

# %% linspace of integers
np.linspace(0, 3_000_000_000, 4, dtype=int)

# %% arange beyond 31 bits
np.arange(2**31, 2**31 + 3)

# %% arange with a step
np.arange(0, 5_000_000_000, 1_250_000_000)

# %% zeros of int take large numbers
box = np.zeros(2, dtype=int)
box[0] = 2**40
box

# %% full of a large number
np.full(2, 5_000_000_000)

# %% abs of the least
np.abs(np.array([-(2**31)]))

# %% floor division
np.array([10**12]) // np.array([7])

# %% remainder of a negative
np.array([-(10**12)]) % np.array([7])

# %% divmod
np.divmod(np.array([10**12, -7]), 1000)

# %% factorial by prod
np.arange(1, 21).prod()

# %% einsum of integers
np.einsum("i,i->", np.arange(3000), np.arange(3000))

# %% outer
np.outer(np.array([60_000, 70_000]), np.array([60_000, 1]))

# %% kron
np.kron(np.array([65_536, 1]), np.array([65_536, 2]))

# %% trace
np.diag(np.array([2_000_000_000, 2_000_000_000])).trace()

# %% matrix_power
np.linalg.matrix_power(np.array([[1, 1], [1, 0]]), 60)

# %% convolve
np.convolve(np.array([100_000, 2]), np.array([100_000, 3]))

# %% diff of timestamps
np.diff(np.array([1_600_000_000_000, 1_700_000_000_000]))

# %% clip at a large number
np.clip(np.array([1, 5_000_000_000]), 0, 4_000_000_000)

# %% maximum of an int32 array and a number
np.maximum(np.array([1], np.int32), 5)

# %% int32 array plus a number that does not fit
np.array([1], np.int32) + 2**31

# %% int32 sum widens
np.array([2**31 - 1, 1], np.int32).sum()

# %% int16 sum widens
np.full(70_000, 1000, np.int16).sum()

# %% uint8 sum widens
np.full(3, 255, np.uint8).sum()

# %% uint32 sum widens
np.array([2**32 - 1, 2], np.uint32).sum()

# %% int8 product widens
np.array([100, 100, 100, 100, 100, 100], np.int8).prod()

# %% add.reduce of int32
np.add.reduce(np.array([2**31 - 1, 2**31 - 1], np.int32))

# %% add.accumulate of int32
np.add.accumulate(np.array([2**31 - 1, 2**31 - 1], np.int32))

# %% uint and int make a float
(np.array([1], np.uint64) + np.array([1])).dtype.name

# %% np.uint
np.uint(2**40)

# %% np.int_
np.int_(2**40)

# %% np.intp
np.intp(5)

# %% np.int_ is int64
np.int_ is np.int64

# %% iinfo of int
(np.iinfo(int).max, np.iinfo(np.int_).min, np.iinfo("int").bits)

# %% ids of rows of a million
ids = np.arange(1_000_000) * 4099
(ids[-1], ids.max(), ids.dtype.name)

# %% hash of a polynomial
values = np.array([ord(c) for c in "parity"])
(values * 31 ** np.arange(6)).sum()

# %% sum of squares of differences
a = np.arange(0, 300_000, 100)
((a - a.mean().astype(int)) ** 2).sum()

# %% ravel_multi_index of a large grid
np.ravel_multi_index((np.array([1000]), np.array([5])), (2000, 3000))

# %% nonzero
np.nonzero(np.array([0, 3, 0, 4]))[0]

# %% argmax plus a large number
np.argmax(np.array([1, 9, 3])) + 2**40

# %% argmax times an array
np.argmax(np.array([1, 9, 3])) * np.array([2**33])

# %% searchsorted arithmetic
np.searchsorted(np.arange(100_000), np.array([70_000, 80_000])) * 70_000

# %% where gives positions
np.where(np.arange(100_000) > 99_997)[0] * 50_000

# %% argsort arithmetic
np.argsort(np.arange(60_000)[::-1])[:2] * 60_000

# %% indices arithmetic
(np.indices((2, 70_000))[1] ** 2).max()

# %% mgrid arithmetic
(np.mgrid[0:70_000:35_000] ** 2).max()

# %% flatnonzero arithmetic
np.flatnonzero(np.arange(70_000) == 69_999) ** 2

# %% unique counts arithmetic
np.unique(np.zeros(70_000), return_counts=True)[1] ** 2

# %% unique inverse arithmetic
np.unique(np.arange(70_000), return_inverse=True)[1][-1:] ** 2

# %% size is a Python int
(np.zeros((3, 4)).size * 2**40, type(np.zeros(3).size).__name__)

# %% shape product
np.prod((70_000, 70_000))

# %% histogram counts arithmetic
np.histogram(np.zeros(70_000), bins=2)[0] ** 2

# %% digitize arithmetic
np.digitize(np.array([69_999.5]), np.arange(70_000)) ** 2

# %% fromiter of int
np.fromiter((10**k for k in range(8, 12)), int)

# %% frombuffer of int64
np.frombuffer(np.array([1, 2], np.int64).tobytes(), np.int64)

# %% tobytes of a list
np.array([1, 2]).tobytes()

# %% nbytes of a list
np.array([1, 2, 3]).nbytes

# %% view as int32
np.array([1, 2]).view(np.int32)

# %% int of a float beyond 64 bits
int(np.float64(1e20))

# %% round of a large float
np.round(np.array([1.5e12 + 0.5])).astype(int)

# %% floor as int
np.floor(np.array([-2.5, 3e9 + 0.7])).astype(np.int_)

# %% bit_count
np.bitwise_count(np.array([2**40 - 1, 255]))

# %% gcd and lcm
(np.gcd(np.array([10**12]), 10**9 * 7), np.lcm(np.array([10**6]), 10**6 + 1))

# %% sum with dtype int
np.array([1.9e9, 1.9e9]).sum(dtype=int)

# %% trapezoid of integers
np.trapezoid(np.array([2**31 - 1, 2**31 - 1, 2**31 - 1]))

# %% average of integers with weights
np.average(np.array([2**31 - 1, 2**31 - 3]), weights=np.array([2**31 - 1, 2**31 - 1]))

# %% polyval of integers
np.polyval(np.array([3, 0, 1]), 100_000)

# %% packbits
np.packbits(np.array([1, 0, 1, 0, 1, 0, 1, 1, 1]))

# %% shift by more than a size holds
np.array([5, 6]) << 2**33
