"""The table of what the interpreter brings."""

from __future__ import annotations

import subprocess
import sys

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from capsule.packages import builtin_table
from capsule.packages.builtin_distributions import brought_by, included, science_imports
from capsule.packages.target import PYTHON, PYTHON_SERIES
from capsule.paths import toolchain_data
from capsule.toolstore import pins

PINNED = pins.load(toolchain_data() / "pins.toml").interpreter


def test_the_table_is_that_of_the_pinned_interpreter() -> None:
    """When this fails, run scripts/refresh_packages.py --write."""
    assert PINNED.stdlib.sha256 == builtin_table.LIBRARY
    assert PINNED.python == PYTHON_SERIES
    assert PYTHON.startswith(f"{PYTHON_SERIES}.")


def test_names_are_normalized_and_requirements_are_there() -> None:
    for name, each in included().items():
        assert name == each.name == canonicalize_name(name)
        assert each.imports
        assert {need for need in each.requires if need not in included()} == set()
        for _, needs in each.extras:
            assert all(Requirement(need).marker is None for need in needs)


def test_a_distribution_is_science_when_one_of_its_names_is() -> None:
    for each in included().values():
        assert each.science == bool(science_imports() & set(each.imports)), each.name
    assert included()["pandas"].science
    assert not included()["jinja2"].science


def test_only_what_is_there_needs_science() -> None:
    brought = {name for each in included().values() for name in each.imports}
    assert science_imports() < brought
    assert {"numpy", "PIL", "lxml", "sklearn", "regex"} < science_imports()


def test_what_comes_with_what() -> None:
    assert {"matplotlib", "mpl_toolkits", "numpy", "dateutil", "six"} < brought_by(["seaborn"])
    assert brought_by(["six"]) == {"six"}
    assert brought_by(["nothing-of-that-name"]) == frozenset()


def test_every_start_can_afford_it() -> None:
    """It is imported on every start: nothing slow may come with it."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from capsule.packages.builtin_distributions import science_imports; science_imports()\n"
        "print(*sorted(name for name in set(sys.modules) - before if name in\n"
        "    {'packaging', 'tomllib', 'hashlib', 'zipfile', 'dataclasses', 'subprocess'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == ""
