"""Advisories: which concern a version, which make it unsafe, and what the shipped file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.paths import toolchain_data
from capsule.toolstore import advisories, pins
from capsule.toolstore.advisories import Advisory, affects, concerning, parse, refuse
from capsule.toolstore.digests import identity
from capsule.toolstore.platform_tag import Machine

if TYPE_CHECKING:
    from pathlib import Path

REAL = toolchain_data() / "advisories.toml"
LINUX = Machine("linux", "x86_64", "glibc")
ARM = Machine("linux", "aarch64", "musl")
WINDOWS = Machine("windows", "x86_64")
MACOS = Machine("macos", "aarch64")

ENTRY = """\
[[advisory]]
id = "GHSA-1"
title = "a way out"
fixed = ["48.0.10", "50.0.0"]
unsafe = true
means = "bad"
"""


def advisory(
    *fixed: str, systems: tuple[str, ...] = (), machines: tuple[str, ...] = ()
) -> Advisory:
    return Advisory("GHSA-1", "a way out", fixed, True, "bad", systems, machines)


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("1.0.0", True),
        ("47.9.9", True),
        ("48.0.2", True),
        ("48.0.9", True),  # as numbers: 9 is before 10
        ("48.0.10", False),
        ("48.1.0", False),
        ("49.0.6", True),
        ("49.0.7", False),
        ("50.0.2", True),
        ("50.0.3", False),
        ("51.0.0", False),
        ("51.0.0-dev", False),
        ("52.3.1", False),
        ("100.0.0", False),
    ],
)
def test_a_version_is_held_against_its_own_line(version: str, affected: bool) -> None:
    assert affects(advisory("48.0.10", "49.0.7", "50.0.3", "51.0.0"), version, LINUX) == affected


def test_a_line_that_nothing_mends_is_affected_until_one_that_is() -> None:
    mended = advisory("36.0.18", "49.0.3")
    assert [affects(mended, f"{line}.9.0", LINUX) for line in (35, 36, 40, 48, 49, 50)] == [
        *(True, False, True, True, False, False)
    ]


def test_some_concern_one_system_or_processor() -> None:
    for mended, where in (
        (advisory("50.0.0", systems=("windows",)), [WINDOWS]),
        (advisory("50.0.0", machines=("aarch64",)), [ARM, MACOS]),
        (advisory("50.0.0", systems=("linux", "macos"), machines=("aarch64",)), [ARM, MACOS]),
        (advisory("50.0.0"), [LINUX, ARM, WINDOWS, MACOS]),
    ):
        found = [kind for kind in (LINUX, ARM, WINDOWS, MACOS) if affects(mended, "49.0.0", kind)]
        assert found == where


@pytest.mark.parametrize("text", ["", "49", "49.0", "v49.0.3", "x.y.z"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is what was given
        parse(text)
    assert str(caught.value) == text


def test_one_without_an_id_is_called_by_what_mends_it() -> None:
    assert Advisory("", "x", ("49.0.4",), False, "y").name == "fixed in 49.0.4"


def test_the_unsafe_ones_stand_first() -> None:
    known = [Advisory("A", "x", ("50.0.0",), False, "y"), advisory("50.0.0")]
    assert [each.id for each in concerning(known, "49.0.0", LINUX)] == ["GHSA-1", "A"]


def test_only_the_unsafe_are_refused() -> None:
    refuse([Advisory("A", "x", ("50.0.0",), False, "y")], "49.0.0", "this")
    with pytest.raises(ToolchainError) as caught:
        refuse([advisory("48.0.10", "49.0.7", "50.0.0")], "49.0.0", "this, which")
    assert caught.value.message == (
        "this, which is wasmtime 49.0.0: it is unsafe here by GHSA-1 (a way out)"
    )
    assert caught.value.hint == "take wasmtime 48.0.10, 49.0.7 or 50.0.0, or newer"


def test_the_shipped_file_is_about_what_is_pinned_and_allowed() -> None:
    known = advisories.load(REAL)
    assert len({each.id for each in known}) == len(known)
    pinned = pins.load(toolchain_data() / "pins.toml").wasmtime
    kinds = {(build.system, build.machine) for build in pinned.builds}
    for each in known:
        assert set(each.systems) <= {system for system, _ in kinds}
        assert set(each.machines) <= {machine for _, machine in kinds}
        assert max(parse(fix) for fix in each.fixed) >= (pinned.oldest, 0, 0)


@pytest.mark.parametrize(
    ("version", "kind", "unsafe"),
    [
        ("47.0.9", LINUX, ["GHSA-vqjp-4c8c-hfgg"]),
        ("48.0.0", LINUX, []),
        ("49.0.3", LINUX, []),
        ("49.0.3", ARM, []),
        ("49.0.3", MACOS, []),
        ("49.0.3", WINDOWS, ["GHSA-f2pq-268w-886c"]),
        ("48.0.9", WINDOWS, ["GHSA-f2pq-268w-886c"]),
        ("48.0.10", WINDOWS, []),
        ("49.0.7", WINDOWS, []),
        ("50.0.2", WINDOWS, ["GHSA-f2pq-268w-886c"]),
        ("50.0.3", WINDOWS, []),
        ("51.0.0", WINDOWS, []),
    ],
)
def test_what_the_shipped_file_makes_unsafe(version: str, kind: Machine, unsafe: list[str]) -> None:
    found = concerning(advisories.load(REAL), version, kind)
    assert [each.id for each in found if each.unsafe] == unsafe


def test_the_shipped_file_tells_of_processors_and_of_none() -> None:
    known = advisories.load(REAL)
    ids = {each.id for each in concerning(known, "49.0.3", ARM)}
    here = {each.id for each in concerning(known, "49.0.3", LINUX)}
    assert ids - here == {"GHSA-mghf-wjfp-p5xm"}
    assert concerning(known, "51.0.0", WINDOWS) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format = 2\n", "format is 2, this capsule reads 1"),
        ("format = ", "not TOML"),
        ("format = 1\n" + ENTRY + 'url = "x"\n', "advisory 1: unknown: 'url'"),
        ("format = 1\n" + ENTRY.replace("true", "1"), "unsafe is 1, not of type bool"),
        ("format = 1\n" + ENTRY.replace("48.0.10", "48"), "fixed has '48', not a version"),
        ("format = 1\n" + ENTRY.replace('"48.0.10", "50.0.0"', ""), "fixed is empty"),
        ("format = 1\n" + ENTRY.replace('"48.0.10"', "48"), "fixed has 48, not a text"),
        ("format = 1\n" + ENTRY.replace('title = "a way out"\n', ""), "the key 'title' is missing"),
        ("format = 1\n", "the key 'advisory' is missing"),
    ],
)
def test_a_file_that_is_not_understood_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "advisories.toml"
    file.write_text(text)
    with pytest.raises(ToolchainError) as caught:
        advisories.load(file)
    assert says in caught.value.message
    assert caught.value.message.startswith("advisories.toml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"cannot read the advisories in .*nowhere"):
        advisories.load(tmp_path / "nowhere")


def test_they_are_no_part_of_the_toolchains_identity() -> None:
    """Or a new advisory would compile all anew."""
    assert "advisories" not in (toolchain_data() / "pins.toml").read_text()
    assert identity(toolchain_data() / "pins.toml") != identity(REAL)
