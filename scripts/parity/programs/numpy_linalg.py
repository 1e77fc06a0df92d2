"""Linear algebra and transforms of NumPy: values, and signs of vectors."""

# within 1e-13
import numpy as np

a = np.array([[4.0, 1, 2], [1, 3, 0], [2, 0, 5]])
b = np.array([[2.0, 1, 1], [1, 3, 2], [1, 0, 0]])
v = np.array([1.0, 2, 3])
t = np.array([[1.0, 2], [3, 4], [5, 6]])
rng = np.random.default_rng(7)
big = rng.normal(size=(12, 12))

# %% det
np.linalg.det(b)

# %% slogdet
np.linalg.slogdet(big)

# %% inv
np.linalg.inv(b)

# %% solve
np.linalg.solve(a, v)

# %% solve of integers
np.linalg.solve(np.array([[2, 1], [1, 3]]), np.array([3, 5]))

# %% solve of a large system
np.linalg.solve(big, np.arange(12.0))

# %% lstsq
np.linalg.lstsq(t, v)[0]

# %% pinv
np.linalg.pinv(t)

# %% eigvals
np.sort(np.linalg.eigvals(b))

# %% eigvalsh
np.linalg.eigvalsh(a)

# %% eigh values and vectors
np.linalg.eigh(a)

# %% eigh of twelve by twelve
np.linalg.eigh(big + big.T)[1]

# %% eig values and vectors
np.linalg.eig(b)

# %% eig of a rotation
np.linalg.eig(np.array([[0.0, -1], [1, 0]]))

# %% eig of twelve by twelve
np.linalg.eig(big)

# %% eigenvectors up to sign
np.abs(np.linalg.eigh(big + big.T)[1])

# %% svd
np.linalg.svd(t)

# %% svd values
np.linalg.svd(big, compute_uv=False)

# %% svd of twelve by twelve
np.linalg.svd(big)

# %% svd put together
u, s, vt = np.linalg.svd(t, full_matrices=False)
u * s @ vt

# %% qr
np.linalg.qr(t)

# %% qr of twelve by twelve
np.linalg.qr(big)

# %% cholesky
np.linalg.cholesky(a)

# %% norm
[np.linalg.norm(b), np.linalg.norm(b, 2), np.linalg.norm(b, "nuc"), np.linalg.norm(v, 1)]

# %% cond
np.linalg.cond(a)

# %% matrix_rank
np.linalg.matrix_rank(np.array([[1.0, 2], [2, 4]]))

# %% matrix_power
np.linalg.matrix_power(b, 5)

# %% multi_dot
np.linalg.multi_dot([a, b, a])

# %% tensorsolve
np.linalg.tensorsolve(np.eye(4).reshape(2, 2, 2, 2), np.arange(4.0).reshape(2, 2))

# %% singular matrix
np.linalg.inv(np.array([[1.0, 2], [2, 4]]))

# %% not positive definite
np.linalg.cholesky(-a)

# %% not square
np.linalg.det(t)

# %% eig of float32 | within 1e-5
np.linalg.eigvalsh(a.astype(np.float32))

# %% solve of float32 | within 1e-5
np.linalg.solve(a.astype(np.float32), v.astype(np.float32))

# %% complex solve
np.linalg.solve(a + 1j * b, v + 0j)

# %% complex eigh
np.linalg.eigvalsh(a + 1j * (b - b.T))

# %% complex svd values
np.linalg.svd(a + 1j * b, compute_uv=False)

# %% stacked matrices
np.linalg.inv(np.stack([a, b]))

# %% fft of a ramp | within 1e-14
np.fft.fft(np.arange(8.0))

# %% fft of a prime length | within 1e-14
np.fft.fft(np.arange(13.0))

# %% ifft | within 1e-14
np.fft.ifft(np.fft.fft(v))

# %% rfft | within 1e-14
np.fft.rfft(np.sin(np.arange(16)))

# %% irfft | within 1e-14
np.fft.irfft(np.fft.rfft(np.arange(6.0)))

# %% fft2 | within 1e-14
np.fft.fft2(a)

# %% fftn of float32 | within 1e-5
np.fft.fftn(a.astype(np.float32))

# %% fftfreq and fftshift
(np.fft.fftfreq(5, 0.1), np.fft.fftshift(np.arange(5)).tolist())

# %% polyfit
np.polyfit(np.arange(6.0), np.array([1.0, 3, 2, 5, 7, 8]), 2)

# %% roots
np.sort_complex(np.roots([1, -6, 11, -6]))

# %% poly and polyval
(np.poly([1, 2, 3]), np.polyval([1, -2, 0.5], [0.1, 3]))

# %% Chebyshev fit
np.polynomial.chebyshev.chebfit(np.linspace(-1, 1, 9), np.exp(np.linspace(-1, 1, 9)), 3)

# %% Legendre quadrature
np.polynomial.legendre.leggauss(5)

# %% Hermite roots
np.polynomial.hermite.hermroots([1, 2, 3, 4])

# %% Polynomial roots
np.polynomial.Polynomial([6, -5, 1]).roots()

# %% vander and companion
(np.vander([1, 2, 3], 3), np.polynomial.polynomial.polycompanion([1, 2, 3]))

# %% windows
[np.hamming(5), np.hanning(5), np.blackman(5), np.kaiser(5, 14), np.bartlett(5)]
