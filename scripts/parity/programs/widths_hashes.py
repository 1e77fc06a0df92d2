"""What depends on the width of words: sys, hash, sets, struct, array, id, size."""

import array
import struct
import sys

# %% sys.maxsize
sys.maxsize

# %% hash of small ints
[hash(n) for n in (0, 1, -1, 2**20, -(2**20))]

# %% hash of ints beyond 31 bits
[hash(n) for n in (2**31 - 1, 2**31, 2**40, -(2**50))]

# %% hash of ints beyond 61 bits
[hash(n) for n in (2**61 - 1, 2**64, 10**30)]

# %% hash of floats
[hash(x) for x in (1.0, 0.0, -3.0)]

# %% hash of fractions of one
[hash(x) for x in (0.5, 0.1, 1e300)]

# %% hash of inf
[hash(float("inf")), hash(float("-inf"))]

# %% hash of complex
hash(1 + 2j)

# %% hash of tuples
hash((1, 2))

# %% hash of a frozenset
hash(frozenset({1, 2}))

# %% hash of None
hash(None)

# %% equal numbers hash alike
[hash(2**40) == hash(float(2**40)), hash(True) == hash(1)]

# %% hash_info
[sys.hash_info.width, sys.hash_info.modulus, sys.hash_info.inf]

# %% order of a set of small ints
list({5, 3, 1, 2})

# %% order of a set of large ints
list({2**40, 5, 2**35, 7})

# %% order of a set of timestamps
list({1_700_000_000, 1_800_000_000, 1_600_000_000, 2_200_000_000})

# %% order of a set of negatives
list({-1, -2, -3, 4})

# %% order of a set of floats
list({0.5, 1.5, 2.5, 100.0})

# %% order of a set of tuples
list({(1, 2), (0, 5), (3, 4), (9, 9)})

# %% order of a set of text
sorted({"a", "b", "c"}) == sorted(["c", "a", "b"])

# %% order of a dictionary
list({2**40: 1, 5: 2, 0.5: 3})

# %% set operations keep content
sorted({2**40, 1} | {2**50} - {1})

# %% set pop of small ints
{3, 1, 2}.pop()

# %% getsizeof of ints
[sys.getsizeof(n) for n in (0, 1, 2**30, 2**60)]

# %% getsizeof of containers
[sys.getsizeof(one) for one in ([], (), {}, set(), "", b"")]

# %% getsizeof of lists as they grow
[sys.getsizeof([None] * k) - sys.getsizeof([]) for k in (1, 10)]

# %% struct sizes, native
[struct.calcsize(c) for c in "bBhHiIlLqQnNPefd?"]

# %% struct sizes, standard
[struct.calcsize("<" + c) for c in "bBhHiIlLqQefd?"]

# %% struct of a native long
struct.pack("l", 5)

# %% struct of a native long too large
struct.pack("l", 2**40)

# %% struct of native alignment
[struct.calcsize(f) for f in ("ci", "cl", "cq", "cP", "ilq")]

# %% struct pack and unpack
struct.unpack(">hIqd3s", struct.pack(">hIqd3s", -2, 2**31, -(2**40), 0.1, b"abc"))

# %% struct of floats
[struct.pack("<f", 0.1), struct.pack(">d", -0.0), struct.pack("<e", 65504.0)]

# %% struct of a float too large
struct.pack("<f", 1e39)

# %% struct range error
struct.pack("<h", 70_000)

# %% struct iter_unpack
list(struct.iter_unpack("<HB", bytes(range(9))))

# %% nan bits
struct.pack(">d", float("nan"))

# %% nan payload kept
struct.pack("<d", struct.unpack("<d", b"\x01\x02\x03\x04\x05\x06\xf8\x7f")[0])

# %% float32 nan payload kept
struct.pack("<f", struct.unpack("<f", b"\x01\x02\xc0\x7f")[0])

# %% array itemsizes
[array.array(c).itemsize for c in "bBhHiIlLqQfd"]

# %% array of l
array.array("l", [2**40])

# %% array of q
array.array("q", [2**40, -1]).tobytes()

# %% array of L overflow
array.array("L", [2**33])

# %% array of u
array.array("w", "日a").itemsize

# %% array byteswap and text
numbers = array.array("i", [1, 256])
numbers.byteswap()
[numbers.tolist(), repr(array.array("d", [1.5]))]

# %% memoryview casts
memoryview(bytes(range(8))).cast("I").tolist()

# %% memoryview cast to l
len(memoryview(bytes(16)).cast("l"))

# %% byteorder
sys.byteorder

# %% maxunicode
sys.maxunicode

# %% platform
sys.platform

# %% os.name
import os

os.name

# %% implementation
[sys.implementation.name, sys.flags.optimize, sys.flags.utf8_mode]

# %% range length
len(range(2**31 - 1))

# %% range length beyond 31 bits
len(range(2**31 + 5))

# %% range of large numbers
[range(10**12)[-1], 10**11 in range(10**12), range(0, 10**12, 7).index(7 * 10**9)]

# %% list index with a large number
[1, 2][2**40]

# %% slices with large numbers
[1, 2, 3][-(2**40) : 2**40]

# %% text times a large number
"a" * 2**62

# %% bytes of a large size
bytes(2**62)

# %% list of a large size
[None] * 2**61

# %% str index error
"abc"[10]

# %% enumerate and count beyond 31 bits
[next(iter(enumerate("a", 2**40))), 2**40 + 1]

# %% islice bounds
import itertools

list(itertools.islice(itertools.count(2**40, 3), 2**20, 2**20 + 2))

# %% recursion limit
sys.getrecursionlimit()


# %% recursion error
def deep(n):
    return deep(n + 1)


deep(0)


# %% recursion to 900
def count(n):
    return 0 if n == 0 else 1 + count(n - 1)


count(900)

# %% repr nested 500 deep
nested = []
for _ in range(500):
    nested = [nested]
len(repr(nested))

# %% int limits of text
sys.get_int_max_str_digits()

# %% interning
sys.intern("ab" * 3) is sys.intern("ababab")

# %% id is an int
id(object()) > 0

# %% refcount
sys.getrefcount([]) <= 2

# %% seek beyond 31 bits
import io

io.BytesIO(b"abc").seek(2**40)

# %% deque maxlen
from collections import deque

deque([1, 2, 3], maxlen=2**40).maxlen

# %% Counter of large numbers
from collections import Counter

Counter({"a": 2**40})["a"] * 2**10

# %% range hash
hash(range(3))

# %% hash of a date
import datetime

hash(datetime.timedelta(1)) == hash(datetime.timedelta(hours=24))

# %% hash of a Decimal
import decimal

hash(decimal.Decimal("0.1"))

# %% hash of a Fraction
import fractions

hash(fractions.Fraction(1, 3))
