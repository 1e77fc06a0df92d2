"""Regressors of scikit-learn."""

import numpy as np
from sklearn import (
    datasets,
    ensemble,
    gaussian_process,
    kernel_ridge,
    linear_model,
    neighbors,
    svm,
    tree,
)

X, y = datasets.load_iris(return_X_y=True)
Xi = (X * 10).astype(int)
# within 1e-9

# %% LinearRegression
linear_model.LinearRegression().fit(Xi, y + 1).predict(Xi[::40])

# %% Lasso
linear_model.Lasso(alpha=0.1).fit(Xi, y + 1).predict(Xi[::40])

# %% ElasticNet
linear_model.ElasticNet(alpha=0.1).fit(Xi, y + 1).predict(Xi[::40])

# %% Lars
linear_model.Lars().fit(Xi, y + 1).predict(Xi[::40])

# %% OrthogonalMatchingPursuit
linear_model.OrthogonalMatchingPursuit().fit(Xi, y + 1).predict(Xi[::40])

# %% HuberRegressor | within 1e-8
linear_model.HuberRegressor().fit(Xi, y + 1).predict(Xi[::40])

# %% RANSACRegressor
linear_model.RANSACRegressor(random_state=0).fit(Xi, y + 1).predict(Xi[::40])

# %% TheilSenRegressor
linear_model.TheilSenRegressor(random_state=0).fit(Xi, y + 1).predict(Xi[::40])

# %% PoissonRegressor
linear_model.PoissonRegressor().fit(Xi, y + 1).predict(Xi[::40])

# %% SVR
svm.SVR().fit(Xi, y + 1).predict(Xi[::40])

# %% DecisionTreeRegressor
tree.DecisionTreeRegressor(random_state=0).fit(Xi, y + 1).predict(Xi[::40])

# %% RandomForestRegressor
ensemble.RandomForestRegressor(5, random_state=0).fit(Xi, y + 1).predict(Xi[::40])

# %% HistGradientBoostingRegressor
ensemble.HistGradientBoostingRegressor(max_iter=5).fit(Xi, y + 1).predict(Xi[::40])

# %% KNeighborsRegressor
neighbors.KNeighborsRegressor().fit(Xi, y + 1).predict(Xi[::40])

# %% KernelRidge
kernel_ridge.KernelRidge().fit(Xi, y + 1).predict(Xi[::40])

# %% GaussianProcessRegressor
gaussian_process.GaussianProcessRegressor().fit(Xi, y + 1).predict(Xi[::40])
