"""NumPy with a default integer of 64 bits, as outside: what patches leave to Python.

NumPy's default integer is its `intp`, which has 32 bits here. In the interpreter, numbers, arrays
and `dtype=int` have 64 already; here are the names, what `repr` leaves out, and the compiled
modules that write C longs into arrays which they ask for as `int`.

Indices keep their 32 bits, and arithmetic with them is made in 64: of NumPy's two types with 32
bits, C's long is that of indices alone, and operations take it for 64 bits before they look for a
loop. What is called int32, by any name, is C's int.
"""

from __future__ import annotations

import sys
from functools import wraps
from importlib import import_module

from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Run = Callable[[ModuleType], None]

_SIGNED, _UNSIGNED = ("int_", "long", "int"), ("uint", "ulong")
# NumPy's number of C's long.
_INDEX = 7
# Legacy distributions that are drawn as C longs.
_DRAWN_AS_LONGS = [
    "binomial",
    "geometric",
    "hypergeometric",
    "logseries",
    "multinomial",
    "negative_binomial",
    "poisson",
    "zipf",
    "random_integers",
]


def adapt_on_import() -> None:
    """Adapt NumPy, and the packages that hand on its default integer, as they are imported."""
    adapt("numpy", _behind(_adapt_numpy))
    adapt("sklearn.utils.random", _behind(_adapt_sampling))
    adapt("scipy.signal._peak_finding", _behind(_adapt_peaks))
    adapt("scipy.sparse", _behind(_adapt_sparse))
    adapt("scipy.ndimage._ni_support", _behind(_adapt_images))
    adapt("pandas", _behind(_adapt_pandas))


def _behind(change: Callable[[ModuleType], None]) -> Callable[[ModuleType, Run], None]:
    def run(module: ModuleType, execute: Run) -> None:
        execute(module)
        change(module)

    return run


class CLongs:
    """NumPy as a compiled module needs it that takes `int` for a C long."""

    def __init__(self, numpy) -> None:  # type: ignore[no-untyped-def]
        self._numpy = numpy
        self._long = numpy.dtype("l")
        self.long = self.int_ = self._long.type
        self.ulong = self.uint = numpy.dtype("L").type

    def __getattr__(self, name: str) -> object:
        return getattr(self._numpy, name)

    def empty(self, shape, dtype=float, **options):  # type: ignore[no-untyped-def]
        return self._numpy.empty(shape, self._long if dtype is int else dtype, **options)

    def zeros(self, shape, dtype=float, **options):  # type: ignore[no-untyped-def]
        return self._numpy.zeros(shape, self._long if dtype is int else dtype, **options)

    def arange(self, *bounds, dtype=None, **options):  # type: ignore[no-untyped-def]
        return self._numpy.arange(*bounds, dtype=self._long if dtype is int else dtype, **options)


def _adapt_numpy(numpy) -> None:  # type: ignore[no-untyped-def]
    long, ulong = numpy.dtype("l").type, numpy.dtype("L").type
    names = dict.fromkeys(_SIGNED, numpy.int64) | dict.fromkeys(_UNSIGNED, numpy.uint64)
    mtrand = numpy.random.mtrand
    mtrand.np = CLongs(numpy)
    # Of the two types with 32 bits, the one that arithmetic does not widen.
    narrow = numpy.dtype("i")
    names["int32"] = narrow.type
    numpy.sctypeDict.update(names)
    for before in (long, ulong):
        _replace("numpy", before, names)
    numpy.dtypes.IntDType = type(narrow)
    plain = import_module("numpy._core.arrayprint")._typelessdata
    plain[:] = [numpy.int64 if kind is long else kind for kind in plain]
    _adapt_indices(numpy)
    _adapt_random_state(numpy)


def _replace(package: str, before: object, names: dict) -> None:
    """Put what `names` has in place of `before`, wherever a module of the package calls it so."""
    for title, module in list(sys.modules.items()):
        if title.partition(".")[0] == package and module is not None:
            for name, after in names.items():
                if vars(module).get(name) is before:
                    setattr(module, name, after)


def _is_index(dtype) -> bool:  # type: ignore[no-untyped-def]
    """Say whether it is C's long: that of indices and counts, and of nothing else."""
    return bool(dtype.num == _INDEX)


def _widened(numpy, value):  # type: ignore[no-untyped-def]
    """Return indices as int64, and anything else as it is."""
    known = isinstance(value, (numpy.ndarray, numpy.generic)) and _is_index(value.dtype)
    return value.astype(numpy.int64) if known else value


