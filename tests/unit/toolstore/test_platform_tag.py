"""What a machine is called in the pins."""

from __future__ import annotations

import pytest

from capsule.toolstore.platform_tag import Machine, describe


@pytest.mark.parametrize(
    ("system", "machine", "glibc", "expected"),
    [
        ("Linux", "x86_64", "glibc 2.36", Machine("linux", "x86_64", "glibc")),
        ("Linux", "aarch64", None, Machine("linux", "aarch64", "musl")),
        ("Linux", "x86_64", "", Machine("linux", "x86_64", "musl")),
        ("Darwin", "arm64", None, Machine("macos", "aarch64")),
        ("Darwin", "x86_64", None, Machine("macos", "x86_64")),
        ("Windows", "AMD64", None, Machine("windows", "x86_64")),
        ("Windows", "ARM64", None, Machine("windows", "aarch64")),
        ("FreeBSD", "riscv64", None, Machine("freebsd", "riscv64")),
    ],
)
def test_describe(system: str, machine: str, glibc: str | None, expected: Machine) -> None:
    assert describe(system, machine, glibc) == expected


def test_a_machine_in_words() -> None:
    assert str(Machine("linux", "x86_64", "musl")) == "linux x86_64 (musl)"
    assert str(Machine("windows", "x86_64")) == "windows x86_64"
