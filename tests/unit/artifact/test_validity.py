"""Artifacts are valid modules, as a validator finds that knows nothing of capsule.

It is the one in the Python package `wasmtime`, a build of its own and not the pinned program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime
from hypothesis import given, settings

from capsule import wasm
from capsule.artifact.contents import ArtifactContents
from tests.unit.artifact.forge import PARTS, artifact, driver, pieces
from tests.unit.artifact.test_round_trip import manifests, snapshots, tables

if TYPE_CHECKING:
    from capsule.snapshot.changed_pages import PageRun


def is_valid(module: bytes) -> bool:
    engine = wasmtime.Engine()
    try:
        wasmtime.Module.validate(engine, module)
    except wasmtime.WasmtimeError:
        return False
    finally:
        engine.close()
    return True


def test_drivers_are_valid() -> None:
    assert is_valid(driver())
    assert is_valid(driver([]))


def test_an_artifact_is_valid() -> None:
    assert is_valid(artifact())
    assert is_valid(artifact(PARTS._replace(pages=[], memory=0)))


@settings(max_examples=30)
@given(manifests, tables, tables, snapshots())
def test_every_artifact_is_valid(
    values: dict[str, object],
    sources: dict[str, bytes],
    packages: dict[str, bytes],
    snapshot: tuple[int, list[PageRun]],
) -> None:
    assert is_valid(artifact(ArtifactContents(values, sources, packages, *snapshot)))


def test_the_validator_refuses_what_is_broken() -> None:
    data = artifact()
    assert not is_valid(data[:-1])
    assert not is_valid(data + b"\0")
    found = pieces(data)
    kinds = [piece[0] for piece in found]
    without_types = [piece for piece in found if piece[0] != wasm.TYPE or piece == found[0]]
    assert not is_valid(b"".join(without_types))
    # One opcode that is none, in the only function.
    code = bytearray(found[kinds.index(wasm.CODE, 1)])
    code[-2] = 0xFF
    assert not is_valid(data.replace(bytes(found[kinds.index(wasm.CODE, 1)]), bytes(code)))
    # As many segments as there are, and another number announced.
    count = found[kinds.index(wasm.DATA_COUNT, 1)]
    assert not is_valid(data.replace(count, wasm.section(wasm.DATA_COUNT, b"\x7f")))
