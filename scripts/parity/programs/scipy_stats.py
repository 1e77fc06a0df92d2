"""Statistics: tests, distributions, resampling."""

import numpy as np
from scipy import stats

# within 1e-12

# %% mode
stats.mode([1, 2, 2]).mode

# %% rankdata
stats.rankdata([3, 1, 2])

# %% kendalltau
stats.kendalltau([1, 2, 3, 4], [1, 3, 2, 4])[0]

# %% spearmanr
stats.spearmanr([1, 2, 3, 4], [1, 3, 2, 4])[0]

# %% weightedtau
stats.weightedtau([1, 2, 3], [1, 3, 2])[0]

# %% somersd statistic
stats.somersd([1, 2, 3], [1, 3, 2]).statistic

# %% chi2_contingency
stats.chi2_contingency([[10, 20], [30, 40]])[0]

# %% fisher_exact
stats.fisher_exact([[8, 2], [1, 5]])[1]

# %% boschloo_exact
stats.boschloo_exact([[8, 2], [1, 5]]).pvalue

# %% mannwhitneyu
stats.mannwhitneyu([1, 2, 3], [2, 3, 4])[1]

# %% wilcoxon
stats.wilcoxon([1, 2, 3, -1, 5])[1]

# %% ks_2samp
stats.ks_2samp([1, 2, 3], [2, 3, 4])[1]

# %% anderson_ksamp statistic
stats.anderson_ksamp([np.arange(8), np.arange(3, 11)]).statistic

# %% binned_statistic
stats.binned_statistic([1, 2, 3], [1, 2, 3], bins=2)[0]

# %% hypergeom pmf
stats.hypergeom.pmf(2, 20, 7, 12)

# %% binom rvs
stats.binom.rvs(10, 0.5, size=3, random_state=0)

# %% poisson rvs
stats.poisson.rvs(3, size=3, random_state=0)

# %% multivariate_normal rvs
stats.multivariate_normal.rvs([0, 0], random_state=0)

# %% multinomial rvs
stats.multinomial.rvs(5, [0.5, 0.5], random_state=0)

# %% random_table rvs
stats.random_table([2, 2], [2, 2]).rvs(random_state=0)

# %% Sobol
stats.qmc.Sobol(2, seed=0).random(2)

# %% Halton
stats.qmc.Halton(2, seed=0).random(2)

# %% discrepancy
stats.qmc.discrepancy(np.array([[0.1, 0.2], [0.5, 0.6]]))

# %% gaussian_kde
stats.gaussian_kde([1, 2, 3.5])(2)

# %% permutation_test pvalue
stats.permutation_test(
    ([1, 2, 3], [2, 3, 4]), lambda x, y: np.mean(x) - np.mean(y), random_state=0, n_resamples=50
).pvalue

# %% bootstrap
stats.bootstrap((np.arange(9),), np.mean, random_state=0, n_resamples=50).confidence_interval

# %% tukey_hsd pvalue
stats.tukey_hsd([1, 2, 3], [2, 3, 4], [3, 4, 6]).pvalue

# %% page_trend_test statistic
stats.page_trend_test([[1, 2, 3], [1, 3, 2]]).statistic

# %% cramervonmises_2samp pvalue
stats.cramervonmises_2samp([1, 2, 3], [2, 3, 4]).pvalue

# %% trim_mean
stats.trim_mean(np.arange(10), 0.1)

# %% zipfian pmf
stats.zipfian.pmf(2, 1, 5)

# %% nbinom pmf
stats.nbinom.pmf(3, 5, 0.5)
