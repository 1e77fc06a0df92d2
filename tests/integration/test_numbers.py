"""NumPy's default integer has 64 bits, as outside: the same program gives the same numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.workbench import Workbench

if TYPE_CHECKING:
    from pathlib import Path

# The first that needs the science interpreter compiles it for minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

IMPORTS = """
import io
import numpy as np, pandas as pd
from scipy import ndimage, sparse
"""
# Each expression, and its value under CPython 3.13 on Linux x86-64 with the same versions.
VALUES: list[tuple[str, Any]] = [
    ("int(np.arange(100000).sum())", 4999950000),
    ("int((np.array([1_700_000_000]) * 1000)[0])", 1_700_000_000_000),
    ("int(np.dot(np.arange(50000), np.arange(50000)))", 41665416675000),
    ("int(pd.Series([1.7e12]).astype(int)[0])", 1_700_000_000_000),
    ("int(pd.read_csv(io.StringIO('a\\n1700000000000\\n'), dtype=int).a[0])", 1_700_000_000_000),
    ("0 <= np.random.randint(0, 3_000_000_000) < 3_000_000_000", True),
    ("repr(np.power(10, 12))", "np.int64(1000000000000)"),
    ("repr(np.square(100_000))", "np.int64(10000000000)"),
    ("repr(np.multiply(100_000, 100_000))", "np.int64(10000000000)"),
    ("repr(np.floor_divide(2**40, 3))", "np.int64(366503875925)"),
    ("repr(np.left_shift(1, 40))", "np.int64(1099511627776)"),
    ("repr(np.abs(-2**40))", "np.int64(1099511627776)"),
    ("np.cumsum([2**31 - 1, 1]).tolist()", [2147483647, 2147483648]),
    ("np.prod(range(1, 16)).tolist()", 1307674368000),
    ("(np.array([[2, 0], [0, 2]]) @ np.array([[2**31, 0], [0, 1]])).tolist()", [[2**32, 0], [0, 2]]),
    ("np.linalg.matrix_power(np.array([[1, 1], [1, 0]]), 80)[0, 1].tolist()", 23416728348467685),
    ("np.einsum('i,i', [1 << 20] * 2, [1 << 20] * 2).tolist()", 1 << 41),
    ("np.full(3, 2**31).sum().tolist()", 3 * 2**31),
    ("np.array([1, 2], dtype=np.int32).sum().dtype.name", "int64"),
    ("np.add.reduce(np.array([200], dtype=np.uint8)).dtype.name", "uint64"),
    ("np.array([True, True]).sum().dtype.name", "int64"),
    ("(np.array([True]) * 5).dtype.name", "int64"),
    ("np.linspace(0, 3e9, 2, dtype=int).tolist()", [0, 3_000_000_000]),
    ("np.fromiter([2**40], int).tolist()", [2**40]),
    ("np.loadtxt(['1099511627776'], dtype=int).tolist()", 2**40),
    ("np.array('1099511627776').astype(int).tolist()", 2**40),
    ("np.array(['2020-01-01'], 'M8[ns]').astype(int).tolist()", [1577836800000000000]),
    ("[np.dtype(name).name for name in ('int', 'int_', 'long', 'uint', int)]",
     ["int64", "int64", "int64", "uint64", "int64"]),
    ("[np.int_ is np.int64, np.uint is np.uint64, np.long is np.int64]", [True, True, True]),
    ("isinstance(np.array([1])[0], np.int_)", True),
    ("np.issubdtype(np.array([1]).dtype, np.int_)", True),
    ("[repr(np.array([1, 2])), repr(np.array([1, 2], dtype=np.int32))]",
     ["array([1, 2])", "array([1, 2], dtype=int32)"]),
    ("str(np.iinfo(int).max)", "9223372036854775807"),
    ("np.random.RandomState(0).randint(0, 100, 5).tolist()",
     [44, 47, 64, 67, 67]),
    ("np.random.RandomState(0).binomial(10, .5, 5).tolist()", [5, 6, 5, 5, 5]),
    ("np.random.RandomState(0).multinomial(10, [.5, .5]).tolist()", [5, 5]),
    ("np.random.RandomState(0).poisson(5, 3).dtype.name", "int64"),
    ("np.random.RandomState(0).permutation(4).dtype.name", "int64"),
    ("np.random.RandomState(0).tomaxint(2).tolist()", [5061911111874532631, 6596457591747962464]),
    ("type(np.random.RandomState(0).randint(5)).__name__", "int"),
    ("np.random.default_rng(0).integers(0, 2**40, 2).tolist()", [700346781657, 296633628802]),
    ("np.repeat([1, 2], np.array([1, 2])).tolist()", [1, 2, 2]),
    ("np.take([10, 20, 30], np.array([2, 0])).tolist()", [30, 10]),
    ("np.bincount(np.array([1, 1, 3])).tolist()", [0, 2, 0, 1]),
    ("pd.Series([100_000]).pow(2).tolist()", [10**10]),
    ("pd.concat([pd.DataFrame({'a': [1]}).assign(b=2, c=3.5)] * 2).values.tolist()",
     [[1, 2, 3.5], [1, 2, 3.5]]),
    ("pd.Series(['1099511627776']).astype('int').tolist()", [2**40]),
    ("str(pd.DataFrame({'a': [1]}).astype(int).dtypes['a'])", "int64"),
    ("pd.crosstab(pd.Series([1, 1, 2]), pd.Series(['a', 'b', 'a'])).values.tolist()",
     [[1, 1], [1, 0]]),
    # Indices and counts have 32 bits inside, and arithmetic with them is made in 64.
    ("(np.argsort(np.arange(60_000)[::-1])[:2] * 60_000).tolist()", [3599940000, 3599880000]),
    ("(np.where(np.arange(100_000) > 99_997)[0] * 50_000).tolist()", [4999900000, 4999950000]),
    ("(np.flatnonzero(np.arange(70_000) == 69_999) ** 2).tolist()", [4899860001]),
    ("(np.bincount([0, 0]) << 40).tolist()", [1 << 41]),
    ("int(np.argmax(np.arange(60_000)) ** 2)", 3599880001),
    ("int(np.argmax(np.array([1, 9, 3])) + 2**40)", 2**40 + 1),
    ("int(np.int32(2**31 - 1) + np.argmax([0, 1]))", 2**31),
    ("int(np.argmax([0, 1]) + np.int32(2**31 - 1))", 2**31),
    ("(np.argsort([1, 0]) * np.array([1, 2**31 - 1], np.int32) * 2).tolist()", [2, 0]),
    ("(np.array([2**31 - 1] * 2, np.int32) + np.argsort([1, 0])).tolist()", [2**31, 2**31 - 1]),
    ("bool(np.argmax([0, 1]) < 2**70)", True),
    ("(np.argsort([1, 0]) * 2.5).tolist()", [2.5, 0.0]),
    ("(np.argsort([1, 0]) * 1).dtype.name", "int64"),
    ("[int(f(*[np.argsort(-np.arange(60_000))] * 2)) for f in (np.dot, np.inner, np.vdot, np.matmul)]",
     [71998200010000] * 4),
    ("int(np.einsum('i,i', *[np.argsort(-np.arange(60_000))] * 2))", 71998200010000),
    ("(pd.DataFrame({'k': [0] * 60_000}).groupby('k').indices[0][-1:] * 60_000).tolist()",
     [3599940000]),
    ("str(pd.Series(np.argsort(-np.arange(60_000))).pow(2).max())", "3599880001"),
    ("pd.DataFrame({'k': [0] * 3, 'v': np.argsort([2, 1, 0])}).groupby('k').v.sum().dtype.name",
     "int64"),
    ("pd.merge(*[pd.DataFrame({'v': np.argsort([2, 1])})] * 2, on='v').v.tolist()", [1, 0]),
    ("(sparse.csr_matrix([[1]]) * np.argmax(np.arange(60_000)) * 60_000).toarray().tolist()",
     [[3599940000]]),
    ("(sparse.csr_matrix(np.argsort(-np.arange(60_000))[:1, None]) ** 2).toarray().tolist()",
     [[3599880001]]),
    ("ndimage.convolve(np.argsort(-np.arange(60_000))[:2], [60_000]).tolist()",
     [3599940000, 3599880000]),
    # What a program calls int32 stays that, and wraps as outside.
    ("(np.full(2, 60_000, 'int32') * np.full(2, 60_000, 'i4')).tolist()", [-694967296] * 2),
    ("(np.full(1, 60_000, np.int32) * 60_000).tolist()", [-694967296]),
    ("[np.int32 is np.intc, np.int32.__name__, np.dtype('<i4').char, str(np.dtype(np.int32))]",
     [True, "int32", "i", "int32"]),
    ("isinstance(np.array([1], 'i4')[0], np.int32)", True),
]  # fmt: skip


@pytest.fixture(scope="module")
def found(toolchain_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    bench = Workbench(toolchain_home, tmp_path_factory.mktemp("numbers"))
    lines = [f"    found[{text!r}] = attempt(lambda: {text})" for text, _ in VALUES]
    source = f"""{IMPORTS}
