"""What a task's sources say of the native code that it will need."""

from __future__ import annotations

import pytest

from capsule.packages import builtin_table
from capsule.packages.builtin_distributions import imports_with
from capsule.packages.native_imports import natives_of
from capsule.toolstore.flavours import NATIVES, flavour_with


def flavour(*imports: str, source: bytes = b"") -> str:
    return flavour_with(natives_of(frozenset(imports), [b"def main(): pass", source]))


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        (["json"], "core"),
        (["networkx", "sympy", "openpyxl"], "core"),
        (["PIL"], "documents"),
        (["lxml", "regex", "bs4", "json"], "documents"),
        (["numpy"], "numpy"),
        (["numpy", "json", "mine"], "numpy"),
        (["pandas"], "pandas"),
        (["pandas", "numpy"], "pandas"),
        (["pandas", "lxml"], "matplotlib"),
        (["numpy", "PIL"], "matplotlib"),
        (["contourpy"], "matplotlib"),
        (["matplotlib"], "matplotlib"),
        (["pylab"], "matplotlib"),
        (["mpl_toolkits", "pandas"], "matplotlib"),
        (["scipy"], "scipy"),
        (["scipy", "matplotlib", "lxml"], "scipy"),
        (["scipy", "pandas"], "science"),
        (["sklearn"], "science"),
        (["statsmodels"], "science"),
        (["seaborn"], "science"),
        (["formulaic"], "science"),
        (["patsy"], "science"),
    ],
)
def test_imports_decide_by_what_they_require(imports: list[str], expected: str) -> None:
    assert flavour(*imports) == expected


@pytest.mark.parametrize(
    ("imports", "source", "expected"),
    [
        (["pandas"], b"frame.plot()", "matplotlib"),
        (["pandas"], b"frame['a'].hist()", "matplotlib"),
        (["pandas"], b"history = plots", "pandas"),
        (["pandas"], b"frame.to_excel(file)", "matplotlib"),
        (["pandas"], b"pd.ExcelWriter(file)", "matplotlib"),
        (["pandas"], b"pd.read_html(text)", "matplotlib"),
        (["pandas"], b"frame.interpolate('spline')", "science"),
        (["pandas"], b"frame.corr(method='kendall')", "science"),
        (["pandas"], b"frame.plot(kind='kde')", "science"),
        (["pandas"], b"frame.eval('a + b')", "pandas"),
        (["PIL"], b"Image.fromarray(numpy.zeros(3))", "matplotlib"),
        (["openpyxl", "lxml"], b"", "matplotlib"),
        (["sympy", "numpy"], b"", "scipy"),
    ],
)
def test_words_stand_for_what_a_package_imports_late(
    imports: list[str], source: bytes, expected: str
) -> None:
    assert flavour(*imports, source=source) == expected


@pytest.mark.parametrize(
    "source",
    [
        b"exec(text)",
        b"value = eval (text)",
        b"__import__(name)",
        b"importlib.import_module(name)",
        b"runpy.run_path(file)",
        b"import pickle",
        b"joblib.load(file)",
        b"pd.read_pickle(file)",
    ],
)
def test_code_that_can_import_anything_has_everything(source: bytes) -> None:
    assert flavour("numpy", source=source) == "science"
    # What is on core has nothing to lose.
    assert flavour("json", source=source) == "core"


def test_every_package_that_core_has_not_is_known() -> None:
    """What stands in the table of packages as needing more than core comes to native code."""
    for name in builtin_table.SCIENCE:
        assert imports_with(frozenset((name,))) & NATIVES, name
