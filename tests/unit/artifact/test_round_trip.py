"""What is written is read again, and what cannot be read is not written."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.artifact.contents import MAX_MANIFEST, MAX_MEMORY, MIN_MEMORY, ArtifactContents
from capsule.artifact.errors import ArtifactError
from capsule.artifact.read import read_bytes
from capsule.artifact.write import write
from capsule.errors import CapsuleError
from capsule.snapshot.changed_pages import MAX_UNCHANGED, PAGE, STACK_TOP, PageRun
from capsule.wasm import PAGE as WASM_PAGE
from tests.unit.artifact.forge import MEMORY, PAGES, PARTS, artifact, driver, unsealed

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
manifests = st.dictionaries(
    st.text().filter(lambda key: key not in ("format", "memory", "pages")), json_values, max_size=5
)
# Folders and files never have the same name, so that no path is both.
folders = st.lists(st.sampled_from(["pkg", "deep", "\u00fc ber", "x" * 70]), max_size=3)
leaves = st.sampled_from(
    ["a.py", "b.py", "__init__.py", "data.csv", "\u4e16\u754c.py", "y" * 255, ".hidden"]
)
paths = st.builds(lambda above, name: "/".join([*above, name]), folders, leaves)
tables = st.dictionaries(paths, st.binary(max_size=3000), max_size=8)


@st.composite
def snapshots(draw: st.DrawFn) -> tuple[int, list[PageRun]]:
    memory = draw(st.integers(MIN_MEMORY // WASM_PAGE, MAX_MEMORY // WASM_PAGE)) * WASM_PAGE
    first, last = STACK_TOP // PAGE, min(memory, STACK_TOP + MAX_UNCHANGED) // PAGE
    starts = sorted(draw(st.lists(st.integers(first, last - 1), unique=True, max_size=6)))
    runs = []
    for start, following in pairwise([*starts, last]):
        length = draw(st.integers(1, min(3, following - start)))
        runs.append(
            PageRun(start * PAGE, draw(st.binary(min_size=1, max_size=9)).ljust(length * PAGE))
        )
    return memory, runs


@given(manifests, tables, tables, snapshots())
def test_what_is_written_is_read_again(
    values: dict[str, Any],
    sources: dict[str, bytes],
    packages: dict[str, bytes],
    snapshot: tuple[int, list[PageRun]],
) -> None:
    parts = ArtifactContents(values, sources, packages, *snapshot)
    data = artifact(parts)
    assert unsealed(read_bytes(data)) == parts
    again = parts._replace(sources=dict(reversed(sources.items())))
    assert artifact(again) == data, "the order of files makes no difference"


def test_without_a_snapshot_there_is_only_the_turn() -> None:
    parts = PARTS._replace(pages=[], memory=0)
    assert unsealed(read_bytes(artifact(parts))) == parts


def test_the_driver_is_in_front_as_it_was() -> None:
    assert artifact().startswith(driver())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pages": PAGES[:-1]}, "4 data segments, and its manifest tells of 3"),
        (
            {"pages": [*PAGES[:-1], PageRun(MEMORY - PAGE, b"y" * PAGE)]},
            "other pages at 50,327,552",
        ),
        ({"pages": PAGES[::-1]}, "other pages"),
        ({"memory": 1}, "the memory has 1 bytes"),
        ({"memory": MEMORY - WASM_PAGE}, "outside the memory"),
        ({"manifest": {"format": 1}}, "'format' belongs to the format"),
        ({"manifest": {"pages": []}}, "'pages' belongs to the format"),
        ({"manifest": {"a": float("nan")}}, "no JSON object"),
        ({"manifest": {"a": b""}}, "no JSON object"),
        ({"manifest": {"a": "\ud800"}}, "no JSON object"),
        ({"manifest": {"a": (1, 2)}}, "tuples or keys"),
        ({"manifest": {1: 2}}, "tuples or keys"),
        ({"manifest": {1: 2, "1": 2}}, "twice"),
        ({"manifest": {"a": "x" * MAX_MANIFEST}}, "at most 1,048,576"),
        ({"sources": {"../a.py": b""}}, "sources: .*part '..'"),
        (
            {"sources": {"a.py": bytes((10 << 20) + 1)}},
            "sources: .*10,485,761 bytes; at most 10,485,760",
        ),
        ({"sources": {"a/b:c.py": b""}}, "sources: .*holds ':'"),
        ({"sources": {"\udcff.py": b""}}, "sources: .*not UTF-8"),
        (
            {"sources": {f"{n}.py": b"" for n in range(5001)}},
            "sources: there are 5,001 files; at most 5,000",
        ),
        ({"sources": {f"{n}.py": bytes(10 << 20) for n in range(7)}}, "at most 67,108,864"),
        ({"packages": {"A.py": b"", "a.py": b""}}, "packages: .*differ only in case"),
    ],
)
def test_what_could_not_be_read_is_not_written(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ArtifactError, match=f"^it cannot be exported: .*{reason}") as caught:
        write(driver(), PARTS._replace(**change))
    assert caught.value.hint == "capsule run FILE.py, which needs no artifact"


def test_an_artifact_is_no_driver() -> None:
    with pytest.raises(ArtifactError, match="already"):
        write(artifact(), PARTS)


def test_an_artifact_above_the_bound_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capsule.artifact.write.MAX_ARTIFACT", 1000)
    with pytest.raises(ArtifactError, match="at most 1,000 may be"):
        artifact()


def test_reading_takes_twice_the_size_at_most() -> None:
    parts = PARTS._replace(
        pages=[PageRun(16 << 20, bytes(12 << 20)), PageRun(30 << 20, bytes(16 << 20))]
    )
    data = artifact(parts)
    tracemalloc.start()
    try:
        found = read_bytes(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert unsealed(found) == parts
    # The artifact itself was there before.
    assert peak < 1.1 * len(data)


def test_an_error_is_one_of_capsule_with_a_next_step() -> None:
    with pytest.raises(CapsuleError) as caught:
        read_bytes(b"", "hello.wasm")
    assert str(caught.value) == "hello.wasm: it is empty\n  try: capsule build --export FILE.py"
    assert (str(caught.value.code), caught.value.exit_code) == ("artifact_error", 2)