def attempt(made):
    try:
        return made()
    except Exception as error:
        return repr(error)
def main():
    found = {{}}
{chr(10).join(lines)}
    return found
"""
    envelope = bench.run(source, max_fuel=10**12)
    assert envelope["success"], envelope["error"]
    result: dict[str, Any] = envelope["result"]
    return result


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_the_number_is_that_of_outside(found: dict[str, Any], text: str, value: object) -> None:
    assert found[text] == value


def test_an_old_generator_is_copied_with_its_state(bench: Workbench) -> None:
    source = """
import copy, pickle
import numpy as np
def main():
    first = np.random.RandomState(5)
    first.randint(10, size=3)
    first.randn()
    others = copy.deepcopy(first), pickle.loads(pickle.dumps(first))
    drawn = [(each.randn(), each.randint(0, 2**40)) for each in (first, *others)]
    np.random.seed(1)
    shared = np.random.randint(0, 2**40)
    state = np.random.get_state()
    again = [np.random.randint(2**40), np.random.set_state(state), np.random.randint(2**40)]
    return len(set(drawn)), isinstance(others[1], np.random.RandomState), again[0] == again[2]
"""
    assert bench.run(source)["result"] == [1, True, True]


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("from sklearn.datasets import make_classification\n"
         "def main(): return make_classification(30, random_state=0)[1][:8].tolist()",
         [0, 1, 1, 1, 0, 0, 0, 1]),
        ("from sklearn.utils.random import sample_without_replacement as sample\n"
         "def main(): return str(sample(10, 3, random_state=0).dtype)", "int64"),
        ("import numpy as np\nfrom scipy.signal import peak_prominences\n"
         "def main(): return peak_prominences([0, 2, 1, 3, 0], np.array([1, 3]))[0].tolist()",
         [1.0, 3.0]),
    ],
)  # fmt: skip
def test_libraries_take_indices_of_64_bits(bench: Workbench, source: str, result: object) -> None:
    envelope = bench.run(source, max_fuel=10**11)
    assert envelope["result"] == result, envelope["error"]


@pytest.mark.parametrize(
    "kept",
    [
        "order *= 60_000",
        "np.multiply(order, 60_000, out=order)",
        "order[:] = np.array([2**40, 1])",
        "np.arange(10)[np.array([2**32 + 1])]",
        "np.array([2**40]).astype(np.intp)",
    ],
)
def test_what_does_not_fit_an_index_is_an_error(bench: Workbench, kept: str) -> None:
    source = f"""
