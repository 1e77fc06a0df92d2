"""Sections, segments and the digest of hostile artifacts. Every digest fits, but where it is tested."""

from __future__ import annotations

import time

import pytest

from capsule import wasm
from capsule.artifact.contents import DIGEST, MANIFEST, PACKAGES, SOURCES
from capsule.artifact.errors import ArtifactError
from capsule.artifact.read import read_bytes
from capsule.artifact.write import custom, sealed
from capsule.snapshot.changed_pages import PAGE
from tests.unit.artifact.forge import PAGES, PARTS, artifact, driver, forge, manifest, pieces, table


def refusal(data: bytes) -> str:
    with pytest.raises(ArtifactError) as caught:
        read_bytes(data, "hello.wasm")
    assert caught.value.hint
    assert caught.value.message.startswith("hello.wasm: ")
    return caught.value.message


def with_data(body: bytes) -> bytes:
    """Return the driver with another data section."""
    return b"".join(
        wasm.section(wasm.DATA, body) if piece[0] == wasm.DATA else piece
        for piece in pieces(driver())
    )


def segment(data: bytes | memoryview, kind: bytes = b"\x01") -> bytes:
    return kind + wasm.sized(bytes(data))


TEXT = segment(b"pass")
RUNS = [segment(run.data) for run in PAGES]


def test_a_forged_artifact_is_read_when_nothing_is_wrong() -> None:
    found = read_bytes(forge(module=with_data(wasm.vector([TEXT, *RUNS]))))
    assert (found.pages, found.manifest, found.sources) == (PARTS.pages, {}, {})


def test_a_truncated_artifact_is_refused_wherever_it_is_cut() -> None:
    data = artifact()
    ends = {sum(map(len, pieces(data)[:count])) for count in range(len(pieces(data)) + 1)}
    for cut in [*ends, *range(0, len(data), 97), *range(len(data) - 60, len(data))]:
        if cut < len(data):
            refusal(data[:cut])


