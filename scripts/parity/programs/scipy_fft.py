"""Fourier and cosine transforms."""

import numpy as np
from scipy import fft

# within 1e-14
a = np.arange(12).reshape(3, 4)

# %% fft
abs(fft.fft(np.arange(5)))

# %% dct
fft.dct(np.arange(5))

# %% rfft2
abs(fft.rfft2(a))

# %% next_fast_len
fft.next_fast_len(13)
