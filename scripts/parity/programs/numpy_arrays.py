"""Arrays that functions of NumPy take apart and put together, indices among them."""

import numpy as np

a = np.arange(12).reshape(3, 4)

# %% busday_count
np.busday_count("2020-01-01", "2020-02-01")

# %% repeat
np.repeat(np.arange(3), np.arange(3))

# %% bincount
np.bincount(np.array([1, 2, 2]))

# %% bincount with weights
np.bincount(np.array([0, 1]), weights=np.array([2, 3]))

# %% take
np.take(a, np.array([0, 1]), axis=1)

# %% put
(lambda z: (np.put(z, np.array([0]), 9), z)[1])(np.arange(3))

# %% choose
np.choose(np.array([0, 1]), [np.array([1, 2]), np.array([3, 4])])

# %% add.at
(lambda z: (np.add.at(z, np.array([0, 0]), 1), z)[1])(np.zeros(2, int))

# %% add.reduceat
np.add.reduceat(np.arange(6), np.array([0, 3]))

# %% unravel_index
np.unravel_index(np.array([5]), (2, 3))

# %% ravel_multi_index
np.ravel_multi_index((np.array([1]), np.array([2])), (2, 3))

# %% ix_
a[np.ix_(np.array([0, 1]), np.array([1, 2]))]

# %% digitize
np.digitize([1.5], np.arange(3))

# %% histogram
np.histogram(np.arange(5), np.arange(4))[0]

# %% histogram2d
np.histogram2d(np.arange(4), np.arange(4))[0]

# %% einsum
np.einsum("ij->i", a)

# %% pad
np.pad(np.arange(3), 1)

# %% roll
np.roll(np.arange(3), 1)

# %% triu_indices
np.triu_indices(2)[0]

# %% default_rng choice
np.random.default_rng(0).choice(np.arange(5), 2)

# %% default_rng permutation
np.random.default_rng(0).permutation(4)

# %% default_rng multinomial
np.random.default_rng(0).multinomial(5, [0.5, 0.5])

# %% default_rng hypergeometric
np.random.default_rng(0).hypergeometric(5, 5, 3, 2)

# %% lexsort
np.lexsort((np.array([1, 0]), np.array([0, 0])))

# %% argpartition
np.argpartition(np.array([3, 1, 2]), 1)

# %% intersect1d
np.intersect1d(np.arange(3), np.arange(1, 4), return_indices=True)[1]

# %% sliding_window_view
np.lib.stride_tricks.sliding_window_view(np.arange(5), 2)

# %% polyfit | within 1e-14
np.polyfit(np.arange(4), np.arange(4) ** 2, 2)

# %% unpackbits
np.unpackbits(np.array([3], "uint8"))

# %% gcd
np.gcd(np.arange(1, 4), 2)

# %% left_shift
np.left_shift(1, np.arange(3))

# %% datetime64
(np.datetime64("2020-01-01") + np.arange(2)).astype(int)

# %% fromiter
np.fromiter(range(3), int)

# %% frombuffer tobytes
np.frombuffer(np.arange(2).tobytes(), int)

# %% mgrid
np.mgrid[0:2, 0:2]

# %% matrix_rank
np.linalg.matrix_rank(a)

# %% cov
np.cov(a)

# %% tensordot
np.tensordot(a, a.T, 1)

# %% array_split
np.array_split(np.arange(7), np.array([2, 4]))[1]

# %% vectorize
np.vectorize(lambda v: v + 1)(np.arange(3))

# %% masked sum
np.ma.array(np.arange(3), mask=[0, 1, 0]).sum()

# %% fromarrays f0
np.rec.fromarrays([np.arange(2), np.arange(2)]).f0
