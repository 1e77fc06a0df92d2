"""Containers, iteration and functions of the standard library."""

import bisect
import collections
import functools
import heapq
import itertools
import operator


# %% accumulate and pairwise
[
    list(itertools.accumulate([1, 5, 2], max)),
    list(itertools.pairwise("abc")),
    list(itertools.accumulate([2**40] * 3)),
]

# %% batched and zip_longest
[list(itertools.batched("abcde", 2)), list(itertools.zip_longest("ab", "c", fillvalue="-"))]

# %% combinations and permutations
[
    list(itertools.combinations("abc", 2)),
    len(list(itertools.permutations(range(6)))),
    list(itertools.combinations_with_replacement("ab", 2)),
]

# %% product
list(itertools.product("ab", [1, 2]))

# %% groupby
[(k, list(g)) for k, g in itertools.groupby("aabbba")]

# %% chain, compress, takewhile, dropwhile
[
    list(itertools.chain("ab", [1])),
    list(itertools.compress("abc", [1, 0, 1])),
    list(itertools.takewhile(str.isalpha, "ab1c")),
    list(itertools.dropwhile(str.isalpha, "ab1c")),
]

# %% islice, count, cycle, repeat
[
    list(itertools.islice(itertools.count(0.5, 0.25), 3)),
    list(itertools.islice(itertools.cycle("ab"), 5)),
    list(itertools.repeat(1, 2)),
]

# %% starmap, filterfalse, tee
first, second = itertools.tee([1, 2, 3])
[
    list(itertools.starmap(pow, [(2, 3)])),
    list(itertools.filterfalse(None, [0, 1, ""])),
    next(first),
    list(second),
]

# %% count beyond 63 bits
list(itertools.islice(itertools.count(2**63 - 1), 2))

# %% sorted with keys
[
    sorted("bAc", key=str.lower),
    sorted([(1, "b"), (1, "a")], key=operator.itemgetter(0)),
    sorted([3, 1], reverse=True),
]

# %% sort is stable
sorted([("b", 1), ("a", 1), ("c", 0)], key=lambda pair: pair[1])

# %% sort of mixed types
sorted([1, "a"])

# %% min, max with defaults
[min([], default=3), max("ab", key=ord), max([(1, 2), (1, 1)])]

# %% heapq
heap = [5, 1, 4, 2]
heapq.heapify(heap)
[heap, heapq.heappushpop(heap, 0), heapq.nsmallest(2, [3, 1, 2]), list(heapq.merge([1, 4], [2, 3]))]

# %% bisect
row = [1, 2, 2, 3]
bisect.insort(row, 2.5)
[
    row,
    bisect.bisect_left(row, 2),
    bisect.bisect(row, 2),
    bisect.bisect([1, 5, 9], 4, key=lambda v: -v),
]

# %% Counter
[
    collections.Counter("banana").most_common(2),
    collections.Counter(a=3) - collections.Counter(a=1, b=2),
]

# %% Counter of ties
collections.Counter("abcab").most_common()

# %% defaultdict and ChainMap
words = collections.defaultdict(list)
words["a"].append(1)
[dict(words), dict(collections.ChainMap({"a": 1}, {"a": 2, "b": 3}))]

# %% OrderedDict
order = collections.OrderedDict(a=1, b=2)
order.move_to_end("a")
[repr(order), order == {"a": 1, "b": 2}]

# %% deque
line = collections.deque(range(5), maxlen=3)
line.rotate(1)
[list(line), repr(line)]

# %% namedtuple
Point = collections.namedtuple("Point", "x y", defaults=[0])
[Point(1), Point(1)._asdict(), Point(1)._replace(y=5), repr(Point(2, 3))]

# %% dictionary order and merge
[
    list({"b": 1, "a": 2}),
    {"a": 1} | {"b": 2},
    dict.fromkeys("ba", 0),
    list(reversed({"x": 1, "y": 2})),
]

# %% dictionary changed while it is read
numbers = {1: 1, 2: 2}
for key in numbers:
    numbers[key + 10] = 0

# %% set algebra
[sorted({1, 2} ^ {2, 3}), {1} < {1, 2}, {1, 2}.isdisjoint({3})]

# %% slices
row = list(range(10))
row[::3] = [0, 0, 0, 0]
del row[1:3]
[row, slice(None, None, -2).indices(9)]

# %% unpacking
first, *rest, last = range(5)
[first, rest, last, {**{"a": 1}, "b": 2}]

# %% comprehension scopes
x = 5
[[x for x in range(3)], x, {k: v for k, v in zip("ab", range(2))}]


# %% generators
def ping():
    got = yield 1
    yield got * 2
    return "end"


gen = ping()
found = [next(gen), gen.send(21)]
try:
    next(gen)
except StopIteration as stop:
    found.append(stop.value)
found


# %% match statement
def shape(value):
    match value:
        case {"kind": "circle", "r": float() | int() as r}:
            return f"circle {r}"
        case [int(a), *others] if a > 0:
            return f"row {a} and {len(others)}"
        case _:
            return "other"


[shape({"kind": "circle", "r": 2}), shape([1, 2, 3]), shape([-1])]

# %% walrus and chained compare
[(n := 10) > 5, n, 1 < 2 < 3, 1 == 1.0 is not None]


# %% lru_cache
@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


[fib(90), fib.cache_info()]


# %% partial, reduce, singledispatch
@functools.singledispatch
def kind(value):
    return "other"


@kind.register
def _(value: int):
    return "int"


[functools.partial(pow, 2)(5), functools.reduce(operator.mul, range(1, 21)), kind(1), kind("a")]

# %% total_ordering and cmp_to_key
sorted([3, 1, 2], key=functools.cmp_to_key(lambda a, b: b - a))


# %% cached_property
class Lazy:
    calls = 0

    @functools.cached_property
    def value(self):
        Lazy.calls += 1
        return 7


lazy = Lazy()
[lazy.value, lazy.value, Lazy.calls]