def _adapt_indices(numpy) -> None:  # type: ignore[no-untyped-def]
    """Have `einsum` and files take indices for 64 bits, as operators do by themselves."""
    products = import_module("numpy._core.einsumfunc")
    add_up = products.c_einsum

    def c_einsum(*operands, **options):  # type: ignore[no-untyped-def]
        if options.get("dtype") is None:
            operands = tuple(_widened(numpy, operand) for operand in operands)
        return add_up(*operands, **options)

    products.c_einsum = c_einsum  # type: ignore[attr-defined]
    files = import_module("numpy.lib._format_impl")
    write = files.write_array

    def write_array(fp, array, *args, **kwargs):  # type: ignore[no-untyped-def]
        return write(fp, _widened(numpy, array), *args, **kwargs)

    write_array.__doc__ = write.__doc__
    for module in (files, numpy.lib.format):
        module.write_array = write_array  # type: ignore[union-attr]


def _adapt_random_state(numpy) -> None:  # type: ignore[no-untyped-def]
    """Have the old generator give integers of 64 bits; those of `default_rng` have them."""
    random = numpy.random
    mtrand = random.mtrand
    base, long = mtrand.RandomState, numpy.dtype("l")
    most = numpy.iinfo(long).max

    class RandomState(base):  # type: ignore[misc, valid-type]
        __doc__ = base.__doc__

        def randint(self, low, high=None, size=None, dtype=int):  # type: ignore[no-untyped-def]
            if dtype is not int:
                return super().randint(low, high, size, dtype)
            drawn = super().randint(low, high, size, numpy.int64)
            return int(drawn) if size is None and not numpy.ndim(drawn) else drawn

        def permutation(self, x):  # type: ignore[no-untyped-def]
            drawn = super().permutation(x)
            return drawn.astype(numpy.int64) if isinstance(x, (int, numpy.integer)) else drawn

        def tomaxint(self, size=None):  # type: ignore[no-untyped-def]
            raw = self._bit_generator.random_raw
            count = 1 if size is None else int(numpy.prod(size))
            if isinstance(self._bit_generator, random.MT19937):
                # Its numbers have 32 bits: the first of two is the upper half.
                halves = raw(2 * count)
                drawn = halves[::2] << numpy.uint64(32) | halves[1::2]
            else:
                drawn = raw(count)
            drawn = (drawn >> numpy.uint64(1)).astype(numpy.int64)
            return int(drawn[0]) if size is None else drawn.reshape(size)

        def __reduce__(self) -> tuple:
            return _restored, (super().__reduce__(),)

    def widened(name: str):  # type: ignore[no-untyped-def]
        plain = getattr(base, name)

        def draw(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            drawn = plain(self, *args, **kwargs)
            if numpy.size(drawn) and numpy.max(drawn) == most:
                # Larger ones are cut to that, and look like numbers that were drawn.
                raise OverflowError(
                    f"RandomState.{name} draws numbers of 31 bits here, and some are larger:"
                    f" numpy.random.default_rng().{name} draws them"
                )
            if isinstance(drawn, numpy.ndarray) and drawn.dtype == long:
                return drawn.astype(numpy.int64)
            return drawn

        draw.__name__, draw.__doc__ = name, plain.__doc__
        return draw

    for name in _DRAWN_AS_LONGS:
        setattr(RandomState, name, widened(name))
    RandomState.__module__, RandomState.__qualname__ = base.__module__, base.__qualname__
    shared = mtrand._rand
    mtrand._rand = RandomState(shared._bit_generator)
    for module in (mtrand, random):
        module.RandomState = RandomState
        for name, value in list(vars(module).items()):
            if getattr(value, "__self__", None) is shared:
                setattr(module, name, getattr(mtrand._rand, name))


def _restored(reduced: tuple) -> object:
    """Return the generator that `pickle` and `copy` describe, as one that gives 64 bits."""
    import numpy as np

    make, args, state = reduced
    plain = make(*args)
    plain.__setstate__(state)
    restored = np.random.RandomState(plain._bit_generator)
    # With what the generator of bits does not know: a number of a pair that is kept for later.
    restored.set_state(plain.get_state(legacy=False))
    return restored


def _adapt_sampling(module: ModuleType) -> None:
    import numpy as np

    compiled = import_module("sklearn.utils._random")
    compiled.np = CLongs(np)  # type: ignore[attr-defined]
    plain = compiled.sample_without_replacement

    def sample_without_replacement(*args, **kwargs):  # type: ignore[no-untyped-def]
        return plain(*args, **kwargs).astype(np.int64)

    sample_without_replacement.__doc__ = plain.__doc__
    for each in (compiled, module):
        each.sample_without_replacement = sample_without_replacement  # type: ignore[attr-defined]


def _adapt_peaks(module) -> None:  # type: ignore[no-untyped-def]
    import numpy as np

    plain = module._arg_peaks_as_expected

    def _arg_peaks_as_expected(value):  # type: ignore[no-untyped-def]
        return plain(_as_indices(np, value))

    module._arg_peaks_as_expected = _arg_peaks_as_expected


def _adapt_pandas(pandas) -> None:  # type: ignore[no-untyped-def]
    import numpy as np

    lib = pandas._libs.lib
    plain = lib.maybe_indices_to_slice

    def maybe_indices_to_slice(indices, max_len):  # type: ignore[no-untyped-def]
        return plain(_as_indices(np, indices), max_len)

    lib.maybe_indices_to_slice = maybe_indices_to_slice
    _adapt_places(np)
    _adapt_columns(pandas, np)


def _adapt_places(numpy) -> None:  # type: ignore[no-untyped-def]
    """Have a frame keep as indices where its columns are: one that is inserted has a plain int."""
    manager = import_module("pandas.core.internals.managers").BlockManager
    insert = manager._insert_update_blklocs_and_blknos

    def _insert_update_blklocs_and_blknos(self, loc) -> None:  # type: ignore[no-untyped-def]
        insert(self, loc)
        self._blklocs = self._blklocs.astype(numpy.intp, copy=False)
        self._blknos = self._blknos.astype(numpy.intp, copy=False)

    manager._insert_update_blklocs_and_blknos = _insert_update_blklocs_and_blknos


def _adapt_columns(pandas, numpy) -> None:  # type: ignore[no-untyped-def]
    """Have series, frames and indexes keep indices as int64: what they give back is int32."""
    lib, construction = pandas._libs.lib, import_module("pandas.core.construction")
    frames = import_module("pandas.core.internals.construction")
    convert, sanitize, manage = (
        lib.maybe_convert_objects,
        construction.sanitize_array,
        frames.ndarray_to_mgr,
    )

    def maybe_convert_objects(objects, *args, **kwargs):  # type: ignore[no-untyped-def]
        found = convert(objects, *args, **kwargs)
        # It goes by the bytes of the widest number.
        if getattr(found, "dtype", None) == numpy.int32 and numpy.intp in map(type, objects):
            return found.astype(numpy.int64)
        return found

    def sanitize_array(*args, **kwargs):  # type: ignore[no-untyped-def]
        return _widened(numpy, sanitize(*args, **kwargs))

    def ndarray_to_mgr(values, *args, **kwargs):  # type: ignore[no-untyped-def]
        return manage(_widened(numpy, values), *args, **kwargs)

    lib.maybe_convert_objects = maybe_convert_objects
    _replace("pandas", sanitize, {"sanitize_array": sanitize_array})
    _replace("pandas", manage, {"ndarray_to_mgr": ndarray_to_mgr})
    by_type = import_module("pandas.core.reshape.merge")._factorizers
    by_type[numpy.intp] = by_type[numpy.int32]


def _adapt_sparse(sparse) -> None:  # type: ignore[no-untyped-def]
    """Have sparse arrays keep indices as int64: compiled code computes in the type of the data."""
    import numpy as np

    def adapted(plain):  # type: ignore[no-untyped-def]
        @wraps(plain)
        def __init__(self, *args, **kwargs):  # type: ignore[no-untyped-def] # noqa: N807
            plain(self, *args, **kwargs)
            self.data = _widened(np, self.data)

        return __init__

    for kind in (
        sparse._compressed._cs_matrix,
        sparse._bsr._bsr_base,
        sparse._coo._coo_base,
        sparse._dia._dia_base,
    ):
        kind.__init__ = adapted(kind.__init__)


def _adapt_images(module) -> None:  # type: ignore[no-untyped-def]
    """Have filters of indices give int64, as outside."""
    plain = module._get_output

    @wraps(plain)
    def _get_output(output, input, shape=None, complex_output=False):  # type: ignore[no-untyped-def] # noqa: A002
        if output is None and not complex_output and _is_index(input.dtype):
            output = "int64"
        return plain(output, input, shape, complex_output)

    module._get_output = _get_output


def _as_indices(numpy, value):  # type: ignore[no-untyped-def]
    """Return an array of default integers as one of indices; too large a number cannot be one."""
    array = numpy.asarray(value)
    if array.dtype != numpy.int64:
        return value
    most = numpy.iinfo(numpy.intp)
    if array.size and not (most.min <= array.min() and array.max() <= most.max):
        raise IndexError(f"an index is outside {most.min} to {most.max}")
    return array.astype(numpy.intp)
