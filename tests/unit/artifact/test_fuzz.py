"""The reader meets artifacts that were changed at random, many with a digest that fits.

`CAPSULE_FUZZ_EXAMPLES` is how many each test tries.
"""

from __future__ import annotations

import os
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capsule import wasm
from capsule.artifact.contents import DIGEST, MANIFEST, PACKAGES, SOURCES, ArtifactContents
from capsule.artifact.errors import ArtifactError
from capsule.artifact.read import read_bytes
from capsule.artifact.write import custom, sealed, write
from capsule.snapshot.changed_pages import PAGE
from capsule.snapshot.driver import artifact_driver
from tests.unit.artifact.forge import (
    PARTS,
    artifact,
    driver,
    entry,
    manifest,
    pieces,
    reseal,
    unsealed,
)

fuzzing = settings(
    max_examples=int(os.environ.get("CAPSULE_FUZZ_EXAMPLES", "400")),
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.too_slow],
)
# Everything here is small; a stream of some KiB can honestly unpack to a thousand times that.
MOST_MEMORY = 16 << 20

Change = Callable[[bytes], bytes]

HONEST = artifact()
EMPTY = artifact(ArtifactContents({}, {}, {}, 0, []))
BODIES = {
    MANIFEST: manifest(policy={"hosts": ["a"], "ram": 1}),
    SOURCES: wasm.vector([entry(b"a.py", b"pass"), entry(b"b/c.py", b"x" * 300)]),
    PACKAGES: wasm.vector(
        [entry(b"D/e.py", b"pass"), entry(b"d/f.py", b""), entry(b"g", b"\0" * 99)]
    ),
}
LENGTHS = [0, 1, 127, 128, PAGE, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63]
NUMBERS = [wasm.uleb(value) for value in LENGTHS] + [b"\x80\x00", b"\xff" * 10, b"\x80" * 5 + b"\0"]
WORDS = [
    *(name.encode() for name in (MANIFEST, SOURCES, PACKAGES, DIGEST)),
    *(
        b"../",
        b"/",
        b"\\",
        b"C:",
        b"..",
        b"\0",
        b"NaN",
        b"1e999",
        b"[" * 99,
        b'{"a":',
        b"\\ud800",
        b"-1",
    ),
    *(
        b'"format":2,',
        b'"pages":',
        b'"memory":0',
        b"4096",
        b"99999999999999999999",
        b"\x01",
        b"\xff",
    ),
]


def place(data: bytes, where: float, offset: int) -> int:
    """Return a place near the border of a section, or anywhere if there are none."""
    try:
        ends = [part.start for part in wasm.sections(data)] + [len(data)]
        near = ends[int(where * len(ends))] + offset
    except wasm.MalformedModuleError:
        near = int(where * len(data))
    return max(0, min(near, len(data)))


wheres = st.floats(0, 1, exclude_max=True)
offsets = st.integers(-40, 40)


@st.composite
def local_changes(draw: st.DrawFn) -> Change:
    """Flip, cut, insert, repeat or overwrite some bytes."""
    where, offset, anywhere = draw(wheres), draw(offsets), draw(st.booleans())
    kind = draw(st.sampled_from(["flip", "cut", "insert", "overwrite", "repeat"]))
    new = draw(
        st.sampled_from(NUMBERS) | st.sampled_from(WORDS) | st.binary(min_size=1, max_size=9)
    )
    count, bit = draw(st.integers(1, 80)), 1 << draw(st.integers(0, 7))

    def change(data: bytes) -> bytes:
        at = int(where * len(data)) if anywhere else place(data, where, offset)
        if kind == "flip":
            return data[:at] + bytes(one ^ bit for one in data[at : at + 1]) + data[at + 1 :]
        if kind == "cut":
            return data[:at] + data[at + count :]
        if kind == "insert":
            return data[:at] + new + data[at:]
        if kind == "repeat":
            return data[: at + count] + data[at:]
        return data[:at] + new + data[at + len(new) :]

    return change