def test_cut_sections_and_lost_ones_are_named() -> None:
    data = artifact()
    assert "cut off" in refusal(data[:-1])
    assert "cut off" in refusal(data[: len(driver()) // 2])
    assert f"does not end in a section {DIGEST}" in refusal(b"".join(pieces(data)[:-1]))


def test_damage_is_found() -> None:
    data = bytearray(artifact())
    for place in range(8, len(data), 61):
        data[place] ^= 1
        refusal(bytes(data))
        data[place] ^= 1
    data[len(driver()) // 2] ^= 1
    assert "it was changed or damaged: its SHA-256 is " in refusal(bytes(data))


def test_what_follows_the_digest_is_refused() -> None:
    for more in (custom("other", b""), custom("capsule.more", b""), custom(MANIFEST, manifest())):
        assert "it does not end in a section capsule.sha256" in refusal(artifact() + more)


def test_a_digest_of_another_length_is_refused() -> None:
    body = pieces(artifact())[:-1]
    assert "its digest has 31 bytes, and not 32" in refusal(
        b"".join([*body, custom(DIGEST, bytes(31))])
    )


M, S, P = custom(MANIFEST, manifest()), custom(SOURCES, table()), custom(PACKAGES, table())


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ([S, P], "it has no section capsule.manifest"),
        ([M, P], "it has no section capsule.sources"),
        ([M, S], "it has no section capsule.packages"),
        ([], "it has no section capsule.manifest"),
        ([M, M, S, P], "it has 2 times the section capsule.manifest"),
        ([M, S, P, P, P], "it has 3 times the section capsule.packages"),
        ([custom(DIGEST, bytes(32)), M, S, P], "it has 2 times the section capsule.sha256"),
        ([S, M, P], "its sections stand out of order"),
        ([M, P, S], "its sections stand out of order"),
        ([M, custom("name", b""), S, P], "its sections stand out of order"),
        ([M, S, P, wasm.section(wasm.CODE, b"\0")], "its sections stand out of order"),
        ([M, S, P, custom("capsule.code", b"")], "it has an unknown section 'capsule.code'"),
        ([M, S, P, custom("capsule.", b"")], "it has an unknown section 'capsule.'"),
        ([M, S, P, wasm.section(14, b"")], "a section of the unknown kind 14"),
        ([M, S, P, wasm.section(wasm.DATA, b"\0")], "it has two data sections"),
        ([wasm.section(wasm.CUSTOM, b"\x09abc"), M, S, P], "runs past its end"),
        ([wasm.section(wasm.CUSTOM, b""), M, S, P], "cut off or damaged"),
        ([wasm.section(wasm.CUSTOM, b"\x01\xff"), M, S, P], "is not UTF-8"),
        ([*([custom("x", b"")] * 99), M, S, P], "it has more than 64 sections"),
    ],
)
def test_sections_are_there_once_in_order_at_the_end(sections: list[bytes], reason: str) -> None:
    assert reason in refusal(sealed([driver(), *sections]))


def test_sections_of_others_in_front_are_no_matter() -> None:
    assert read_bytes(sealed([driver(), custom("producers", b"x"), M, S, P])).pages == PAGES


def test_a_long_name_is_shown_short() -> None:
    assert len(refusal(sealed([driver(), M, S, P, custom("capsule." + "x" * 100_000, b"")]))) < 300


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "its data section is damaged"),
        (b"\xff", "its data section is damaged"),
        (wasm.vector([TEXT, *RUNS[:-1]]), "it has 3 data segments, and its manifest tells of 4"),
        (wasm.vector([TEXT, *RUNS, TEXT]), "it has 5 data segments, and its manifest tells of 4"),
        (wasm.vector([]), "it has 0 data segments"),
        (wasm.uleb(2**32 - 1) + TEXT, "it has 4,294,967,295 data segments"),
        (wasm.uleb(4) + TEXT + RUNS[0], "its data section is damaged"),
        (wasm.vector([TEXT, *RUNS]) + b"\0", "1 bytes follow its last data segment"),
        (wasm.vector([b"\0\x41\0\x0b\x01x", *RUNS]), "segment 0 is of kind 0, and not passive"),
        (wasm.vector([TEXT, *RUNS[:2], b"\0\x41\0\x0b" + RUNS[2][1:]]), "segment 3 is of kind 0"),
        (
            wasm.vector([TEXT, b"\x02\0\x41\0\x0b" + RUNS[0][1:], *RUNS[1:]]),
            "segment 1 is of kind 2",
        ),
        (
            wasm.uleb(4) + b"\x01" + wasm.uleb(2**32 - 1) + b"xx",
            "4,294,967,295 bytes, and 2 are left",
        ),
        (
            wasm.vector([TEXT, RUNS[1], RUNS[0], RUNS[2]]),
            "are 8,192 bytes, and its manifest tells of 4,096",
        ),
        (wasm.vector([TEXT, segment(bytes(PAGE - 1)), *RUNS[1:]]), "are 4,095 bytes"),
    ],
)
def test_segments_are_what_the_manifest_says(body: bytes, reason: str) -> None:
    assert reason in refusal(forge(module=with_data(body)))


def test_a_driver_without_data_is_refused() -> None:
    module = b"".join(piece for piece in pieces(driver()) if piece[0] != wasm.DATA)
    assert "without data" in refusal(forge(module=module))


@pytest.mark.parametrize(
    "length", [b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\xff\x01", b"\x80" * 9]
)
@pytest.mark.parametrize("index", range(1, len(pieces(artifact()))))
def test_no_section_can_lie_about_its_length(length: bytes, index: int) -> None:
    found = pieces(artifact())
    found[index] = found[index][:1] + length + found[index][2:]
    refusal(b"".join(found))


def test_a_flood_of_sections_takes_no_time() -> None:
    flood = wasm.HEADER + custom("x", b"") * 2_000_000
    begin = time.monotonic()
    assert "more than 64 sections" in refusal(flood)
    assert time.monotonic() - begin < 1


def test_a_flood_of_segments_takes_no_time() -> None:
    module = with_data(wasm.uleb(4_000_000) + b"\x01\0" * 4_000_000)
    begin = time.monotonic()
    assert "it has 4,000,000 data segments" in refusal(forge(module=module))
    assert time.monotonic() - begin < 1
