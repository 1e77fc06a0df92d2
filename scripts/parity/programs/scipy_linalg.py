"""Linear algebra of SciPy."""

import numpy as np
from scipy import linalg

# within 1e-12
a = np.arange(12).reshape(3, 4)

# %% lu
linalg.lu(a[:, :3])[2]

# %% det
linalg.det(np.array([[2, 1], [1, 3]]))

# %% inv
linalg.inv(np.array([[2, 1], [1, 3]]))

# %% expm
linalg.expm(np.array([[0, 1], [0, 0]]))

# %% toeplitz
linalg.toeplitz(np.arange(3))

# %% circulant
linalg.circulant(np.arange(3))

# %% sqrtm
linalg.sqrtm(np.array([[4, 0], [0, 9]]))

# %% qr
linalg.qr(a)[1]

# %% cholesky
linalg.cholesky(np.array([[4, 2], [2, 3]]))

# %% schur
linalg.schur(np.array([[2, 1], [1, 3]]))[0]

# %% lstsq
linalg.lstsq(a, np.arange(3))[0]

# %% pascal
linalg.pascal(4)

# %% hilbert
linalg.hilbert(3)

# %% block_diag
linalg.block_diag(a, a)

# %% interpolative estimate_rank
linalg.interpolative.estimate_rank(np.eye(5), 0.001)

# %% solve_toeplitz
linalg.solve_toeplitz(np.array([2, 1, 0]), np.arange(3))

# %% solve_banded
linalg.solve_banded((1, 1), np.array([[0, 1, 1], [4, 4, 4], [1, 1, 0]]), np.arange(3))

# %% solve_continuous_lyapunov
linalg.solve_continuous_lyapunov(np.array([[-2, 0], [0, -3]]), np.eye(2, dtype=int))

# %% qz
linalg.qz(np.eye(2, dtype=int), np.array([[1, 2], [3, 4]]))[0]
