"""The parts of a toolchain as text and as JSON, and what `doctor` makes of an unsafe program."""

from __future__ import annotations

from pathlib import Path

import pytest

from capsule.cli.commands import doctor_checks
from capsule.cli.render.part_list import lines, rows, said_of
from capsule.toolstore.manage import Part, list_parts
from capsule.toolstore.platform_tag import Machine
from capsule.toolstore.sources import ToolchainSources

NOWHERE = Path("/nowhere")


def real(system: str) -> list[Part]:
    """What `toolchain list` has in an empty home, with the pins and advisories that are shipped."""
    libc = "glibc" if system == "linux" else ""
    sources = ToolchainSources(environ={}, machine=Machine(system, "x86_64", libc))
    return list_parts(NOWHERE, sources=sources)


def test_the_wheel_and_its_program_have_two_versions_and_it_says_why() -> None:
    text = " ".join(" ".join(lines(real("linux"))).split())
    assert "wasmtime wheel 49.0.4 missing" in text
    assert (
        "wasmtime wheel 49.0.4: the program in it says 49.0.3, and 49.0.3 is what it is held to be:"
        " the wheel was made one release ahead of what it packs"
    ) in text
    assert "wasmtime 49.0.3: the pinned one" in text


def test_advisories_stand_by_what_they_mean_here() -> None:
    text = list(lines(real("linux")))
    assert "wasmtime 49.0.3: 13 advisories are known, none of which is unsafe here:" in text
    at = text.index("  nothing here is a component")
    assert text[at + 1].startswith("    GHSA-xrvr-8678-5wp8: a panic when a component cancels")
    assert text.count("  nothing here is a component") == 1
    assert all(len(line) <= 80 for line in text)
    assert not any("UNSAFE" in line for line in text)


def test_on_windows_the_pinned_one_is_unsafe() -> None:
    found = real("windows")
    text = " ".join(" ".join(lines(found)).split())
    assert "14 advisories are known, and it is unsafe here by GHSA-f2pq-268w-886c:" in text
    assert "UNSAFE GHSA-f2pq-268w-886c: a way out of the file system's sandbox on Windows" in text
    row = next(row for row in rows(found) if row["part"] == "wasmtime")
    assert row["advisories"][0] == {
        "id": "GHSA-f2pq-268w-886c",
        "title": "a way out of the file system's sandbox on Windows, by a drive in a path",
        "fixed": ["48.0.10", "49.0.7", "50.0.3", "51.0.0"],
        "unsafe": True,
        "means": "a task could reach files of the host, without any folder granted",
    }


@pytest.mark.parametrize(
    ("system", "state", "remedy"),
    [
        ("linux", "ok", ""),
        (
            "windows",
            "warning",
            "capsule toolchain install --wasmtime FILE, with one of 48.0.10, 49.0.7, 50.0.3,"
            " 51.0.0 or newer",
        ),
    ],
)
def test_the_doctor_warns_of_an_unsafe_one(
    monkeypatch: pytest.MonkeyPatch, system: str, state: str, remedy: str
) -> None:
    found = real(system)
    monkeypatch.setattr("capsule.toolstore.manage.list_parts", lambda _: found)
    row = doctor_checks.wasmtime()
    assert (row.state, row.remedy) == (state, remedy)
    assert "GHSA-5m8g-xhq4-4h93" in row.found


def test_how_many_are_known() -> None:
    assert said_of(()) == "no advisory is known"
    one = next(part for part in real("linux") if part.advisories).advisories[:1]
    assert said_of(one) == "1 advisory is known, none of which is unsafe here"
