"""How arrays and numbers of NumPy are shown, and read back."""

import io

import numpy as np

# %% floats of many sizes
print(np.array([1e-10, 1.0, 1e10]))

# %% floats of one size
print(np.array([0.1, 0.25, 100.0]))

# %% integers
print(np.arange(12).reshape(3, 4))

# %% a long array is cut
print(np.arange(2000))

# %% a wide array is wrapped
print(np.arange(60) * 1000)

# %% two dimensions are cut
print(np.arange(10_000).reshape(100, 100))

# %% nan and inf
print(np.array([np.nan, np.inf, -np.inf, -0.0]))

# %% complex
print(np.array([1 + 2j, -0.5j, 1e-9]))

# %% strings
print(np.array(["a", "bc", ""]))

# %% bools
print(np.array([[True, False], [False, True]]))

# %% objects
print(np.array([None, "x", 3], dtype=object))

# %% precision
with np.printoptions(precision=3, suppress=True):
    print(np.array([1e-10, 123.456789, 1 / 3]))

# %% threshold and edgeitems
with np.printoptions(threshold=5, edgeitems=2):
    print(np.arange(10.0))

# %% formatter
with np.printoptions(formatter={"float": "{:.2f}".format}):
    print(np.array([1.234, 5.678]))

# %% sign
with np.printoptions(sign="+"):
    print(np.array([1.0, -1.0]))

# %% legacy
with np.printoptions(legacy="1.13"):
    print(np.array([1.0, 2.5]))

# %% array2string
np.array2string(np.array([1.5, 2.25]), separator=", ", prefix="x = ")

# %% array_repr of int
np.array_repr(np.array([1, 2]))

# %% array_str
np.array_str(np.array([1.0, np.pi]), precision=4)

# %% format_float_positional
[np.format_float_positional(x) for x in (1e16, 0.1, np.float32(0.1), 1e-7)]

# %% format_float_scientific
[np.format_float_scientific(x, precision=4) for x in (1234.5678, 1e-300, np.float32(3))]

# %% str of floats
[str(np.float64(x)) for x in (0.1, 1e16, 1e-5, 123456789.123)]

# %% repr of float32
[repr(np.float32(x)) for x in (0.1, 1e10, 16777216)]

# %% repr of float16
[repr(np.float16(x)) for x in (0.1, 65504, 1e-7)]

# %% f-string of a scalar
f"{np.float64(1 / 3):.3f} {np.int64(1234567):,} {np.float32(0.5):e}"

# %% percent format
"%d %s %.2f" % (np.int64(3), np.int32(4), np.float64(0.125))

# %% repr of datetime64
repr(np.array(["2020-01-01", "NaT"], "datetime64[D]"))

# %% repr of timedelta64
repr(np.timedelta64(90, "m"))

# %% repr of a masked array
repr(np.ma.array([1, 2, 3], mask=[0, 1, 0]))

# %% repr of a record
repr(np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]))

# %% repr of a matrix
repr(np.matrix([[1, 2], [3, 4]]))

# %% repr of a polynomial
print(np.polynomial.Polynomial([1, 2, 3]))

# %% poly1d
print(np.poly1d([1, -2, 3]))

# %% tolist of float32
np.array([0.1], np.float32).tolist()

# %% savetxt
out = io.StringIO()
np.savetxt(out, np.array([[1.5, 2], [3, 1 / 3]]))
out.getvalue()

# %% savetxt with a format
out = io.StringIO()
np.savetxt(out, np.arange(6).reshape(2, 3), fmt="%d", delimiter=",", header="a,b,c", comments="")
out.getvalue()

# %% loadtxt
np.loadtxt(io.StringIO("1 2\n3 4.5\n"))

# %% loadtxt of int
np.loadtxt(io.StringIO("1,3000000000\n3,4\n"), delimiter=",", dtype=int)

# %% loadtxt of columns
np.loadtxt(io.StringIO("# c\n1 a 2\n3 b 4\n"), usecols=(0, 2), unpack=True)

# %% genfromtxt with gaps
np.genfromtxt(io.StringIO("1,,3\n4,5,x\n"), delimiter=",")

# %% genfromtxt with names
np.genfromtxt(io.StringIO("a b\n1 2.5\n3 4\n"), names=True, dtype=None, encoding="utf-8")

# %% genfromtxt dtype of ints
np.genfromtxt(io.StringIO("1 5000000000\n2 3\n"), dtype=None).dtype.name

# %% fromstring
np.fromstring("1 2 3", sep=" ")

# %% fromstring of int
np.fromstring("1,5000000000", dtype=int, sep=",")

# %% npy and back
out = io.BytesIO()
np.save(out, np.array([1, 2, 3]))
out.getvalue()

# %% npz and back
out = io.BytesIO()
np.savez(out, a=np.arange(3), b=np.array(["x"]))
out.seek(0)
{name: value.tolist() for name, value in np.load(out).items()}

# %% tofile text
np.array(["1.5", "1e400", "nan"]).astype(float)

# %% strings of floats
np.array([0.1, 1e22, 1e-7]).astype(str)

# %% strings of integers
np.array([1, -20]).astype(str).dtype.str

# %% base_repr and binary_repr
(np.base_repr(255, 16), np.binary_repr(-3, 8))

# %% array_equal of text
np.array_equal(np.array([1.0, np.nan]), np.array([1.0, np.nan]), equal_nan=True)

# %% info of an error
try:
    np.zeros(3) + np.zeros(4)
except ValueError as error:
    print(error)

# %% index error text
try:
    np.zeros(3)[5]
except IndexError as error:
    print(error)
