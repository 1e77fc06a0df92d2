"""Classes, enums, copies, pickles, and what ends an object."""

import abc
import asyncio
import contextlib
import contextvars
import copy
import dataclasses
import datetime
import enum
import gc
import graphlib
import inspect
import operator
import pickle
import types
import typing
import weakref


# %% dataclass
@dataclasses.dataclass(order=True)
class Card:
    rank: int
    suits: list = dataclasses.field(default_factory=list, compare=False)


[
    Card(2),
    Card(2) < Card(3),
    dataclasses.asdict(Card(1, ["x"])),
    dataclasses.replace(Card(1), rank=5),
]


# %% frozen dataclass
@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    a: int = 1


Fixed().a = 2


# %% enum
class Color(enum.Enum):
    RED = 1
    BLUE = enum.auto()


[Color.RED, Color(2), list(Color), Color["RED"].name, repr(Color.BLUE)]


# %% flags
class Access(enum.Flag):
    R = enum.auto()
    W = enum.auto()


[Access.R | Access.W, ~Access.R, Access.R in Access(3), list(Access(3))]


# %% IntEnum, StrEnum
class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.StrEnum):
    FAST = enum.auto()


[Level.LOW + 1, f"{Level.LOW}", Mode.FAST, str(Mode.FAST)]


# %% wrong enum value
class Only(enum.Enum):
    A = 1


Only(2)


# %% method resolution order
class A: ...


class B(A): ...


class C(A): ...


class Both(B, C): ...


[one.__name__ for one in Both.__mro__]


# %% impossible method resolution order
class Top: ...


class Low(Top): ...


class Wrong(Top, Low): ...


# %% abstract class
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


Shape()


# %% descriptors and properties
class Celsius:
    def __init__(self):
        self._t = 0

    @property
    def f(self):
        return self._t * 9 / 5 + 32

    @f.setter
    def f(self, value):
        self._t = (value - 32) * 5 / 9


thermo = Celsius()
thermo.f = 212
[thermo._t, thermo.f]


# %% slots
class Small:
    __slots__ = ("a",)


small = Small()
small.b = 1


# %% operators of one's own
class V:
    def __init__(self, n):
        self.n = n

    def __add__(self, other):
        return V(self.n + other.n)

    def __radd__(self, other):
        return self if other == 0 else NotImplemented

    def __eq__(self, other):
        return self.n == other.n

    def __repr__(self):
        return f"V({self.n})"


[sum([V(1), V(2)]), V(1) == V(1), V.__hash__]


# %% __getattr__ and __missing__
class Open(dict):
    def __missing__(self, key):
        return key * 2

    def __getattr__(self, name):
        return name.upper()


[Open()["ab"], Open().color]


# %% __init_subclass__ and metaclass
class Registry:
    names = []

    def __init_subclass__(cls, **options):
        Registry.names.append((cls.__name__, options))


class One(Registry, tag=5): ...


Registry.names


# %% weakref
class Thing: ...


thing = Thing()
ref = weakref.ref(thing)
alive = ref() is thing
del thing
[alive, ref() is None]

# %% finalizers run at once
log = []


class Loud:
    def __del__(self):
        log.append("gone")


loud = Loud()
del loud
log

# %% garbage of circles
gc.collect()


class Node: ...


node = Node()
node.me = node
ref = weakref.ref(node)
del node
gc.collect()
ref() is None

# %% copy and deepcopy
grid = [[1], [2]]
flat, deep = copy.copy(grid), copy.deepcopy(grid)
grid[0].append(9)
[flat, deep]

# %% deepcopy of a circle
loop = [1]
loop.append(loop)
twin = copy.deepcopy(loop)
[twin[1] is twin, twin is loop]

# %% pickle protocols
[len(pickle.dumps([1, 2.5, "a", None], protocol)) for protocol in range(6)]

# %% pickle bytes
pickle.dumps({"a": [1, 2**40, 0.5]}, 2)

# %% pickle from outside
pickle.loads(
    bytes.fromhex(
        "80049525000000000000007d94288c0161944b018c0162945d94284740040000000000008a060000000000014e65752e"
    )
)

# %% pickle of a range, a slice, a set
pickle.loads(pickle.dumps([range(3), {1, 2}, frozenset("a"), slice(1, 2), Ellipsis, 2**100]))

# %% pickle of a lambda
try:
    pickle.dumps(lambda: 1)
except Exception as error:
    print(type(error).__name__)

# %% pickle of a date
pickle.dumps(datetime.date(2020, 1, 2), 2)

# %% typing
[
    typing.get_type_hints(typing.NamedTuple("N", [("a", int)])),
    typing.get_args(dict[str, list[int]]),
    str(int | None),
]


# %% signature
def sample(a, /, b: int = 2, *args, c, **rest) -> str: ...


str(inspect.signature(sample))

# %% operator functions
[
    operator.attrgetter("real")(3),
    operator.methodcaller("upper")("a"),
    operator.index(True),
    operator.concat("a", "b"),
]

# %% topological order
list(graphlib.TopologicalSorter({"d": {"b", "c"}, "b": {"a"}, "c": {"a"}}).static_order())[0]

# %% circle in a graph
graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()

# %% ExitStack order
log = []
with contextlib.ExitStack() as stack:
    stack.callback(log.append, 1)
    stack.callback(log.append, 2)
log


# %% suppress and contextmanager
@contextlib.contextmanager
def tag(name):
    yield f"<{name}>"


with contextlib.suppress(KeyError), tag("b") as found:
    {}["x"]
found

# %% exception groups
try:
    raise ExceptionGroup("many", [ValueError(1), KeyError("k")])
except* KeyError as group:
    found = [repr(one) for one in group.exceptions]
except* ValueError:
    pass
found

# %% SimpleNamespace and MappingProxyType
[types.SimpleNamespace(a=1, b="x"), dict(types.MappingProxyType({"a": 1}))]

# %% exec and eval scopes
space = {}
exec("a = 1\ndef f(): return a + 1", space)
[space["f"](), eval("a * 5", space)]


# %% coroutine by hand
async def double(n):
    return n * 2


coroutine = double(4)
try:
    coroutine.send(None)
except StopIteration as stop:
    found = stop.value
found


# %% asyncio.run
async def both():
    return await asyncio.gather(asyncio.sleep(0, "a"), asyncio.sleep(0.001, "b"))


asyncio.run(both())


# %% asyncio timeouts
async def slow():
    async with asyncio.timeout(0.01):
        await asyncio.sleep(5)


asyncio.run(slow())


# %% asyncio queue
async def produce():
    queue = asyncio.Queue()
    await queue.put(1)
    return await queue.get()


asyncio.run(produce())

# %% context variables
level = contextvars.ContextVar("level", default=0)
token = level.set(5)
inner = level.get()
level.reset(token)
[inner, level.get()]
