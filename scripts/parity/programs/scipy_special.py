"""Special functions."""

import numpy as np
from scipy import special

# within 16 ulp

# %% comb
special.comb(60, 30, exact=True) % 1000003

# %% comb of floats
special.comb(10, np.arange(3))

# %% factorial
special.factorial(np.arange(5), exact=True)

# %% factorial as a float
special.factorial(20)

# %% stirling2
special.stirling2(5, np.arange(4))

# %% jn
special.jn(np.arange(3), 1)

# %% jn_zeros
special.jn_zeros(1, 2)

# %% sph_harm_y
abs(special.sph_harm_y(np.arange(1, 3), 0, 0.1, 0.2))

# %% euler
special.euler(4)

# %% logsumexp
special.logsumexp(np.arange(4))

# %% zeta
special.zeta(np.arange(2, 5))

# %% binom
special.binom(np.arange(5), 2)

# %% xlogy
special.xlogy(np.arange(3), 2)

# %% perm
special.perm(20, 10, exact=True) % 1000003

# %% eval_legendre
special.eval_legendre(np.arange(3), 0.5)

# %% polygamma
special.polygamma(np.arange(1, 3), 2)

# %% softmax
special.softmax(np.arange(3))
