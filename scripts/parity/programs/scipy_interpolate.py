"""Interpolation in one dimension and more."""

import numpy as np
from scipy import interpolate

# within 1e-12
a = np.arange(12).reshape(3, 4)
P = np.array([[0, 0], [1, 0], [0, 1], [3, 3], [5, 4]])

# %% interp1d
interpolate.interp1d(np.arange(4), np.arange(4) ** 2)(1.5)

# %% CubicSpline
interpolate.CubicSpline(np.arange(4), np.arange(4) ** 3)(1.5)

# %% Akima1DInterpolator
interpolate.Akima1DInterpolator(np.arange(6), np.arange(6) ** 2)(1.5)

# %% make_interp_spline
interpolate.make_interp_spline(np.arange(6), np.arange(6) ** 2)(1.5)

# %% griddata
interpolate.griddata(P, np.arange(5), [[0.2, 0.2]])

# %% RegularGridInterpolator
interpolate.RegularGridInterpolator((np.arange(3), np.arange(4)), a)([[1, 1.5]])

# %% RBFInterpolator
interpolate.RBFInterpolator(P, np.arange(5))([[0.2, 0.2]])

# %% UnivariateSpline
interpolate.UnivariateSpline(np.arange(8), np.arange(8))(2.5)

# %% LinearNDInterpolator
interpolate.LinearNDInterpolator(P, np.arange(5))([[0.2, 0.2]])

# %% RectBivariateSpline
interpolate.RectBivariateSpline(np.arange(4), np.arange(5), np.arange(20).reshape(4, 5))(1, 1)

# %% BarycentricInterpolator
interpolate.BarycentricInterpolator(np.arange(3), np.arange(3))(0.5)

# %% NdBSpline
interpolate.NdBSpline((np.array([0, 0, 1, 1.0]),), np.array([1.0, 2]), 1)([[0.5]])
