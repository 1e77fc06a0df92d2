"""The toolchain of the other tests, and a cluster for each engine that is installed.

`nox -s engines` has an environment for each. `CAPSULE_TEST_ITEMS` is how many items the largest
batch has, 5,000 where everything is shown.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.engines.clusters import DaskProcesses, LocalRay, ThisMachine
from tests.integration.conftest import toolchain_home
from tests.integration.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engines.clusters import Backend

__all__ = ["toolchain_home"]

INSTALLED = {"dask": "distributed", "ray": "ray"}
CLUSTERS = [name for name, module in INSTALLED.items() if find_spec(module)]
EVERYTHING = 5_000
CALLS = """
import urllib.request
from capsule import task

@task(name="main", allowed_hosts=["127.0.0.1:{port}"], timeout="30s")
def main(n):
    urllib.request.urlopen("http://127.0.0.1:{port}/item/" + str(n)).read()
    for _ in range(200_000):
        pass
    return n
"""
# Their tests need the library itself.
LIBRARY_TESTS = {
    "dask": ["test_dask_failures.py", "test_dask_lost_data.py", "test_dask_nodes.py"],
    "ray": ["test_ray_claims.py", "test_ray_failures.py", "test_ray_worker.py"],
}
collect_ignore = [
    file for name, files in LIBRARY_TESTS.items() if name not in CLUSTERS for file in files
]
ITEMS = int(os.environ.get("CAPSULE_TEST_ITEMS", "400"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a cluster together, so that each is started once."""
    order = ["[plain", "[local", "[dask", "[ray"]

    def place(item: pytest.Item) -> int:
        found = [at for at, name in enumerate(order) if name in item.name]
        # Those with a cluster of their own come before this process is a part of Ray's.
        return found[0] if found else 2

    items.sort(key=place)
    if ITEMS < EVERYTHING:
        # What compiles an interpreter takes as long as all others.
        items[:] = [item for item in items if "everything" not in getattr(item, "fixturenames", ())]


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        yield server


@pytest.fixture
def everything() -> None:
    """For tests that are left out where the batches are short."""


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def started(
    request: pytest.FixtureRequest,
    toolchain_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Backend]:
    """The cluster of an engine, for all tests of it."""
    name = request.param
    made: DaskProcesses | LocalRay | ThisMachine
    if name == "dask":
        made = DaskProcesses(tmp_path_factory.mktemp("dask"), toolchain_home)
    elif name == "ray":
        made = LocalRay(toolchain_home)
    else:
        made = ThisMachine(name)
    yield made
    made.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the tests of all engines each of them, and those of clusters each cluster."""
    if "cluster" in metafunc.fixturenames:
        metafunc.parametrize("started", CLUSTERS, indirect=True, scope="session")
    elif "backend" in metafunc.fixturenames:
        metafunc.parametrize(
            "started", ["plain", "local", *CLUSTERS], indirect=True, scope="session"
        )


@pytest.fixture
def backend(started: Backend) -> Backend:
    """Each engine in turn, and the map without one."""
    return started


@pytest.fixture
def cluster(started: Backend) -> Backend:
    """Each engine that has workers which can be killed."""
    return started
