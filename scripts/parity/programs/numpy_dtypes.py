"""Types of arrays: names, sizes, promotion, what `repr` shows."""

import numpy as np

# %% dtype of a list
np.array([1, 2, 3]).dtype.name

# %% str of int
str(np.dtype(int))

# %% repr of a scalar
repr(np.array([5])[0])

# %% repr of an array of integers
repr(np.array([1, 2, 3]))

# %% repr of an array of int32
repr(np.array([1, 2, 3], np.int32))

# %% repr of int64
repr(np.array([1, 2, 3], np.int64))

# %% repr of an empty array
repr(np.array([], int))

# %% repr of bools
repr(np.array([True, False]))

# %% repr of float32
repr(np.array([0.1], np.float32))

# %% dtype letters
[np.dtype(c).name for c in "bBhHiIqQefdFD?"]

# %% dtype of l
(np.dtype("l").itemsize, np.dtype("long").name)

# %% dtype of p
(np.dtype("p").name, np.dtype("uintp").name)

# %% type names
[np.dtype(n).name for n in ("int", "float", "complex", "bool", "str", "int_", "uint", "intc")]

# %% itemsize of longlong and longdouble
(np.dtype(np.longlong).itemsize, np.dtype(np.longdouble).itemsize)

# %% kind and char of int
(np.dtype(int).kind, np.dtype(int).char, np.dtype(int).str)

# %% descr
np.zeros(1, int).__array_interface__["typestr"]

# %% result_type
[np.result_type(*pair).name for pair in (("i4", "u4"), ("i8", "f4"), ("u1", "i1"), ("f4", "i4"))]

# %% promote_types
np.promote_types(int, np.int32).name

# %% bool plus int
(np.array([True]) + 1).dtype.name

# %% bool plus bool
(np.array([True]) + np.array([True])).dtype.name

# %% float32 plus a Python float
(np.array([1], np.float32) + 1.5).dtype.name

# %% uint8 plus a Python int
np.array([250], np.uint8) + 10

# %% uint8 plus 300
np.array([250], np.uint8) + 300

# %% can_cast
[np.can_cast(a, b) for a, b in (("i8", "i4"), (int, np.int64), (np.int32, int), ("u4", "i8"))]

# %% dtype of indices
[np.argsort([3, 1]).dtype.name, np.nonzero([1])[0].dtype.name, np.arange(3).argmax().dtype.name]

# %% dtype of bincount
np.bincount([1, 2]).dtype.name

# %% dtype of searchsorted
np.searchsorted([1, 2], [1]).dtype.name

# %% dtype of unique counts
np.unique([1, 1], return_counts=True)[1].dtype.name

# %% dtype of digitize
np.digitize([1.0], [0, 2]).dtype.name

# %% dtype of histogram
np.histogram([1, 2])[0].dtype.name

# %% dtype of indices of a grid
np.indices((2, 2)).dtype.name

# %% dtype of mgrid
np.mgrid[0:2].dtype.name

# %% dtype of tri
np.tri(2, dtype=int).dtype.name

# %% dtype of eye
np.eye(2, dtype=int).dtype.name

# %% dtype of cumsum of int8
np.array([1], np.int8).cumsum().dtype.name

# %% dtype of a count
np.char.count(np.array(["aa"]), "a").dtype.name

# %% dtype of str_len
np.strings.str_len(np.array(["aa"])).dtype.name

# %% dtype of find
np.strings.find(np.array(["aab"]), "b").dtype.name

# %% dtype of ceil of integers
np.ceil(np.array([1, 2])).dtype.name

# %% dtype of sqrt of int8
np.sqrt(np.array([4], np.int8)).dtype.name

# %% dtype of sqrt of int32
np.sqrt(np.array([4], np.int32)).dtype.name

# %% dtype of true divide
(np.array([4]) / 2).dtype.name

# %% dtype of a complex list
np.array([1, 2j]).dtype.name

# %% dtype of strings
np.array(["a", "abc"]).dtype.str

# %% dtype of mixed list
np.array([1, "a"]).dtype.str

# %% dtype of bytes
np.array([b"ab"]).dtype.str

# %% dtype of None
np.array([None, 1]).dtype.name

# %% isinstance of a scalar
[isinstance(np.array([1])[0], kind) for kind in (np.integer, np.signedinteger, np.int64, int)]

# %% issubdtype
[np.issubdtype(int, kind) for kind in (np.integer, np.int64, np.int32, np.number)]

# %% typecodes
np.typecodes["AllInteger"]

# %% sctype of min_scalar
[np.min_scalar_type(n).name for n in (1, 300, 2**33, -1, 2**64)]

# %% common type
np.common_type(np.array([1]), np.array([1], np.float32)).__name__

# %% finfo
[(np.finfo(t).eps, np.finfo(t).max, np.finfo(t).tiny) for t in (np.float32, np.float64)]

# %% finfo of float16
str(np.finfo(np.float16))

# %% longdouble digits
np.finfo(np.longdouble).precision

# %% longdouble third
str(np.longdouble(1) / 3)

# %% json of an integer
import json

json.dumps({"n": np.array([5]).tolist()})

# %% isdtype
[np.isdtype(np.dtype(int), kind) for kind in ("integral", "signed integer", np.int64)]

# %% hash of a scalar
hash(np.int64(12)) == hash(12)

# %% dictionary key
{np.int64(1): "a"}.get(1)

# %% string dtype
np.array(["a", "longer"], dtype=np.dtypes.StringDType()).dtype

# %% byteorder
np.array([1, 256], ">i4").tobytes()

# %% newbyteorder
np.array([1, 256], "<i4").view(">i4")

# %% structured dtype
np.dtype([("a", int), ("b", float)])

# %% aligned structure
np.dtype([("a", "i1"), ("b", "f8"), ("c", "i2")], align=True).itemsize

# %% structure with int fields
np.dtype({"names": ["x", "y"], "formats": [int, "U3"]}).itemsize

# %% ctypeslib
np.ctypeslib.as_ctypes_type(np.int32).__name__

# %% memoryview format
memoryview(np.array([1, 2])).format

# %% buffer of float
memoryview(np.array([1.5])).tobytes()

# %% random integers dtype
np.random.default_rng(0).integers(0, 5, 2).dtype.name

# %% RandomState randint dtype
np.random.RandomState(0).randint(0, 5, 2).dtype.name

# %% choice dtype
np.random.default_rng(0).choice(5, 2).dtype.name

# %% permutation dtype
np.random.default_rng(0).permutation(5).dtype.name

# %% poisson dtype
np.random.default_rng(0).poisson(3, 2).dtype.name
