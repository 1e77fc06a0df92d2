"""The module math, cmath and floats: values at hard points, to the last bit where it is promised."""

# within 1 ulp
import cmath
import math
import sys

grid = [k / 7 for k in range(-20, 21) if k]

# %% sqrt
[math.sqrt(abs(x)) for x in grid]

# %% exp
[math.exp(x) for x in grid]

# %% exp at the edge
[math.exp(x) for x in (709.78, -745.13, 1e-300, -1e-17)]

# %% exp2
[math.exp2(x) for x in grid]

# %% expm1
[math.expm1(x) for x in (*grid, 1e-10, -1e-300)]

# %% log
[math.log(abs(x)) for x in (*grid, 1e-320, 1e308)]

# %% log of a large int
math.log(10**500)

# %% log2 and log10
[(math.log2(abs(x)), math.log10(abs(x))) for x in grid]

# %% log1p
[math.log1p(x) for x in (1e-20, -0.5, 3.0, 1e300)]

# %% log with a base
[math.log(8, 2), math.log(1000, 10), math.log(3, 7)]

# %% sin
[math.sin(x) for x in grid]

# %% sin of large
[math.sin(x) for x in (1e6, 1e15, 1e22, 1e300, 6381956970095103 * 2.0**797)]

# %% cos
[math.cos(x) for x in grid]

# %% cos of large
[math.cos(x) for x in (1e6, 1e22, 1e308)]

# %% tan
[math.tan(x) for x in (*grid, math.pi / 2, 1e22)]

# %% asin, acos
[(math.asin(x / 3), math.acos(x / 3)) for x in grid]

# %% atan
[math.atan(x) for x in (*grid, 1e300, -1e-300)]

# %% atan2
[math.atan2(y, x) for y in (-1.5, -0.0, 0.0, 2.0) for x in (-2.0, -0.0, 0.0, 1e-300)]

# %% sinh
[math.sinh(x) for x in (*grid, 710.0)]

# %% cosh
[math.cosh(x) for x in grid]

# %% tanh
[math.tanh(x) for x in (*grid, 20.0, 1e-300)]

# %% asinh, acosh, atanh
[(math.asinh(x), math.acosh(abs(x) + 1), math.atanh(x / 3)) for x in grid]

# %% pow
[math.pow(abs(x), 1.7) for x in grid]

# %% pow at the edge
[math.pow(2, 1023.9), math.pow(0.9999999, 1e8), math.pow(-2.0, 3), math.pow(1e-200, 1.5)]

# %% power operator
[abs(x) ** x for x in grid]

# %% cbrt | within 2 ulp
[math.cbrt(x) for x in grid]

# %% hypot
[math.hypot(x, 3, x / 9) for x in (*grid, 1e200)]

# %% dist
math.dist([1.1, 2.2, 3.3], [9.9, 8.8, 7.7])

# %% gamma | within 4 ulp
[math.gamma(x) for x in (0.5, 5, 10.1, 170.5, -1.5)]

# %% lgamma | within 4 ulp
[math.lgamma(x) for x in (0.5, 100.0, 1e10, -2.5)]

# %% erf and erfc | within 2 ulp
[(math.erf(x), math.erfc(x)) for x in grid]

# %% fsum
math.fsum([0.1] * 10 + [1e100, 1.0, -1e100])

# %% sum of floats
sum([0.1] * 10)

# %% sum of mixed numbers
sum([1e16, 1, -1e16, 0.5])

# %% sumprod
math.sumprod([0.1, 0.2, 0.3], [0.3, 0.2, 0.1])

# %% prod
math.prod([0.1] * 20)

# %% fma
[math.fma(0.1, 10, -1), math.fma(1e308, 10, -math.inf)]

# %% fmod and remainder
[math.fmod(-7.5, 2), math.remainder(5, 3), math.remainder(-2.5, 1), -7.5 % 2]

# %% modf and frexp
[math.modf(-3.75), math.frexp(1e-310), math.ldexp(0.75, -1073)]

# %% nextafter and ulp
[math.nextafter(1, 2), math.nextafter(0, 1, steps=3), math.ulp(1e300), math.ulp(0.0)]

# %% floor, ceil, trunc of large
[math.floor(1e20), math.ceil(-1e300 / 3) % 1000, math.trunc(-2.7)]

