"""The manifest of an artifact: JSON of a stranger's, and the table of pages in it."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from capsule.artifact.contents import MAX_MANIFEST, MAX_MEMORY, MIN_MEMORY
from capsule.artifact.errors import ArtifactError
from capsule.artifact.manifest import MAX_DEPTH
from capsule.artifact.read import read_bytes
from capsule.snapshot.changed_pages import MAX_UNCHANGED, PAGE, STACK_TOP, PageRun
from tests.unit.artifact.forge import MEMORY, PAGES, PARTS, artifact, driver, forge, manifest

TABLE = [[run.offset, len(run.data)] for run in PAGES]


def refusal(text: bytes) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        read_bytes(forge(text=text), "hello.wasm")
    assert caught.value.hint
    return caught.value


def nested(depth: int) -> bytes:
    return manifest(deep="?").replace(b'"?"', b"[" * depth + b"]" * depth)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "it is not JSON in UTF-8, at 0"),
        (b"{", "it is not JSON"),
        (manifest() + b" 1", "it is not JSON"),
        (b"\xff" + manifest(), "it is not JSON in UTF-8, at 0"),
        ("\ufeff".encode() + manifest(), "it is not JSON"),
        (manifest().decode().encode("utf-16"), "it is not JSON"),
        (b"[1, 2]", "it is no JSON object, but [1, 2]"),
        (b"null", "it is no JSON object, but None"),
        (b'"' + b"x" * 1000 + b'"', "it is no JSON object, but 'xxx"),
        (b"{}", "it has no key 'format'"),
        (manifest(memory=...), "it has no key 'memory'"),
        (manifest(pages=...), "it has no key 'pages'"),
        (manifest().replace(b'"memory"', b'"format"'), "it has the key 'format' twice"),
        (manifest(a=0).replace(b'"a": 0', b'"a": {"b": 1, "b": 1}'), "it has the key 'b' twice"),
        (manifest(a=float("nan")), "it holds NaN"),
        (manifest(a=float("-inf")), "it holds -Infinity"),
        (manifest(a="?").replace(b'"?"', b"1e999"), "'1e999', which is too large"),
        (manifest(a="?").replace(b'"?"', b"9" * 5000), "it is not JSON"),
        (manifest(a="?").replace(b"?", b"\\ud800"), "half a character"),
        (manifest(a={"?": [{"?": 0}]}).replace(b"?", b"\\udfff"), "half a character"),
        (nested(MAX_DEPTH + 1), "nested more than 32 deep"),
        (nested(5_000), "nested more than 32 deep"),
        (nested(500_000), "nested more than 32 deep"),
        (b"[" * 1_000_000, "nested more than 32 deep"),
        (b'{"a":' * 200_000, "nested more than 32 deep"),
        (b" " * MAX_MANIFEST + manifest(), "at most 1,048,576 may be"),
    ],
)
def test_what_is_no_manifest_is_refused(text: bytes, reason: str) -> None:
    message = refusal(text).message
    assert message.startswith("hello.wasm: ")
    assert "manifest" in message
    assert reason in message
    assert len(message) < 300


@pytest.mark.parametrize(
    "version", [2, 0, -1, 10**100, 10**400, True, 1.0, "1", None, [1], {"a": 1}]
)
def test_an_unknown_version_names_both_and_the_way_on(version: object) -> None:
    error = refusal(manifest(format=version))
    assert "it has format " in error.message
    assert "and this capsule reads format 1" in error.message
    assert (
        error.hint
        == "update capsule, or make it again with this one: capsule build --export FILE.py"
    )


def test_an_unknown_version_is_said_whatever_else_is_unknown() -> None:
    data = forge(text=manifest(format=2, memory=None, pages={}), sources=b"new", packages=b"new")
    with pytest.raises(ArtifactError, match="it has format 2, and this capsule reads format 1"):
        read_bytes(data)


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        (None, "the table of pages is None"),
        ({}, "the table of pages is {}"),
        ([*TABLE[:2], 7], "the table of pages has 7"),
        ([*TABLE[:2], []], "the table of pages has []"),
        ([*TABLE[:2], [1, 2, 3]], "the table of pages has [1, 2, 3]"),
        ([*TABLE[:2], [MEMORY - PAGE, 4096.0]], "the table of pages has [50327552, 4096.0]"),
        ([*TABLE[:2], [False, PAGE]], "the table of pages has [False, 4096]"),
        ([*TABLE[:2], ["0", PAGE]], "the table of pages has ['0', 4096]"),
        ([*TABLE[:2], "ab"], "the table of pages has 'ab'"),
        ([*TABLE[:2], {"0": 1, "1": 2}], "the table of pages has {'0'"),
        (
            [*TABLE[:2], [MEMORY - PAGE + 1, PAGE]],
            "pages of 4096 bytes at 50327553: both are multiples",
        ),
        ([*TABLE[:2], [MEMORY - PAGE, PAGE - 1]], "pages of 4095 bytes at 50327552: both are"),
        ([*TABLE[:2], [MEMORY - PAGE, 0]], "pages of 0 bytes"),
        ([*TABLE[:2], [MEMORY - PAGE, -PAGE]], "pages of -4096 bytes"),
        ([[-PAGE, PAGE], *TABLE[1:]], "pages of 4096 bytes at -4096 lie outside"),
        (
            [*TABLE[:2], [MEMORY, PAGE]],
            "lie outside the memory that a snapshot keeps, from 16,777,216 to 50,331,648",
        ),
        ([*TABLE[:2], [MEMORY - PAGE, 2 * PAGE]], "lie outside the memory"),
        ([[STACK_TOP + MAX_UNCHANGED + PAGE, PAGE]], "lie outside the memory"),
        ([[STACK_TOP - PAGE, PAGE], *TABLE[1:]], "pages of 4096 bytes at 16773120 lie outside"),
        ([*TABLE[:2], [2**32, PAGE]], "pages of 4096 bytes at 4294967296 lie outside"),
        ([*TABLE[:2], [2**64 - PAGE, PAGE]], "lie outside the memory"),
        ([*TABLE[:2], [0, 2**400]], "lie outside the memory"),
        (
            [TABLE[0], TABLE[0], TABLE[2]],
            "pages at 16,777,216 overlap the ones before, which end at 16,781,312",
        ),
        ([TABLE[1], [STACK_TOP + 3 * PAGE, PAGE], TABLE[2]], "pages at 16,789,504 overlap"),
        ([TABLE[1], TABLE[0], TABLE[2]], "pages at 16,777,216 overlap the ones before"),
        (TABLE[:2], "it has 4 data segments, and its manifest tells of 3"),
        ([], "it has 4 data segments, and its manifest tells of 1"),
        (
            [TABLE[0], [STACK_TOP + 2 * PAGE, PAGE], TABLE[2]],
            "are 8,192 bytes, and its manifest tells of 4,096",
        ),
        (
            [TABLE[0], [STACK_TOP + 2 * PAGE, MEMORY - STACK_TOP - 3 * PAGE], TABLE[2]],
            "are 8,192 bytes",
        ),
    ],
)
def test_pages_lie_in_the_memory_in_order(pages: object, reason: str) -> None:
    assert reason in refusal(manifest(pages=pages)).message


@pytest.mark.parametrize(
    ("memory", "reason"),
    [
        (None, "None, which is no number"),
        (float(MEMORY), "50331648.0, which is no number"),
        (True, "True, which is no number"),
        (0, "the memory has 0 bytes"),
        (-65536, "the memory has -65536 bytes"),
        (MIN_MEMORY - 65536, "allowed: 41,943,040 to 1,073,741,824"),
        (MAX_MEMORY + 65536, "allowed: 41,943,040 to 1,073,741,824"),
        (2**2000, "a number of 2001 bits bytes"),
        (MEMORY + PAGE, "50,335,744 bytes, no multiple of 65,536"),
    ],
)
def test_the_memory_has_a_possible_size(memory: object, reason: str) -> None:
    assert reason in refusal(manifest(memory=memory)).message


def test_the_memory_has_a_possible_size_without_pages_too() -> None:
    for memory in (1, -65536, MAX_MEMORY + 65536, MIN_MEMORY + 1):
        with pytest.raises(ArtifactError, match="the memory has"):
            read_bytes(forge(module=driver([]), text=manifest(memory=memory, pages=[])))
    assert read_bytes(forge(module=driver([]), text=manifest(memory=0, pages=[]))).memory == 0


def test_neighbouring_runs_may_touch() -> None:
    runs = [PageRun(STACK_TOP, bytes(PAGE)), PageRun(STACK_TOP + PAGE, bytes(PAGE))]
    assert read_bytes(artifact(PARTS._replace(pages=runs))).pages == runs


def test_depth_up_to_the_bound_is_fine() -> None:
    # The object itself is one level.
    found = read_bytes(forge(text=nested(MAX_DEPTH - 1)))
    assert json.dumps(found.manifest["deep"]) == "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)


def test_the_callers_values_come_back_as_they_were() -> None:
    assert read_bytes(artifact()).manifest == PARTS.manifest


@pytest.mark.parametrize("item", ["{}", "[]", '{"a":0}', "0.1", '""', "[[0]]", '[0,{"":0}]'])
def test_a_full_manifest_takes_a_bounded_amount_of_memory(item: str) -> None:
    start = manifest(flood="?")
    count = (MAX_MANIFEST - len(start)) // (len(item) + 1)
    data = forge(text=start.replace(b'"?"', f"[{','.join([item] * count)}]".encode()))
    tracemalloc.start()
    try:
        found = read_bytes(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.manifest["flood"]) == count
    assert peak < 64 << 20
