"""Integrals and differential equations."""

import numpy as np
from scipy import integrate

# within 1e-9

# %% quad
integrate.quad(lambda x: x, 0, 1)[0]

# %% solve_ivp
integrate.solve_ivp(lambda t, y: -y, (0, 1), np.array([1])).y[0, -1]

# %% odeint
integrate.odeint(lambda y, t: -y, 1, np.arange(3))[-1]

# %% simpson
integrate.simpson(np.arange(5))

# %% cumulative_trapezoid
integrate.cumulative_trapezoid(np.arange(5))

# %% solve_bvp
integrate.solve_bvp(
    lambda x, y: np.vstack((y[1], -y[0])),
    lambda a, b: np.array([a[0], b[0] - 1]),
    np.linspace(0, 1, 5),
    np.zeros((2, 5)),
).y[0, -1]
