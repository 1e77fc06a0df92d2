"""decimal, fractions, statistics: exact numbers, and what is counted from them."""

import decimal
import statistics
from decimal import Decimal as D
from fractions import Fraction as F

data = [2.5, 3.25, 5.5, 11.25, 11.75, 1.5]

# %% division at 28 digits
D(1) / D(7)

# %% sum of tenths
sum([D("0.1")] * 10)

# %% trailing zeros
[str(D("1.20") + D("2.3")), str(D("1.20") * D("2.0")), str(D("100").normalize())]

# %% quantize with each rounding
[
    str(D("2.675").quantize(D("0.01"), rounding=getattr(decimal, name)))
    for name in dir(decimal)
    if name.startswith("ROUND_")
]

# %% quantize half even
[str(D(t).quantize(D("1"))) for t in ("0.5", "1.5", "2.5", "-0.5")]

# %% a context of 50 digits
with decimal.localcontext(prec=50):
    found = D(2).sqrt()
found

# %% exp, ln, log10
[D(1).exp(), D(10).ln(), D(2).log10()]

# %% power
[D(2) ** D("0.5"), D("1.1") ** 100, D(2) ** -3]

# %% power with a modulus
pow(D(7), D(100), D(13))

# %% division by zero
D(1) / D(0)

# %% invalid operation
D("abc")

# %% overflow
D("9e999999") * 10

# %% inexact trap
with decimal.localcontext() as context:
    context.traps[decimal.Inexact] = True
    D(1) / 3

# %% flags
with decimal.localcontext() as context:
    context.clear_flags()
    D(1) / 3
    found = sorted(flag.__name__ for flag, is_set in context.flags.items() if is_set)
found

# %% context repr
repr(decimal.Context(prec=9, rounding=decimal.ROUND_DOWN))

# %% default context
[decimal.getcontext().prec, decimal.getcontext().Emax, decimal.getcontext().rounding]

# %% largest precision
[decimal.MAX_PREC, decimal.MAX_EMAX, decimal.MIN_ETINY]

# %% the implementation
[decimal.__name__, D.__module__, decimal.HAVE_THREADS]

# %% from float
[str(D(0.1)), str(D.from_float(-2.5e-10))]

# %% as_tuple and adjusted
[D("-1.23e5").as_tuple().digits, D("0.00123").adjusted(), D("1e3").as_integer_ratio()]

# %% to text
[str(D("1e-7")), str(D("1E+10")), D("1234567.891").to_eng_string(), f"{D('1234567.891'):,.2f}"]

# %% formats
[f"{D('0.1'):%}", f"{D('12.345'):.1e}", f"{D('5'):>6}", f"{D('-3.7'):+.0f}"]

# %% compare
[D("1.0") == D("1.00"), D("NaN") == D("NaN"), D("-0") == 0, D("1") < 1.5, hash(D("1.0")) == hash(1)]

# %% sNaN raises
D("sNaN") + 1

# %% remainder and floor
[D("-7") % D("3"), D("-7") // D("3"), D("7.5").remainder_near(2), divmod(D(17), D(5))]

# %% next_plus and next_minus
[D("1").next_plus(), D("1").next_minus(), D("1").next_toward(2)]

# %% fma and scaleb
[D(2).fma(3, 5), D("1.5").scaleb(3), D("1.5").shift(1), D("12").rotate(1)]

# %% logical
[D("1100").logical_and(D("1010")), D("1100").logical_xor(D("1010"))]

# %% a large factorial
product = D(1)
for k in range(1, 41):
    product *= k
product

# %% interest for thirty years
(D("1000") * (1 + D("0.0375") / 12) ** 360).quantize(D("0.01"))

# %% pi by a series
with decimal.localcontext(prec=40):
    total, k = D(0), 0
    while k < 30:
        total += (
            D(4) / (8 * k + 1) - D(2) / (8 * k + 4) - D(1) / (8 * k + 5) - D(1) / (8 * k + 6)
        ) / 16**k
        k += 1
    found = +total
found

# %% clamp and Emin
decimal.Context(prec=3, Emin=-5, Emax=5).create_decimal("1234567")

# %% copy_sign and is methods
[
    D("1").copy_sign(D("-0")),
    D("0").is_zero(),
    D("1e-400").is_subnormal(),
    D("Infinity").is_infinite(),
]

# %% to_integral
[D("2.5").to_integral_value(), D("2.51").to_integral_exact(), round(D("2.5")), int(D("-2.9"))]

# %% radix and canonical
[D(1).radix(), D(5).canonical(), D("5.0").same_quantum(D("1.0"))]

# %% Fraction arithmetic
F(1, 3) + F(1, 6) * F("0.25")

# %% Fraction from float
[F(0.1), F.from_float(0.5), F("3/7"), F(" -1.25e2 ")]

# %% limit_denominator
[F(3.141592653589793).limit_denominator(1000), F("0.3333").limit_denominator(10)]

# %% Fraction power and text
[F(2, 3) ** -2, F(4, 9) ** 0.5, f"{F(1, 3):.4f}", str(F(-6, 4))]

# %% Fraction floor and round
[F(7, 2).__floor__(), round(F(7, 2)), round(F(22, 7), 3), F(-7, 2) // 1, F(-7, 2) % 1]

# %% Fraction and Decimal do not mix
F(1, 2) + D(1)

# %% mean
statistics.mean(data)

# %% mean of ints, decimals, fractions
[
    statistics.mean([1, 2]),
    statistics.mean([D("0.1"), D("0.3")]),
    statistics.mean([F(1, 3), F(1, 6)]),
]

# %% fmean with weights
statistics.fmean(data, weights=[1, 2, 3, 4, 5, 6])

# %% median and its kin
[statistics.median(data), statistics.median_low(data), statistics.median_high(data)]

# %% median_grouped
statistics.median_grouped([1, 2, 2, 3, 4, 4, 4, 5], 1)

# %% stdev and variance
[
    statistics.stdev(data),
    statistics.variance(data),
    statistics.pstdev(data),
    statistics.pvariance(data),
]

# %% stdev of fractions
[statistics.variance([F(1, 3), F(2, 3)]), statistics.stdev([D("1.5"), D("2.5"), D("4")])]

# %% geometric and harmonic mean | within 2 ulp
[statistics.geometric_mean(data), statistics.harmonic_mean(data)]

# %% mode and multimode
[statistics.mode("aabbc"), statistics.multimode("aabbc")]

# %% quantiles
[statistics.quantiles(data), statistics.quantiles(data, n=10, method="inclusive")]

# %% correlation and regression | within 2 ulp
[
    statistics.correlation(data, data[::-1]),
    statistics.covariance(data, data[::-1]),
    statistics.linear_regression(data, data[::-1]).slope,
]

# %% correlation of ranks
statistics.correlation([1, 2, 3, 4], [1, 3, 2, 4], method="ranked")

# %% NormalDist | within 4 ulp
normal = statistics.NormalDist(100, 15)
[
    normal.pdf(110),
    normal.cdf(110),
    normal.inv_cdf(0.975),
    normal.overlap(statistics.NormalDist(110, 10)),
]

# %% NormalDist samples
statistics.NormalDist(0, 1).samples(3, seed=42)

# %% kde | within 4 ulp
statistics.kde(data, h=1.5)(3.0)

# %% error of no data
statistics.mean([])
