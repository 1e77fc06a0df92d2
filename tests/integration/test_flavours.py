"""Each task on the smallest interpreter that does, and what happens where it turns out too small.

With all packages compiled, as elsewhere in the suite, the larger code stands in and the guest
refuses what the smaller would not have. `nox -s flavours` runs this on what is really cut.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest

from capsule.artifact import read
from capsule.artifact.write import write
from capsule.pool.prepared_task import Warmth, open_prepared_task
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.build_artifact import build, export
from capsule.runner.observer import Nobody
from capsule.runner.source import read_artifact, read_text
from capsule.snapshot.base_snapshot import SERVE
from capsule.snapshot.driver import artifact_driver
from capsule.toolstore.open_toolchain import open_toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.runner.run import Order
    from tests.integration.workbench import Workbench

# The first that needs native code compiles an interpreter for minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

# Set by `nox -s flavours`: nothing stands in.
EACH = "CAPSULE_TEST_EACH_FLAVOUR"
FUEL = 50_000_000_000
HUNGRY = "import pandas\nfrom capsule import task\n@task(compute='HIGH')\n"
# Nothing that capsule looks for stands for these: they are made when the task runs.
PLOT = "getattr(pandas.Series([1.0, 2.0, 4.0]), 'pl' + 'ot')()"
SMOOTH = "getattr(pandas.Series([1.0, None, 4.0, 9.0]), 'interp' + 'olate')('quad' + 'ratic')"


@pytest.fixture(autouse=True)
def _prepared(toolchain_home: Path) -> None:
    if EACH not in os.environ:
        open_toolchain(toolchain_home, "science", progress=Silent())


def new(source: str) -> str:
    """Return a source that no test has run before."""
    return f"# {uuid.uuid4()}\n{source}"


def flavour(order: Order) -> str:
    return order.inputs.base.runtime.flavour


def with_much_fuel(order: Order) -> Order:
    """What is imported in a run takes more than most tasks may."""
    return order._replace(policy=order.policy._replace(compute=FUEL))


SMALLEST = [
    ("core", "import networkx, sympy, openpyxl, yaml, bs4, jinja2, pypdf", "yaml.safe_load('3')"),
    ("documents", "from lxml import etree, objectify", "len(etree.XML('<a><b/><c/><d/></a>'))"),
    ("documents", "from PIL import Image, ImageFilter", "Image.new('L', (3, 1)).size[0]"),
    ("documents", "import regex", "len(regex.findall(r'\\p{L}', 'a1bc'))"),
    ("documents", "import bs4, lxml", "len(bs4.BeautifulSoup('<p>abc', 'lxml').p.text)"),
    ("numpy", "import numpy", "int(numpy.linalg.svd(numpy.eye(3))[1].sum())"),
    (
        "numpy",
        "import numpy",
        # By a function of scipy's.
        "int(numpy.random.default_rng(1).hypergeometric(99, 1, 99)) * 0 + 3",
    ),
    ("numpy", "import numpy", "round(abs(numpy.fft.fft(numpy.ones(3))[0]))"),
    ("pandas", "import pandas", "int(pandas.DataFrame({'a': [1, 2]}).a.sum())"),
    ("pandas", "import pandas, io", "int(pandas.read_csv(io.StringIO('a\\n1\\n2\\n')).a.sum())"),
    ("pandas", "import pandas", "pandas.date_range('2020', periods=3, tz='UTC').size"),
    ("matplotlib", "import matplotlib.pyplot as plt", "len(plt.plot([1], [2])) + 2"),
    (
        "matplotlib",
        "import io, matplotlib.pyplot as plt",
        "plt.title('three') and (plt.savefig(io.BytesIO()), 3)[1]",
    ),
    ("matplotlib", "import matplotlib.tri", "len(matplotlib.tri.Triangulation([0, 1, 0], [0, 0, 1]).x)"),
    (
        "matplotlib",
        "import contourpy, numpy",
        "len(contourpy.contour_generator(z=numpy.eye(3)).lines(0.5)[0]) + 1",
    ),
    ("matplotlib", "import pandas, io", "(pandas.DataFrame([3]).to_excel(io.BytesIO()), 3)[1]"),
    (
        "matplotlib",
        "import pandas, io\nTABLE = '<table><tr><td>3</td></tr></table>'",
        "int(pandas.read_html(io.StringIO(TABLE))[0].iloc[0, 0])",
    ),
    ("matplotlib", "import pandas", "len(pandas.Series([1, 2, 3]).plot().lines) + 2"),
    ("matplotlib", "import reportlab.pdfgen.canvas, io, numpy", "3"),
    ("scipy", "from scipy import stats", "round(stats.norm.cdf(0) * 6)"),
    ("scipy", "from scipy import optimize", "round(optimize.linprog([1], bounds=[(3, 9)]).fun)"),
    ("scipy", "from scipy import sparse", "sparse.eye(3).nnz"),
    (
        "scipy",
        "from scipy import spatial",
        "len(spatial.ConvexHull([[0, 0], [1, 0], [0, 1]]).vertices)",
    ),
    ("scipy", "from scipy import fft, special, signal, ndimage, cluster, integrate, io", "3"),
    (
        "scipy",
        "import sympy, numpy\nx = sympy.Symbol('x')",
        "int(sympy.lambdify(x, x + 1)(2))",
    ),
    ("science", "import pandas, scipy.stats", "round(float(pandas.Series([1, 2]).sum()))"),
    ("science", "from sklearn.cluster import KMeans", "KMeans(3, n_init=1).n_clusters"),
    (
        "science",
        "import statsmodels.api as sm",
        "len(sm.OLS([1, 2, 3.5], [[1], [2], [3]]).fit().resid)",
    ),
    ("science", "import seaborn", "len(seaborn.color_palette('rocket', 3))"),
    ("science", "import patsy", "patsy.dmatrix('x', {'x': [1, 2, 3]}).shape[0]"),
    ("science", "import formulaic", "3"),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "imports", "value"), SMALLEST)
def test_every_package_is_there_in_the_smallest(
    bench: Workbench, expected: str, imports: str, value: str
) -> None:
    order = bench.order(f"{imports}\ndef main(): return {value}\n")
    assert flavour(order) == expected
    envelope = bench.run_order(with_much_fuel(order))
    assert envelope["result"] == 3, envelope["error"]
    assert bench.recorder.plain is None
    # What was seen was enough.
    assert flavour(bench.order(f"{imports}\ndef main(): return {value}\n")) == expected


def test_an_import_while_the_file_is_imported_takes_a_larger_one_at_once(bench: Workbench) -> None:
    source = new(f"import pandas\nprint('once')\nvalue = {SMOOTH}\ndef main(): return value[1]\n")
    assert flavour(bench.order(source)) == "pandas"
    envelope = bench.run(source)
    assert envelope["error"] is None
    assert round(envelope["result"], 6) == 1.333333
    # Nothing of the first try is seen, and there was one run.
    assert (envelope["execution"]["stdout"], len(bench.recorder.attempts)) == ("once\n", 1)
    assert bench.recorder.plain is None
    assert flavour(bench.order(source)) == "science"


@pytest.mark.parametrize("caught", ["ImportError", "BaseException"])
def test_one_that_is_caught_while_the_file_is_imported_too(bench: Workbench, caught: str) -> None:
    source = new(
        "import pandas\n"
        f"try:\n    {PLOT}\n"
        f"except {caught}:\n    found = 'none'\n"
        "else:\n    found = 'plotted'\n"
        "def main(): return found\n"
    )
    envelope = bench.run(source, compute=FUEL)
    assert envelope["result"] == "plotted", envelope["error"]


@pytest.mark.parametrize("caught", ["Exception", "ImportError", "BaseException"])
def test_a_late_import_ends_the_run_whatever_is_caught(bench: Workbench, caught: str) -> None:
    source = new(
        "import pandas\n"
        "def main():\n"
        f"    try:\n        return len({PLOT}.lines)\n"
        f"    except {caught}:\n        return 'no matplotlib'\n"
    )
    envelope = bench.run(source)
    error = envelope["error"]
    assert error is not None
    assert envelope["result"] is None
    assert error["error_type"] == "task_error"
    assert error["message"] == (
        "LateImport: matplotlib is imported only now, and this task runs on the pandas interpreter, "
        "which was chosen by what its file imports: run it again, and it has matplotlib, or write "
        "'import matplotlib' at the top of stdin.py"
    )
    assert len(bench.recorder.attempts) == 1
    assert flavour(bench.order(source)) == "matplotlib"
    assert bench.run(source, compute=FUEL)["result"] == 1


def test_a_retry_is_on_the_larger_one(bench: Workbench) -> None:
    source = new(
        "import pandas\nfrom capsule import task\n"
        f"@task(max_retries=1, compute='HIGH')\ndef main(): return len({PLOT}.lines)\n"
    )
    envelope = bench.run(source)
    assert (envelope["result"], envelope["execution"]["retries"]) == (1, 1)


def test_a_prepared_task_goes_over_to_the_larger_one(bench: Workbench) -> None:
    text = new(f"{HUNGRY}def main(): return len({PLOT}.lines)\n")
    source = read_text(text.encode(), bench.project)
    call = prepare.Call()
    with (
        Cancellation() as never,
        open_prepared_task(
            source, call, bench.home, Silent(), warmth=Warmth(1), cancellation=never
        ) as prepared,
    ):
        ran = [prepared.run(call, Nobody(), never) for _ in range(3)]
    assert [one["result"] for one in ran] == [None, 1, 1]


def test_asking_whether_a_package_is_there_is_answered_as_it_is(bench: Workbench) -> None:
    envelope = bench.run(
        new(
            "import importlib.util, pandas\n"
            "def main():\n"
            "    found = importlib.util.find_spec('matplotlib'), importlib.util.find_spec('mine')\n"
            "    return [one is not None for one in found]\n"
        )
    )
    assert envelope["result"] == [True, False], envelope["error"]


def test_a_file_that_hides_an_import_on_core(bench: Workbench) -> None:
    late = new("def main(): return __import__('lxml.etree').__name__\n")
    first = bench.run(late)["error"]
    assert first is not None
    assert first["message"].startswith(
        "ImportError: lxml needs a larger interpreter, and this task "
    )
    assert first["message"].endswith(": write 'import lxml' at the top of stdin.py")
    assert bench.run(late)["result"] == "lxml"
    for name in ("numpy", "numpy._core._multiarray_umath"):
        early = bench.run(new(f"__import__('{name}')\ndef main(): return 3\n"))
        assert early["result"] == 3, early["error"]


def test_to_a_library_on_core_nothing_more_is_installed(bench: Workbench) -> None:
    source = "from openpyxl.compat.numbers import NUMPY\ndef main(): return NUMPY\n"
    assert bench.run(source)["result"] is False
    assert flavour(bench.order(source)) == "core"
    assert bench.run(f"import numpy\n{source}")["result"] is True


def exported(bench: Workbench, source: str) -> bytes:
    read_source = read_text(source.encode(), bench.project)
    with Cancellation() as never:
        return export(read_source, build(read_source, bench.home, Silent(), never))


def run_artifact(bench: Workbench, artifact: bytes) -> tuple[Order, Envelope]:
    file = bench.project / "task.wasm"
    file.write_bytes(artifact)
    order = prepare.order(read_artifact(file, bench.project), prepare.Call(), bench.home, Silent())
    return order, bench.run_order(order)


def test_an_artifact_says_which_it_needs(bench: Workbench) -> None:
    artifact = exported(bench, "import pandas\ndef main(): return int(pandas.Series([3]).sum())\n")
    assert read.read_bytes(artifact).manifest["flavour"] == "pandas"
    order, envelope = run_artifact(bench, artifact)
    assert (flavour(order), envelope["result"]) == ("pandas", 3)
    assert order.inputs.frozen is not None


def test_one_that_was_found_too_small_while_it_was_built(bench: Workbench) -> None:
    artifact = exported(bench, new(f"import pandas\nvalue = {PLOT}\ndef main(): return 3\n"))
    assert read.read_bytes(artifact).manifest["flavour"] == "matplotlib"
    assert run_artifact(bench, artifact)[1]["result"] == 3


def test_a_late_import_of_an_artifact_is_there_in_its_next_run(bench: Workbench) -> None:
    artifact = exported(bench, new(f"{HUNGRY}def main(): return len({PLOT}.lines)\n"))
    assert "LateImport" in str(run_artifact(bench, artifact)[1]["error"])
    order, envelope = run_artifact(bench, artifact)
    assert (flavour(order), envelope["result"]) == ("matplotlib", 1)


def test_an_artifact_of_before_runs_on_all_of_it(bench: Workbench) -> None:
    """Versions that knew two interpreters wrote `science`, and had another runtime."""
    artifact = exported(bench, "import pandas\ndef main(): return int(pandas.Series([3]).sum())\n")
    parts = read.read_bytes(artifact)
    changes = {"flavour": "science", "runtime": "of another version"}
    changed = parts._replace(manifest={**parts.manifest, **changes})
    old = write(artifact_driver(SERVE, parts.pages, 0), changed)
    order, envelope = run_artifact(bench, old)
    assert (flavour(order), envelope["result"]) == ("science", 3), envelope["error"]
