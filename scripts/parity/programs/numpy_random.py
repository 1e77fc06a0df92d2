"""Random numbers of NumPy from a seed: each stream is the same everywhere."""

import numpy as np

rng = np.random.default_rng

# %% random
rng(1).random(5)

# %% integers
rng(1).integers(0, 100, 8)

# %% integers beyond 31 bits
rng(1).integers(0, 3_000_000_000, 4)

# %% integers of the whole range
rng(1).integers(-(2**63), 2**63 - 1, 3)

# %% integers of int32
rng(1).integers(0, 1000, 4, dtype=np.int32)

# %% integers of uint8
rng(1).integers(0, 256, 9, dtype=np.uint8)

# %% one integer
rng(1).integers(10**12)

# %% integers with many bounds
rng(1).integers([1, 10, 10**11], [5, 20, 10**12])

# %% normal
rng(1).normal(size=5)

# %% standard_normal of float32
rng(1).standard_normal(5, dtype=np.float32)

# %% random of float32
rng(1).random(5, dtype=np.float32)

# %% uniform
rng(1).uniform(-2, 5, 4)

# %% exponential | within 2 ulp
rng(1).exponential(2.0, 5)

# %% gamma | within 4 ulp
rng(1).gamma([0.5, 1, 3.7], 2.0)

# %% beta | within 4 ulp
rng(1).beta(0.5, 0.7, 4)

# %% beta of large shapes | within 4 ulp
rng(1).beta(3, 7, 4)

# %% chisquare | within 4 ulp
rng(1).chisquare(3, 4)

# %% standard_t | within 4 ulp
rng(1).standard_t(5, 4)

# %% f | within 4 ulp
rng(1).f(5, 7, 4)

# %% poisson
rng(1).poisson(3.5, 10)

# %% poisson of a large mean
rng(1).poisson(3e9, 3)

# %% binomial
rng(1).binomial(100, 0.3, 8)

# %% binomial of small numbers
rng(1).binomial(5, 0.3, 8)

# %% negative_binomial
rng(1).negative_binomial(5, 0.3, 6)

# %% geometric
rng(1).geometric(0.01, 6)

# %% hypergeometric
rng(1).hypergeometric(50, 60, 30, 6)

# %% multinomial
rng(1).multinomial(100, [0.2, 0.3, 0.5])

# %% multivariate_hypergeometric
rng(1).multivariate_hypergeometric([10, 20, 30], 12)

# %% multivariate_normal | within 1e-13
rng(1).multivariate_normal([0, 1], [[2, 0.5], [0.5, 1]], 3, method="cholesky")

# %% dirichlet | within 4 ulp
rng(1).dirichlet([0.5, 1, 3])

# %% weibull | within 4 ulp
rng(1).weibull(1.5, 4)

# %% pareto | within 4 ulp
rng(1).pareto(2.5, 4)

# %% laplace | within 4 ulp
rng(1).laplace(size=4)

# %% gumbel | within 4 ulp
rng(1).gumbel(size=4)

# %% logistic | within 4 ulp
rng(1).logistic(size=4)

# %% lognormal | within 4 ulp
rng(1).lognormal(size=4)

# %% rayleigh | within 4 ulp
rng(1).rayleigh(size=4)

# %% wald | within 4 ulp
rng(1).wald(1.0, 2.0, 4)

# %% vonmises | within 4 ulp
rng(1).vonmises(0.5, 2.0, 4)

# %% triangular | within 2 ulp
rng(1).triangular(0, 1, 5, 4)

# %% zipf
rng(1).zipf(2.0, 8)

# %% logseries
rng(1).logseries(0.9, 8)

# %% power | within 4 ulp
rng(1).power(3.0, 4)

# %% choice
rng(1).choice(10, 5)

# %% choice without replacement
rng(1).choice(10, 5, replace=False)

# %% choice with weights
rng(1).choice(["a", "b", "c"], 6, p=[0.1, 0.2, 0.7])

# %% choice of many without replacement
rng(1).choice(1_000_000, 5, replace=False)

# %% shuffle
deck = np.arange(10)
rng(1).shuffle(deck)
deck

# %% shuffle of a list
deck = list("abcdefgh")
rng(1).shuffle(deck)
deck

# %% permutation
rng(1).permutation(10)

# %% permuted
rng(1).permuted(np.arange(6).reshape(2, 3), axis=1)

# %% bytes
rng(1).bytes(12)

# %% a sequence of seeds
np.random.SeedSequence(5).generate_state(4)

# %% spawned seeds
[np.random.default_rng(one).integers(1000) for one in np.random.SeedSequence(5).spawn(3)]

# %% a large seed
rng(2**100).random(2)

# %% a list as seed
rng([1, 2, 3]).random(2)

# %% PCG64DXSM
np.random.Generator(np.random.PCG64DXSM(1)).random(3)

# %% Philox
np.random.Generator(np.random.Philox(1)).random(3)

# %% SFC64
np.random.Generator(np.random.SFC64(1)).random(3)

# %% MT19937
np.random.Generator(np.random.MT19937(1)).integers(0, 10**12, 3)

# %% jumped
np.random.Generator(np.random.PCG64(1).jumped()).random(2)

# %% raw words
np.random.PCG64(1).random_raw(3)

# %% state of a generator
rng(1).bit_generator.state["state"]

# %% RandomState rand
np.random.RandomState(42).rand(4)

# %% RandomState randn
np.random.RandomState(42).randn(4)

# %% RandomState randint
np.random.RandomState(42).randint(0, 100, 8)

# %% RandomState randint beyond 31 bits
np.random.RandomState(42).randint(0, 3_000_000_000, 3)

# %% RandomState randint with dtype
np.random.RandomState(42).randint(0, 3_000_000_000, 3, dtype=np.int64)

# %% RandomState choice
np.random.RandomState(42).choice(5, 6)

# %% RandomState shuffle
deck = list(range(8))
np.random.RandomState(42).shuffle(deck)
deck

# %% RandomState permutation
np.random.RandomState(42).permutation(8)

# %% RandomState binomial and poisson
state = np.random.RandomState(42)
(state.binomial(10, 0.5, 5), state.poisson(4, 5))

# %% RandomState gamma and beta | within 4 ulp
state = np.random.RandomState(42)
(state.gamma(2.0, size=3), state.beta(0.5, 2, 3))

# %% RandomState multinomial
np.random.RandomState(42).multinomial(20, [1 / 6] * 6)

# %% RandomState random_integers by tomaxint
np.random.RandomState(42).tomaxint(2) >= 0

# %% RandomState bytes
np.random.RandomState(42).bytes(8)

# %% RandomState zipf and geometric
state = np.random.RandomState(42)
(state.zipf(2, 5), state.geometric(0.1, 5))

# %% RandomState normal | within 2 ulp
np.random.RandomState(42).normal(10, 3, 4)

# %% RandomState uniform of a grid
np.random.RandomState(42).random_sample((2, 2))

# %% legacy seed and rand
np.random.seed(7)
(np.random.rand(2), np.random.randint(0, 9, 4), np.random.normal())

# %% legacy state
np.random.seed(7)
np.random.get_state()[1][:3]

# %% RandomState of a text seed
np.random.RandomState([1, 2]).rand(2)

# %% randint refuses an empty range
np.random.RandomState(0).randint(5, 5)

# %% integers refuse a wrong dtype
rng(0).integers(0, 300, dtype=np.uint8)
