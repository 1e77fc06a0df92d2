"""What is proposed where the newest version needs native code: it is what the index has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.errors import UsageError
from capsule.packages import older_versions

if TYPE_CHECKING:
    from tests.unit.packages.conftest import Bench, Index

NATIVE = "cp315-cp315-win_amd64"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, it is not the time that decides."""
    monkeypatch.setattr(older_versions, "_SECONDS", 1e6)


def hint(bench: Bench, index: Index, *dependencies: str) -> str:
    with pytest.raises(UsageError, match="needs a native extension") as caught:
        bench.provision(*dependencies, means=index.real)
    assert caught.value.hint is not None
    return caught.value.hint


def test_the_last_that_does_without_is_proposed(bench: Bench, index: Index) -> None:
    for version in ("1.0", "1.1", "1.9", "1.10"):
        index.add("model", version, requires=["leaf"])
    for version in ("2.0", "2.1", "2.2"):
        index.add("model", version, requires=["leaf", "core"])
    index.add("leaf")
    index.add("core", "5.0", tag=NATIVE)
    assert hint(bench, index, "model") == (
        'ask for "model<2" in dependencies: model 1.10 and all that is needed then is pure Python'
    )
    assert bench.provision("model<2", means=index.real).distributions == (
        ("leaf", "1.0"),
        ("model", "1.10"),
    )


def test_two_that_have_to_give_way_together(bench: Bench, index: Index) -> None:
    index.add("client", "1.0", requires=["model"])
    index.add("client", "2.0", requires=["model", "jet"])
    index.add("model", "1.0")
    index.add("model", "2.0", requires=["core"])
    for name in ("jet", "core"):
        index.add(name, tag=NATIVE)
    found = hint(bench, index, "client")
    assert '"client<2"' in found
    assert '"model<2"' in found
    assert bench.provision("client<2", "model<2", means=index.real).distributions == (
        ("client", "1.0"),
        ("model", "1.0"),
    )


def test_what_the_task_does_not_name_gives_way(bench: Bench, index: Index) -> None:
    index.add("chart", requires=["model>=1"])
    index.add("model", "1.0")
    index.add("model", "2.0", requires=["core"])
    index.add("core", tag=NATIVE)
    assert bench.provision("chart", means=index.real).distributions == (
        ("chart", "1.0"),
        ("model", "1.0"),
    )
    assert hint(bench, index, "chart", "model").startswith('ask for "model<2" in dependencies')


def test_who_needs_the_one_that_would_give_way_has_to(bench: Bench, index: Index) -> None:
    index.add("command", "0.28", requires=["leaf"])
    index.add("command", "0.29", requires=["leaf", "model>=2"])
    index.add("leaf")
    index.add("model", "1.0")
    index.add("model", "2.0", requires=["core"])
    index.add("core", tag=NATIVE)
    assert hint(bench, index, "command").startswith(
        'ask for "command<0.29" in dependencies: command 0.28 and all that'
    )


@pytest.mark.parametrize("asked", ["model", "model>=1.5", "quick"])
def test_where_there_is_none_none_is_proposed(bench: Bench, index: Index, asked: str) -> None:
    index.add("model", "1.0", requires=["quick"] if asked == "model" else [])
    index.add("model", "2.0", requires=["quick"])
    index.add("quick", "1.0", tag=NATIVE)
    assert hint(bench, index, asked) == "use a package of pure Python in its place"
