"""Floating-point functions of NumPy, to the last bits."""

import numpy as np

x = np.linspace(-3, 3, 41)
p = np.linspace(0.05, 4, 41)
s = x.astype(np.float32)
z = x + 1j * x[::-1]
# What is said outside when a number leaves its range.
said = []

# %% add, subtract, multiply, divide
[x + p, x - p, x * p, x / p]

# %% sqrt
np.sqrt(p)

# %% cbrt | within 2 ulp
np.cbrt(x)

# %% exp | within 2 ulp
np.exp(x)

# %% exp2 | within 2 ulp
np.exp2(x)

# %% expm1 | within 2 ulp
np.expm1(x)

# %% log | within 2 ulp
np.log(p)

# %% log2 | within 2 ulp
np.log2(p)

# %% log10 | within 2 ulp
np.log10(p)

# %% log1p | within 2 ulp
np.log1p(p)

# %% sin | within 2 ulp
np.sin(x)

# %% cos | within 2 ulp
np.cos(x)

# %% tan | within 2 ulp
np.tan(x)

# %% sin of large numbers | within 2 ulp
np.sin(np.array([1e5, 1e10, 1e22]))

# %% arcsin | within 2 ulp
np.arcsin(x / 3)

# %% arccos | within 2 ulp
np.arccos(x / 3)

# %% arctan | within 2 ulp
np.arctan(x)

# %% arctan2 | within 2 ulp
np.arctan2(x, p)

# %% sinh | within 2 ulp
np.sinh(x)

# %% cosh | within 2 ulp
np.cosh(x)

# %% tanh | within 2 ulp
np.tanh(x)

# %% arcsinh | within 2 ulp
np.arcsinh(x)

# %% arccosh | within 2 ulp
np.arccosh(p + 1)

# %% arctanh | within 2 ulp
np.arctanh(x / 3.01)

# %% power | within 2 ulp
np.power(p, x)

# %% power with a whole exponent | within 2 ulp
p**3

# %% power of two and a half | within 2 ulp
p**2.5

# %% float_power | within 2 ulp
np.float_power(p, 0.3)

# %% hypot | within 2 ulp
np.hypot(x, p)

# %% logaddexp | within 2 ulp
np.logaddexp(x, p)

# %% sinc | within 4 ulp
np.sinc(x)

# %% i0 | within 4 ulp
np.i0(x)

# %% exp of float32 | within 1e-6
np.exp(s)

# %% log of float32 | within 1e-6
np.log(p.astype(np.float32))

# %% sin of float32 | within 1e-6
np.sin(s)

# %% tanh of float32 | within 1e-6
np.tanh(s)

# %% power of float32 | within 1e-6
np.power(p.astype(np.float32), np.float32(1.7))

# %% float16
np.array([0.1, 2.0**-24, 65504], np.float16) * np.float16(1.5)

# %% exp of float16 | within 1e-3
np.exp(np.array([0.1, 1, 3], np.float16))

# %% mod of floats
np.mod(x, 0.7)

# %% fmod
np.fmod(x, 0.7)

# %% remainder of signs
np.remainder(np.array([-1.0, 1.0, -0.0]), np.array([3.0, -3.0, 3.0]))

# %% floor_divide
np.floor_divide(x, 0.1)

# %% rint, floor, ceil, trunc
[np.rint(x), np.floor(x), np.ceil(x), np.trunc(x)]

# %% round to two places
np.round(x / 7, 2)

# %% round half to even
np.round(np.array([0.5, 1.5, 2.5, -0.5]))

# %% frexp and ldexp
(np.frexp(p)[0], np.frexp(p)[1], np.ldexp(x, 3))

# %% modf
np.modf(x)

# %% nextafter and spacing
(np.nextafter(1.0, 2.0), np.spacing(np.array([1.0, 1e300, 0.0])))

# %% copysign and sign
(np.copysign(1.0, x), np.sign(x))

# %% subnormal arithmetic
np.array([5e-324, 1e-310]) * np.array([2.0, 0.5])

# %% overflow gives inf
np.array([1e308]) * 10

# %% complex multiply | within 1e-15
z * z[::-1]

# %% complex divide | within 2 ulp
z / (z[::-1] + 1)

# %% complex abs and angle | within 2 ulp
(np.abs(z), np.angle(z))

# %% complex exp | within 4 ulp
np.exp(z)

# %% complex sqrt | within 4 ulp
np.sqrt(z)

# %% complex log | within 1e-15
np.log(z + 0.1)

# %% complex power | within 1e-14
z**2.5

# %% complex sin | within 4 ulp
np.sin(z)

# %% sum of floats | within 1e-15
np.linspace(0, 1, 1001).sum()

# %% sum of tenths | within 1e-15
np.full(1000, 0.1).sum()

