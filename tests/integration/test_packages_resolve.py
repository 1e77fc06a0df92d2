"""Real packages, from the index that this machine's pip has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from capsule.errors import UsageError
from capsule.packages.dependency_types import DependencySpec, Packages
from capsule.packages.provision import provision
from capsule.progress import Silent
from capsule.toolstore import run_program
from capsule.toolstore.pip_runner import Means

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

pytestmark = pytest.mark.integration


@dataclass
class Bench:
    """A home of its own, and how often pip ran for it."""

    home: Path
    runs: list[Sequence[str]] = field(default_factory=list)

    def provision(self, *dependencies: str, python: str | None = None) -> Packages:
        spec = DependencySpec(dependencies, python)
        return provision(self.home, spec, Silent(), Means(run=self._run))

    def _run(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        watch: run_program.Watch | None = None,
    ) -> run_program.ProgramResult:
        self.runs.append(argv)
        return run_program.run(argv, environ, watch)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "home")


def test_requests_and_again_without_pip(bench: Bench) -> None:
    first = bench.provision("requests>=2.30", python=">=3.11")
    names = [name for name, _ in first.distributions]
    # charset-normalizer is there already.
    assert names == ["certifi", "idna", "requests", "urllib3"]
    assert first.imports == {"charset_normalizer"}
    assert first.folder is not None
    assert (first.folder / "requests" / "__init__.py").is_file()
    assert (first.folder / "certifi" / "cacert.pem").is_file()
    assert list(first.folder.glob("requests-*.dist-info/METADATA"))
    runs = len(bench.runs)
    assert bench.provision("requests>=2.30", python=">=3.11") == first
    assert len(bench.runs) == runs


def test_rich(bench: Bench) -> None:
    found = bench.provision("rich")
    assert {"markdown-it-py", "mdurl", "pygments", "rich"} <= dict(found.distributions).keys()


def test_markers_are_those_of_the_sandbox(bench: Bench) -> None:
    """click needs colorama on Windows alone; sqlalchemy needs native code on most machines."""
    found = dict(bench.provision("click>=8", "sqlalchemy>=2").distributions)
    assert {"click", "sqlalchemy"} <= found.keys()
    assert not {"colorama", "greenlet"} & found.keys()


def test_a_native_package_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(UsageError) as caught:
        bench.provision("orjson")
    assert caught.value.message.startswith("orjson 3.")
    assert "(needed by the task) needs a native extension" in caught.value.message


def test_a_package_that_there_is_not(bench: Bench) -> None:
    name = "capsule-test-of-a-name-that-nobody-has"
    with pytest.raises(UsageError) as caught:
        bench.provision(name)
    assert caught.value.message == f"the package index has no package {name} (needed by the task)"


def test_what_the_interpreter_brings(bench: Bench) -> None:
    found = bench.provision("seaborn")
    assert (found.folder, found.distributions) == (None, ())
    assert {"seaborn", "numpy", "pandas", "matplotlib"} <= found.imports
    assert bench.runs == []
