"""Optimisation: minima, roots, programs, fits."""

import numpy as np
from scipy import optimize

# within 1e-7
d = np.array([[0, 1, 4], [1, 0, 2], [4, 2, 0]])

# %% linear_sum_assignment
optimize.linear_sum_assignment(d)[1]

# %% linprog
optimize.linprog([-1, -2], A_ub=[[1, 1]], b_ub=[4]).x

# %% milp
optimize.milp([-1, -2], constraints=optimize.LinearConstraint([[1, 1]], ub=4), integrality=[1, 1]).x

# %% least_squares
optimize.least_squares(lambda x: x - 1, np.array([0])).x

# %% minimize
optimize.minimize(lambda x: ((x - 1) ** 2).sum(), np.array([0, 0])).x

# %% minimize by SLSQP
optimize.minimize(
    lambda x: (x**2).sum(),
    [1, 2],
    method="SLSQP",
    constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
).x

# %% differential_evolution
optimize.differential_evolution(lambda x: (x**2).sum(), [(-1, 1)] * 2, rng=0, maxiter=5).x

# %% minimize by COBYLA
optimize.minimize(lambda x: (x**2).sum(), [1, 2], method="COBYLA").x

# %% nnls
optimize.nnls(np.array([[1, 0], [0, 1]]), np.array([1, 2]))[0]

# %% brentq
optimize.brentq(lambda x: x - 1, 0, 3)

# %% curve_fit
optimize.curve_fit(lambda x, a: a * x, np.arange(5), np.arange(5) * 2)[0]

# %% isotonic_regression
optimize.isotonic_regression([1, 3, 2]).x

# %% quadratic_assignment
optimize.quadratic_assignment(d, d, options={"rng": 0}).col_ind

# %% direct
optimize.direct(lambda x: (x**2).sum(), [(-1, 2)], maxiter=20).x

# %% root
optimize.root(lambda x: x**2 - 4, np.array([1])).x
