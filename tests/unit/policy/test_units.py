"""Amounts: every documented form, every slip, and the way back."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.units import (
    MAX_COMPUTE,
    MAX_RAM,
    MAX_TIMEOUT,
    format_compute,
    format_ram,
    format_timeout,
    parse_compute,
    parse_ram,
    parse_retries,
    parse_timeout,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ANYTHING = st.one_of(
    st.text(),
    st.text("0123456789._kmgtibshKMGB -+e", max_size=12),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.lists(st.text()),
)


@pytest.mark.parametrize(
    ("value", "fuel"),
    [
        ("LOW", 100_000_000),
        ("medium", 2_000_000_000),
        ("High", 50_000_000_000),
        (1, 1),
        ("1", 1),
        ("1_000_000", 1_000_000),
        (10**14, 10**14),
        ("100000000000000", 10**14),
    ],
)
def test_compute(value: object, fuel: int) -> None:
    assert parse_compute(value) == fuel


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ULTRA",
        "0",
        0,
        -1,
        10**14 + 1,
        "1__0",
        "_1",
        "1_",
        "1.5",
        "1e9",
        1.5,
        True,
        None,
        "+1",
        " 1",
        "\u0661",
        "\u00b2",
        "9" * 5000,
        1 << 10_000,
        b"LOW",
        ["LOW"],
    ],
)
def test_compute_refuses(value: object) -> None:
    with pytest.raises(InvalidValueError, match='allowed: "LOW", "MEDIUM", "HIGH", or a whole'):
        parse_compute(value)


def test_compute_suggests_the_nearest_level() -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_compute("MEDIUMM")
    assert caught.value.hint == '"MEDIUM"'


@pytest.mark.parametrize(
    ("parse", "value", "hint"),
    [
        (parse_timeout, "5", '"5s"'),
        (parse_timeout, 30, '"30s"'),
        (parse_ram, "512", '"512MB"'),
        (parse_ram, 0, None),
        (parse_timeout, "0", None),
        (parse_ram, 9_999, '"9999MB"'),
        (parse_ram, 1 << 33, None),
        (parse_timeout, True, None),
        (parse_timeout, "-5", None),
        (parse_timeout, "5  s", None),
    ],
)
def test_a_number_without_a_unit_is_told_one(
    parse: Callable[[object], int], value: object, hint: str | None
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse(value)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("1KB", 1024),
        ("64MiB", 64 << 20),
        ("64MB", 64 << 20),
        ("512mb", 512 << 20),
        ("2GB", 2 << 30),
        ("4gib", 4 << 30),
        ("1.5GB", 1536 << 20),
        ("0.5KB", 512),
        ("0.0009765625KB", 1),
        ("64 MB", 64 << 20),
        ("2 GB", 2 << 30),
        ("1.5 GiB", 1536 << 20),
        (536_870_912, 512 << 20),
        ("536870912", 512 << 20),
        (10_000, 10_000),
        (4 << 30, 4 << 30),
    ],
)
def test_ram(value: object, size: int) -> None:
    assert parse_ram(value) == size


@pytest.mark.parametrize(
    "value",
    [
        "",
        "64",
        "MB",
        "64  MB",
        "64\tMB",
        "6 4MB",
        " MB",
        " 64MB",
        "64MB ",
        "-64MB",
        "+1MB",
        "1TB",
        "64B",
        "64M",
        "0MB",
        "0.0MB",
        ".5GB",
        "1.GB",
        "1.2.3GB",
        "1,5GB",
        "1_0MB",
        "0.3KB",
        "1e3MB",
        "4.1GB",
        "5GB",
        "4097MB",
        "\u0661MB",
        "64\u212aB",
        "9" * 5000 + "KB",
        64,
        64.0,
        67_108_864.0,
        (4 << 30) + 1,
        None,
        True,
        ["64MB"],
    ],
)
def test_ram_refuses(value: object) -> None:
    with pytest.raises(InvalidValueError, match=r'like "512MB".* at most "4GB"'):
        parse_ram(value)


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("1ms", 1),
        ("500ms", 500),
        ("30s", 30_000),
        ("1.5s", 1_500),
        ("0.001s", 1),
        ("5m", 300_000),
        ("1H", 3_600_000),
        ("30S", 30_000),
        ("168h", MAX_TIMEOUT),
        ("5 s", 5_000),
        ("1m30s", 90_000),
        ("1m 30s", 90_000),
        ("1 m 30 s", 90_000),
        ("1h30m", 5_400_000),
        ("1h1m1s1ms", 3_661_001),
        ("1.5m500ms", 90_500),
        ("0h5m", 300_000),
        ("1m90s", 150_000),
    ],
)
def test_timeout(value: str, milliseconds: int) -> None:
    assert parse_timeout(value) == milliseconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "5",
        "s",
        "0s",
        "-1s",
        "5  s",
        "1d",
        "30s1m",
        "1m1m",
        "1m30",
        "1m  30s",
        "1m30s ",
        "1m,30s",
        "167h61m",
        "1s500m",
        "1s1s",
        "5msm",
        "0.5ms",
        "1.0001s",
        "169h",
        "inf s",
        30,
        None,
        "\u0661s",
        "5\u017f",
    ],
)
def test_timeout_refuses(value: object) -> None:
    with pytest.raises(InvalidValueError, match=r'like "30s" or "1m30s".* from "1ms" to "168h"'):
        parse_timeout(value)


@pytest.mark.parametrize("value", [0, 1, 100])
def test_retries(value: int) -> None:
    assert parse_retries(value) == value


@pytest.mark.parametrize("value", [-1, 101, True, False, "2", 1.0, None, 1 << 10_000])
def test_retries_refuses(value: object) -> None:
    with pytest.raises(InvalidValueError, match="allowed: an int from 0 to 100"):
        parse_retries(value)


@given(ANYTHING)
def test_parsers_accept_or_refuse_but_never_fail(value: object) -> None:
    for parse, most in (
        (parse_compute, MAX_COMPUTE),
        (parse_ram, MAX_RAM),
        (parse_timeout, MAX_TIMEOUT),
        (parse_retries, 100),
    ):
        try:
            amount = parse(value)
        except InvalidValueError:
            continue
        assert type(amount) is int
        assert 0 <= amount <= most


@given(st.integers(1, MAX_COMPUTE))
def test_compute_there_and_back(fuel: int) -> None:
    assert parse_compute(format_compute(fuel)) == fuel


@given(st.integers(1, MAX_RAM // 1024))
def test_ram_there_and_back(kilobytes: int) -> None:
    assert parse_ram(format_ram(kilobytes * 1024)) == kilobytes * 1024


@given(st.integers(1, MAX_TIMEOUT))
def test_timeout_there_and_back(milliseconds: int) -> None:
    assert parse_timeout(format_timeout(milliseconds)) == milliseconds


@given(st.integers(0, 9999), st.integers(0, 9999), st.sampled_from(["KB", "MB", "GB"]))
def test_fractions_are_exact(whole: int, part: int, unit: str) -> None:
    exact = Fraction(f"{whole}.{part}") * 1024 ** ("KB", "MB", "GB").index(unit) * 1024
    allowed = exact.denominator == 1 and 1 <= exact <= MAX_RAM
    try:
        assert parse_ram(f"{whole}.{part}{unit}") == exact
        assert allowed
    except InvalidValueError:
        assert not allowed


@given(st.integers(1, MAX_RAM))
def test_a_size_that_is_written_is_read_as_the_same(size: int) -> None:
    assert parse_ram(format_ram(size)) == size


def test_formats_are_what_people_write() -> None:
    assert [format_ram(n) for n in (1 << 30, 1536 << 20, 1 << 10, 1000)] == [
        "1GB",
        "1536MB",
        "1KB",
        "0.9765625KB",
    ]
    assert [format_timeout(n) for n in (1, 1500, 60_000, 90_000, 3_600_000)] == [
        "1ms",
        "1500ms",
        "1m",
        "90s",
        "1h",
    ]
    assert format_compute(50_000_000_000) == "HIGH"
