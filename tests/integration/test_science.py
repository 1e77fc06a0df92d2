"""The scientific stack: chosen by what is imported, and frozen like everything else."""

from __future__ import annotations

import base64
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.run import run
from capsule.runner.source import read_file
from tests.integration.workbench import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workbench import Workbench

# The first that needs the science interpreter compiles it for minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

STARTS = 1_000


def test_a_pandas_group_by(bench: Workbench) -> None:
    source = """
import pandas as pd
def main():
    frame = pd.DataFrame({"key": ["a", "b", "a"], "value": [1, 2, 3]})
    return frame.groupby("key")["value"].sum().to_dict()
"""
    for _ in range(2):
        envelope = bench.run(source)
        assert envelope["result"] == {"a": 4, "b": 2}, envelope["error"]
        assert bench.recorder.plain is None


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("from scipy import optimize\n"
         "def main(): return round(optimize.brentq(lambda x: x * x - 2, 0, 2), 6)", 1.414214),
        ("from sklearn.linear_model import LinearRegression\n"
         "def main(): return round(float(LinearRegression().fit([[0], [1]], [1, 3]).coef_[0]), 6)",
         2.0),
        ("from lxml import etree\ndef main(): return etree.fromstring('<a><b/></a>')[0].tag", "b"),
        ("def main():\n    import numpy as np\n    return int(np.arange(4).sum())", 6),
        ("import seaborn\ndef main(): return seaborn.__version__.split('.')[0]", "0"),
    ],
)  # fmt: skip
def test_what_a_task_imports_decides_on_the_interpreter(
    bench: Workbench, source: str, result: object
) -> None:
    envelope = bench.run(source)
    assert envelope["result"] == result, envelope["error"]


def test_what_a_module_beside_the_task_imports_counts(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(
        "def total(n):\n    import numpy\n    return int(numpy.arange(n).sum())\n"
    )
    (tmp_path / "entry.py").write_text("import beside\ndef main(): return beside.total(4)\n")
    source = read_file(tmp_path / "entry.py", tmp_path)
    order = prepare.order(source, prepare.Call(), bench.home, Silent())
    assert bench.run_order(order)["result"] == 6


def test_what_a_dependency_needs_counts(bench: Workbench) -> None:
    source = """
# /// script
# dependencies = ["seaborn"]
# ///
import importlib
def main(): return importlib.import_module("numpy").__name__
"""
    assert bench.run(source)["result"] == "numpy"


@pytest.mark.parametrize("name", ["numpy", "pandas", "scipy.optimize", "lxml.etree", "sklearn"])
def test_a_late_import_on_core_says_what_to_do(bench: Workbench, name: str) -> None:
    source = f"import importlib\ndef main(): return importlib.import_module({name!r}).__name__"
    error = bench.run(source)["error"]
    assert error is not None
    assert error["error_type"] == "task_error"
    package = name.partition(".")[0]
    assert f"write 'import {package}' at the top of stdin.py" in error["message"]


def test_matplotlib_draws_a_picture(bench: Workbench) -> None:
    source = """
import base64, io
import matplotlib.pyplot as plt
def main():
    figure, axes = plt.subplots(figsize=(3, 2), dpi=100)
    axes.plot([1, 2, 3], [1, 4, 9], label="squares")
    axes.set_title("title")
    axes.legend()
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return base64.b64encode(picture.getvalue()).decode()
"""
    envelope = bench.run(source)
    assert envelope["error"] is None
    assert envelope["execution"]["stderr"] == ""
    assert bench.recorder.plain is None
    dump_memory = base64.b64decode(envelope["result"])
    assert dump_memory.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", dump_memory[16:24]) == (300, 200)
    # An empty figure of this size has a few hundred bytes.
    assert len(dump_memory) > 5_000


def test_matplotlib_imported_late_draws_too(bench: Workbench) -> None:
    source = """
import io
def main():
    import matplotlib.pyplot as plt
    picture = io.BytesIO()
    plt.figure().savefig(picture, format="png")
    return picture.getvalue()[1:4].decode()
"""
    assert bench.run(source, compute=10**11)["result"] == "PNG"


def test_a_thousand_starts_are_a_thousand_different_ones(bench: Workbench) -> None:
    source = """
import random, uuid
import numpy
import numpy.random
def main(): return [random.random(), float(numpy.random.rand()), str(uuid.uuid4())]
"""
    order = bench.order(source)
    assert bench.run_order(order)["error"] is None
    assert bench.recorder.plain is None

    def one(_: int) -> list[object]:
        with Cancellation() as never:
            result = run(order, Recorder(), never)["result"]
        assert isinstance(result, list)
        return result

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(one, range(STARTS)))
    for values in zip(*found, strict=True):
        assert len(set(values)) == STARTS


def test_a_numpy_seed_that_the_import_sets_holds(bench: Workbench) -> None:
    source = """
import numpy.random
numpy.random.seed(3)
def main(): return float(numpy.random.rand())
"""
    found = [bench.run(source)["result"] for _ in range(2)]
    assert found[0] == found[1] is not None
    assert bench.recorder.plain is not None


def test_a_numpy_generator_is_new_unless_it_has_a_seed(bench: Workbench) -> None:
    source = """
import numpy.random
rng = numpy.random.default_rng({})
def main(): return float(rng.random())
"""
    seen: dict[str, set[object]] = {}
    frozen: dict[str, bool] = {}
    for seed in ("3", ""):
        seen[seed] = {bench.run(source.format(seed))["result"] for _ in range(2)}
        frozen[seed] = bench.recorder.plain is None
    assert [len(values) for values in seen.values()] == [1, 2]
    assert frozen == {"3": True, "": False}


def test_a_task_that_cannot_be_frozen_starts_behind_its_libraries(bench: Workbench) -> None:
    source = """
import time
import pandas
LOADED = time.time_ns()
def main(): return [LOADED, int(pandas.Series([1, 2]).sum())]
"""
    found = []
    for _ in range(2):
        envelope = bench.run(source)
        assert envelope["error"] is None
        assert bench.recorder.plain is not None
        found.append(envelope["result"])
        # Importing pandas alone takes some 5e9.
        assert (envelope["execution"]["fuel_consumed"] or 0) < 100_000_000
    assert found[0][1] == found[1][1] == 3
    assert found[0][0] != found[1][0]


def test_a_package_that_is_adapted_still_finds_its_files(bench: Workbench) -> None:
    source = """
import pandas as pd
def main():
    return pd.DataFrame({"a": [1.234]}).style.format("{:.1f}").to_html()
"""
    envelope = bench.run(source)
    assert "1.2</td>" in str(envelope["result"]), envelope["error"]
