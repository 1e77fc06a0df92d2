"""Models of statsmodels, fitted."""

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
import statsmodels.tsa.api as tsa

# within 1e-6
df = pd.DataFrame({"i": np.arange(4), "j": [1, 2, 3, 4]})

# %% ols
smf.ols("j ~ i", df).fit().params

# %% GLM Poisson
sm.GLM(
    np.array([1, 2, 3, 4]), sm.add_constant(np.arange(4)), family=sm.families.Poisson()
).fit().params

# %% Logit
sm.Logit(np.array([0, 1, 0, 1, 1, 0]), sm.add_constant(np.array([1, 2, 3, 4, 5, 0]))).fit(
    disp=0
).params

# %% ARIMA | within 1e-5
tsa.ARIMA(np.arange(30) + np.sin(np.arange(30)), order=(1, 1, 0)).fit().params

# %% ExponentialSmoothing
tsa.ExponentialSmoothing(np.arange(1, 20.0)).fit().params["smoothing_level"] >= 0

# %% acf
tsa.acf(np.arange(20))

# %% adfuller
tsa.adfuller(np.arange(20) + np.cos(np.arange(20)))[0]

# %% STL
tsa.STL(np.arange(40.0), period=4).fit().trend

# %% VAR
tsa.VAR(np.random.default_rng(0).normal(size=(30, 2))).fit(1).params

# %% lowess
sm.nonparametric.lowess(np.arange(10), np.arange(10))

# %% UnobservedComponents
tsa.UnobservedComponents(np.arange(20.0), "local level").fit(disp=0).params

# %% mixedlm
smf.mixedlm(
    "j ~ i",
    pd.DataFrame({"j": np.arange(12) % 5, "i": np.arange(12), "g": np.arange(12) // 4}),
    groups="g",
).fit().params

# %% quantreg
smf.quantreg("j ~ i", df).fit(0.5).params

# %% RLM
sm.RLM(np.arange(9), sm.add_constant(np.arange(9) % 4)).fit().params

# %% anova_lm
sm.stats.anova_lm(smf.ols("j ~ i", df).fit())["df"]