# %% round half to even
[round(0.5), round(2.5), round(2.675, 2), round(-1.5), round(1234.5, -2), round(5e15 + 0.5)]

# %% isqrt and comb
[math.isqrt(10**40), math.comb(60, 30), math.perm(20, 10), math.factorial(25)]

# %% gcd and lcm
[math.gcd(2**70, 6**30), math.lcm(10**12, 7**9)]

# %% degrees and radians
[math.degrees(1.0), math.radians(33.3)]

# %% isclose
[math.isclose(1, 1 + 1e-9), math.isclose(0, 1e-12, abs_tol=1e-9)]

# %% overflow error
math.exp(1000)

# %% domain error
math.acos(2)

# %% power overflow error
2.0**2000

# %% zero to a negative power
0.0**-1

# %% gamma pole
math.gamma(-1)

# %% float division by zero
1.0 / 0

# %% int of inf
int(math.inf)

# %% int to float overflow
float(10**400)

# %% true division of large ints
[10**400 / 10**399, (2**1000 + 1) / 3**600]

# %% float hex
[x.hex() for x in (0.1, -5e-324, 1e308)]

# %% fromhex
[float.fromhex("0x1.8p-1074"), float.fromhex("-0x.1p4")]

# %% float repr
[repr(x) for x in (0.1, 1e16, 1e15, 123456789012345680.0, 5e-324, 1.7976931348623157e308, 1e-5)]

# %% float parsing
[float(t) for t in ("2.2250738585072011e-308", "1e-400", "9007199254740993", "0.1e1", "1_000.5")]

# %% float formatting
[
    f"{1234567.891:,.2f}",
    f"{0.00001234:g}",
    f"{1e100:.3e}",
    f"{2.5:.0f}",
    f"{1 / 3:%}",
    f"{-0.0:z.1f}",
]

# %% percent formatting
["%.17g" % 0.1, "%10.3f|%-8d|%+d|%x" % (3.14159, 5, 7, 255), "%e" % 1e-310]

# %% as_integer_ratio
[(0.1).as_integer_ratio(), (1e300).as_integer_ratio()[1], (5e-324).as_integer_ratio()[0]]

# %% is_integer
[(1e300).is_integer(), (0.5).is_integer()]

# %% float info
[sys.float_info.max, sys.float_info.epsilon, sys.float_info.dig, sys.float_info.rounds]

# %% int info
[sys.int_info.bits_per_digit, sys.int_info.sizeof_digit, sys.int_info.default_max_str_digits]

# %% large int powers
pow(3, 1000, 10**20 + 39)

# %% modular inverse
pow(17, -1, 10**9 + 7)

# %% large int text
str(3**500)[-20:]

# %% int of a long text
int("9" * 4400)

# %% bit operations of large ints
[(1 << 200).bit_length(), (2**70 - 1).bit_count(), -(2**65) >> 60, ~(2**40)]

# %% int to bytes
[(2**40).to_bytes(8, "little"), int.from_bytes(b"\xff\xfe", "big", signed=True)]

# %% cmath sqrt and exp | within 2 ulp
[cmath.sqrt(-2 + 1e-300j), cmath.exp(1 + 2j), cmath.log(-1 - 0j)]

# %% cmath trigonometry | within 2 ulp
[cmath.sin(1 + 2j), cmath.atan(0.5 - 2j), cmath.cosh(3j), cmath.acos(2)]

# %% cmath polar | within 2 ulp
[cmath.polar(3 - 4j), cmath.rect(2, 1), cmath.phase(-1j)]

# %% complex power | within 2 ulp
[(1 + 2j) ** 3, (1j) ** 1j, (2 - 1j) ** -0.5]

# %% complex text
[str(complex(1, -0.0)), str(1e16 + 1j), repr(complex("nan+infj"))]

# %% complex division by zero
1j / 0

# %% signed zero
[math.copysign(1, -0.0), str(-0.0), 0.0 == -0.0, math.atan2(-0.0, -1)]

# %% nan compare
[math.nan == math.nan, math.nan in [math.nan], sorted([2.0, 1.0]), max(math.nan, 1.0)]

# %% constants
[math.pi, math.e, math.tau]
