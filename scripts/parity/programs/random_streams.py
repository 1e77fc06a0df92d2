"""The module random from a seed, and what is hashed into it."""

import random

R = random.Random

# %% random
[R(1).random(), R(2).random()]

# %% seeds of many kinds
[R(seed).random() for seed in (0, -5, 2**100, "text", b"bytes", bytearray(b"x"))]

# %% a float as seed
R(1.5).random()

# %% seed of None is fresh
R().random() != R().random()

# %% a tuple is no seed
R((1, 2)).random()

# %% seed version 1
rng = R()
rng.seed("text", version=1)
rng.random()

# %% randrange
rng = R(3)
[rng.randrange(10), rng.randrange(5, 100, 7), rng.randrange(10**30)]

# %% randint
rng = R(3)
[rng.randint(1, 6) for _ in range(10)]

# %% getrandbits
rng = R(3)
[rng.getrandbits(k) for k in (1, 31, 32, 33, 64, 100)]

# %% randbytes
R(3).randbytes(9)

# %% choice
rng = R(3)
[rng.choice("abcdef") for _ in range(8)]

# %% choices
R(3).choices(["a", "b", "c"], weights=[1, 5, 2], k=8)

# %% choices of cumulated weights
R(3).choices("xyz", cum_weights=[1, 2, 10], k=6)

# %% sample
[R(3).sample(range(100), 6), R(3).sample(range(2 * 10**9), 3), R(3).sample("abcdef", 3)]

# %% sample of a range beyond 31 bits
R(3).sample(range(10**12), 3)

# %% sample with counts
R(3).sample(["a", "b"], counts=[3, 5], k=4)

# %% sample too many
R(3).sample([1, 2], 5)

# %% shuffle
deck = list(range(12))
R(3).shuffle(deck)
deck

# %% uniform
R(3).uniform(-1, 5)

# %% triangular
R(3).triangular(0, 10, 3)

# %% gauss | within 1 ulp
rng = R(3)
[rng.gauss(0, 1) for _ in range(4)]

# %% normalvariate | within 1 ulp
rng = R(3)
[rng.normalvariate(5, 2) for _ in range(4)]

# %% lognormvariate | within 1 ulp
R(3).lognormvariate(0, 1)

# %% expovariate | within 1 ulp
[R(3).expovariate(1.5), R(4).expovariate()]

# %% betavariate | within 2 ulp
R(3).betavariate(2, 5)

# %% gammavariate | within 2 ulp
[R(3).gammavariate(k, 2.0) for k in (0.5, 1.0, 3.7)]

# %% paretovariate | within 1 ulp
R(3).paretovariate(2.5)

# %% weibullvariate | within 1 ulp
R(3).weibullvariate(1, 1.5)

# %% vonmisesvariate | within 1 ulp
R(3).vonmisesvariate(0.5, 2)

# %% binomialvariate
rng = R(3)
[rng.binomialvariate(100, 0.3), rng.binomialvariate(5, 0.5), rng.binomialvariate(1000, 0.01)]

# %% state and back
rng = R(3)
state = rng.getstate()
first = rng.random()
rng.setstate(state)
[first == rng.random(), state[0], state[1][:2]]

# %% the module's own functions
random.seed(11)
[random.random(), random.randint(1, 100), random.choice("abc"), random.gauss(0, 1)]

# %% SystemRandom
0 <= random.SystemRandom().random() < 1

# %% SystemRandom has no seed
random.SystemRandom().getstate()

# %% Monte Carlo
rng = R(5)
sum(rng.random() ** 2 + rng.random() ** 2 < 1 for _ in range(5000))

# %% random walk
rng = R(5)
place = 0
for _ in range(1000):
    place += rng.choice((-1, 1))
place

# %% bootstrap means
rng = R(5)
data = [2.5, 3.5, 8.25, 1.0]
[round(sum(rng.choices(data, k=4)) / 4, 6) for _ in range(5)]

# %% shuffled dictionary
rng = R(5)
items = list({"a": 1, "b": 2, "c": 3}.items())
rng.shuffle(items)
items