# %% sum of float32 | within 1e-6
np.full(10_000, 0.1, np.float32).sum()

# %% sum of float32 of many sizes | within 1e-6
(np.arange(1, 5000, dtype=np.float32) ** 2).sum()

# %% mean of float32 | within 1e-6
np.full(100_000, 0.1, np.float32).mean()

# %% cumsum of floats
np.full(50, 0.1).cumsum()

# %% var and std | within 4 ulp
(x.var(), x.std(ddof=1))

# %% std of float32 | within 1e-6
s.std()

# %% prod of floats | within 4 ulp
p.prod()

# %% dot of floats | within 4 ulp
np.dot(x, p)

# %% dot of float32 | within 1e-5
np.dot(s, s)

# %% dot of long float32 | within 1e-4
np.dot(np.full(100_000, 0.1, np.float32), np.full(100_000, 0.1, np.float32))

# %% dot of large and small float32 | within 1e-5
wide = np.arange(1, 20_001, dtype=np.float32)
np.dot(wide, wide)

# %% matmul of float32 | within 1e-5
grid = (np.arange(10_000, dtype=np.float32) / 7).reshape(100, 100)
(grid @ grid).sum(axis=1)[:5]

# %% long matmul of float32 | within 1e-5
tall = np.full((2, 60_000), 0.1, np.float32)
tall @ tall.T

# %% einsum of float32 | within 1e-4
np.einsum("i,i->", np.full(60_000, 0.1, np.float32), np.full(60_000, 0.3, np.float32))

# %% norm of float32 | within 1e-5
np.linalg.norm(np.full(60_000, 0.1, np.float32))

# %% correlation of float32 | within 1e-5
np.corrcoef(np.arange(1000, dtype=np.float32), np.arange(1000, dtype=np.float32) ** 2)

# %% matmul | within 1e-15
(np.arange(16.0).reshape(4, 4) / 3) @ (np.arange(16.0).reshape(4, 4) / 7)

# %% einsum | within 4 ulp
np.einsum("ij,jk->ik", np.arange(6.0).reshape(2, 3) / 3, np.arange(6.0).reshape(3, 2) / 7)

# %% gradient
np.gradient(x**2)

# %% interp
np.interp([0.05, 1.234, 9], p, x)

# %% trapezoid | within 4 ulp
np.trapezoid(x**2, x)

# %% cov and corrcoef | within 1e-15
(np.cov(x, p**2), np.corrcoef(x, p**2))

# %% convolve | within 4 ulp
np.convolve(x[:5], p[:4])

# %% cross
np.cross([1.1, 2.2, 3.3], [0.3, 0.2, 0.1])

# %% linspace and logspace | within 2 ulp
[np.linspace(0.1, 0.9, 7), np.logspace(-3, 3, 7), np.geomspace(1, 1000, 4)]

# %% arange of floats
np.arange(0, 1, 0.1)

# %% nan_to_num
np.nan_to_num(np.array([np.nan, np.inf, -np.inf]))

# %% isclose
np.isclose([1.0, 1e-9], [1.0 + 1e-9, 0])

# %% text of a division by zero
np.array([1.0, -1.0, 0.0]) / 0

# %% log of zero and less
np.log(np.array([0.0, -1.0]))

# %% errstate raises on division
with np.errstate(all="raise"):
    print(np.array([1.0]) / 0)

# %% errstate raises on overflow
with np.errstate(over="raise"):
    print(np.exp(np.array([1000.0])))

# %% errstate raises on invalid
with np.errstate(invalid="raise"):
    print(np.sqrt(np.array([-1.0])))

# %% warning of a division by zero
import warnings

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    np.array([1.0]) / np.array([0.0])
[str(one.message) for one in seen]

# %% warning of an overflow
import warnings

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    np.array([1e308]) * 10
[str(one.message) for one in seen]

# %% warning of an invalid value
import warnings

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    np.log(np.array([-1.0]))
[str(one.message) for one in seen]

# %% warning of integers divided by zero
import warnings

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    found = np.array([1, 2]) // 0
(found, [str(one.message) for one in seen])

# %% warning of a mean of nothing
import warnings

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    np.array([]).mean()
[str(one.message) for one in seen]

# %% errcall
said.clear()
with np.errstate(divide="call", call=lambda kind, flag: said.append(kind)):
    np.array([1.0]) / 0
said

# %% cast of nan to int
np.array([np.nan, np.inf]).astype(int)

# %% cast of a float beyond int32
np.array([3e9]).astype(np.int32)

# %% cast of a negative float to uint8
np.array([-1.0, 300.0]).astype(np.uint8)

# %% cast of a float beyond int64
np.array([1e19]).astype(np.int64)

# %% cast of a negative to uint64
np.array([-1.0]).astype(np.uint64)