import numpy as np
def main():
    order = np.argsort(np.arange(60_000)[::-1])[:2]
    order += 1
    order -= 1
    try:
        {kept}
    except (OverflowError, IndexError) as error:
        return type(error).__name__, order.tolist()
"""
    envelope = bench.run(source, max_fuel=10**11)
    kind = "IndexError" if "arange(10)" in kept else "OverflowError"
    assert envelope["result"] == [kind, [59_999, 59_998]], envelope["error"]


@pytest.mark.parametrize(
    "source",
    [
        "optimize.minimize(lambda x: (x**2).sum(), [1.0], method='SLSQP').x",
        "optimize.minimize(lambda x: (x**2).sum(), [1.0], method='L-BFGS-B').x",
        "integrate.ode(lambda t, y: -y).set_integrator('vode').set_initial_value([1.0]).integrate(1)",
        "integrate.ode(lambda t, y: -y).set_integrator('zvode').set_initial_value([1j]).integrate(1)",
        "integrate.ode(lambda t, y: -y).set_integrator('lsoda').set_initial_value([1.0]).integrate(1)",
        "integrate.odeint(lambda y, t: -y, [1.0], [0, 1])",
    ],
)
def test_compiled_code_that_asks_for_int32_takes_it(bench: Workbench, source: str) -> None:
    text = f"from scipy import integrate, optimize\ndef main(): return {source}.size"
    envelope = bench.run(text, max_fuel=10**11)
    assert envelope["success"], envelope["error"]


def test_a_long_dot_product_of_float32_loses_nothing(bench: Workbench) -> None:
    source = """
import numpy as np
def main():
    row = np.full(3_000_000, 0.1, "f4")
    exact = float(np.float32(3_000_000 * float(np.float32(0.1)) ** 2))
    return [float(np.dot(row, row)) == exact, float(row @ row[:]) == exact, float(row[::2] @ row[::2])]
"""
    envelope = bench.run(source, max_fuel=10**11)
    assert envelope["result"] == [True, True, 15000.0], envelope["error"]