@st.composite
def section_changes(draw: st.DrawFn) -> Change:
    """Drop, repeat, swap or move whole sections, or lie about the length of one."""
    first, second = draw(wheres), draw(wheres)
    kind = draw(st.sampled_from(["drop", "repeat", "swap", "move", "length", "number"]))
    number, wrong = draw(st.sampled_from(NUMBERS)), draw(st.integers(-70, 70))

    def change(data: bytes) -> bytes:
        try:
            found = pieces(data)
        except wasm.MalformedModuleError:
            return data
        a, b = int(first * len(found)), int(second * len(found))
        piece = found[a]
        if kind == "drop":
            del found[a]
        elif kind == "repeat":
            found.insert(b, piece)
        elif kind == "swap":
            found[a], found[b] = found[b], found[a]
        elif kind == "move":
            found.insert(b, found.pop(a))
        elif a:
            size, start = wasm.read_uleb(piece, 1, len(piece))
            length = number if kind == "number" else wasm.uleb(max(0, size + wrong))
            found[a] = piece[:1] + length + piece[start:]
        return b"".join(found)

    return change


changes = st.lists(local_changes() | section_changes(), min_size=1, max_size=4)


def parts_of(data: bytes) -> ArtifactContents | None:
    """Read an artifact in bounded memory; return None when it is refused."""
    tracemalloc.start()
    try:
        return read_bytes(data)
    except ArtifactError as error:
        told = error
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MOST_MEMORY
    assert told.message.isprintable()
    assert len(told.message) < 500
    assert told.hint
    return None


def check(found: ArtifactContents) -> None:
    """Check what must hold of everything that is read, whoever made it."""
    end = 0
    for run in found.pages:
        assert end <= run.offset
        assert run.offset % PAGE == len(run.data) % PAGE == 0
        end = run.offset + len(run.data)
    assert end <= found.memory <= 1 << 30
    for files in (found.sources, found.packages):
        for path in files:
            assert path.isprintable() or not path.isascii()
            assert not {"", ".", ".."} & set(path.split("/"))
            assert not {"\\", ":", "\0"} & set(path)
            assert not any(
                f"{above}/" in f"{path}/" and path.startswith(f"{above}/") for above in files
            )
    assert len({path.lower() for path in found.packages}) == len(found.packages)
    # It is data that capsule could have written itself.
    again = read_bytes(write(artifact_driver("", found.pages, 0), found))
    assert again._replace(digest=found.digest) == found


@fuzzing
@given(st.sampled_from([HONEST, EMPTY]), changes)
def test_a_changed_artifact_is_the_same_or_refused(data: bytes, steps: list[Change]) -> None:
    expected = read_bytes(data)
    changed = data
    for step in steps:
        changed = step(changed)
    found = parts_of(changed)
    assert found is None or found == expected


@fuzzing
@given(st.sampled_from([HONEST, EMPTY]), changes)
def test_a_forged_artifact_is_harmless_or_refused(data: bytes, steps: list[Change]) -> None:
    for step in steps:
        data = step(data)
    found = parts_of(reseal(data))
    if found is not None:
        check(found)


@fuzzing
@given(
    st.sampled_from([MANIFEST, SOURCES, PACKAGES]),
    st.lists(local_changes(), min_size=1, max_size=4),
    st.sampled_from([0, 0, 0, -1, 1, 1 << 29]),
    st.none() | local_changes(),
)
def test_forged_contents_are_harmless_or_refused(
    which: str, steps: list[Change], wrong: int, packed_step: Change | None
) -> None:
    bodies = dict(BODIES)
    for step in steps:
        bodies[which] = step(bodies[which])
    for name in (SOURCES, PACKAGES):
        announced = max(0, len(bodies[name]) + (wrong if name == which else 0))
        packed = zlib.compress(bodies[name])
        if packed_step and name == which:
            packed = packed_step(packed)
        bodies[name] = wasm.uleb(announced) + packed
    found = parts_of(sealed([driver(), *(custom(name, body) for name, body in bodies.items())]))
    if found is not None:
        check(found)


@fuzzing
@given(st.binary(max_size=500), st.booleans())
def test_any_bytes_are_refused(data: bytes, module: bool) -> None:
    assert parts_of(reseal(wasm.HEADER + data) if module else data) is None


def test_the_fuzzer_starts_from_what_is_read() -> None:
    assert unsealed(read_bytes(HONEST)) == PARTS
    assert reseal(HONEST) == HONEST
    assert parts_of(reseal(HONEST.replace(b"hosts", b"hosta"))) not in (None, PARTS)
