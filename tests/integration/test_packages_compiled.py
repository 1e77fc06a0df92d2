"""Packages are compiled once, by the interpreter that imports them; what cannot be is left as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from capsule.packages import artifact_packages
from capsule.progress import Silent
from capsule.runner import package_compilation
from capsule.snapshot import cache

if TYPE_CHECKING:
    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

FILES = {
    "part/__init__.py": b"from part.inner import value\n__all__ = ['value']\n",
    "part/inner.py": b"def value():\n    return 1 / 0\n",
    "part/data.txt": b"text",
    "part/broken.py": b"def (:\n",
    "part/null.py": b"x = '\0'\n",
    "tests/last.py": b"x = 1\n",
    "first.py": b"x = 'caf\xe9'\n".decode("latin-1").encode(),
}
# No module is compiled where this fails: what is imported has to be there compiled.
SOURCE = """
from importlib.machinery import SourceFileLoader
def refuse(*args, **kwargs): raise AssertionError("it is compiled")
def main(allowed, expression):
    if not allowed: SourceFileLoader.source_to_code = refuse
    import part, first, importlib.resources, inspect
    return eval(expression)
"""


def run(
    bench: Workbench,
    expression: str,
    *,
    allowed: bool = False,
    compiled: bool = True,
    files: dict[str, bytes] = FILES,
) -> Envelope:
    packages = artifact_packages.keep(bench.home, files, Silent())
    order = bench.order(SOURCE, [allowed, expression])
    inputs = order.inputs
    found = package_compilation.obtain(bench.home, inputs.base, packages, order.layers, Silent())
    assert found is not None
    code = inputs.code._replace(
        packages=packages.folder,
        packages_digest=packages.digest,
        compiled=found.folder if compiled else None,
    )
    return bench.run_order(order._replace(inputs=inputs._replace(code=code)))


def test_what_is_imported_was_compiled_before(bench: Workbench) -> None:
    envelope = run(
        bench, "[part.__file__, first.x, importlib.resources.read_text(part, 'data.txt')]"
    )
    assert envelope["result"] == ["/usr/local/packages/part/__init__.py", "café", "text"], envelope
    assert (
        run(bench, "inspect.getsource(part.value)")["result"] == "def value():\n    return 1 / 0\n"
    )


def test_it_costs_less(bench: Workbench) -> None:
    costs = [
        run(bench, "1", compiled=each, allowed=True)["execution"]["fuel_consumed"]
        for each in (True, False)
    ]
    assert None not in costs
    assert costs[0] < costs[1]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("module", "error"),
    [("broken", "SyntaxError"), ("null", "SyntaxError"), ("nothing", "ModuleNotFoundError")],
)
def test_what_cannot_be_compiled_says_so_where_it_is_imported(
    bench: Workbench, module: str, error: str
) -> None:
    found = run(bench, f"__import__('part.{module}')", allowed=True)["error"]
    assert found is not None
    assert found["message"].startswith(error)


def test_what_is_kept_is_made_once_and_again_when_it_is_damaged(bench: Workbench) -> None:
    packages = artifact_packages.keep(bench.home, FILES, Silent())
    order = bench.order(SOURCE, [True, "1"])
    asked = bench.home, order.inputs.base, packages, order.layers, Silent()
    entry = package_compilation.obtain(*asked)
    assert entry is not None
    places = json.loads((entry.folder / "index.json").read_text())
    assert list(places) == ["first.py", "part/__init__.py", "part/inner.py", "tests/last.py"]
    made = (entry.folder / cache.INDEX).stat().st_mtime_ns
    again = package_compilation.obtain(*asked)
    assert again is not None
    assert (again.folder, again.facts) == (entry.folder, {"modules": 4})
    (entry.folder / "code").write_bytes(b"")
    mended = package_compilation.obtain(*asked)
    assert mended is not None
    assert (mended.folder / "code").stat().st_size > 0
    assert (mended.folder / cache.INDEX).stat().st_mtime_ns > made


def test_what_is_not_compiled_in_time_is_imported_as_before(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_compilation, "_SECONDS", 0.001)
    files = {**FILES, "first.py": b"x = 'too late'\n"}
    assert run(bench, "first.x", allowed=True, files=files)["result"] == "too late"
    assert run(bench, "first.x", files=files)["error"] is not None


def test_an_import_that_failed_is_not_tried_again_where_half_of_it_is_left(
    bench: Workbench,
) -> None:
    twice = b"import sys\nif 'half.inner' not in sys.modules:\n    import half.inner\n    1 / 0\n"
    packages = artifact_packages.keep(
        bench.home, {"half/__init__.py": twice, "half/inner.py": b""}, Silent()
    )
    order = bench.order("import half\ndef main(): return 'half of it'\n")
    code = order.inputs.code._replace(
        packages=packages.folder,
        packages_digest=packages.digest,
        libraries=frozenset(["half", "not_there"]),
    )
    for _ in range(2):
        envelope = bench.run_order(order._replace(inputs=order.inputs._replace(code=code)))
        assert envelope["error"] is not None
        assert envelope["error"]["message"] == "ZeroDivisionError: division by zero"


def test_none_are_none(bench: Workbench) -> None:
    order = bench.order(SOURCE, [True, "1"])
    nothing = artifact_packages.keep(bench.home, {}, Silent())
    assert (
        package_compilation.obtain(bench.home, order.inputs.base, nothing, order.layers, Silent())
        is None
    )
