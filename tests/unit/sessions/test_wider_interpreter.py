"""What code shows that it imports, also where it is too long to be parsed."""

from __future__ import annotations

import tracemalloc

import pytest

from capsule.sessions.wider_interpreter import large_imports

IMPORTS = {
    "import numpy": ["numpy"],
    "import json, pandas as pd": ["pandas"],
    "from scipy.stats import norm": ["scipy"],
    "if 1:\n    import numpy.linalg as la, sklearn": ["numpy", "sklearn"],
    "x = 'import'": [],
    "from . import numpy": [],
    "important = numpy": [],
}


@pytest.mark.parametrize("code", IMPORTS)
def test_short_code_and_long_say_the_same(code: str) -> None:
    assert large_imports(code) == IMPORTS[code]
    assert large_imports(f"{code}\nx = 1\n" + "y = 2\n" * 5_000) == IMPORTS[code]


def test_long_code_takes_no_memory() -> None:
    code = "import numpy\nx = [" + "1," * 500_000 + "]"
    tracemalloc.start()
    try:
        assert large_imports(code) == ["numpy"]
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_what_is_no_code_shows_nothing() -> None:
    assert large_imports("import (") == large_imports("import \0") == []
