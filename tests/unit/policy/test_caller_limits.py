"""Limits and mounts in the words of programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from capsule import Limits
from capsule.errors import UsageError
from capsule.policy.caller_limits import caller_limits, mount_rules
from capsule.policy.mounts import MountRule
from capsule.policy.resolve import CallerLimits


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (None, CallerLimits()),
        ({}, CallerLimits()),
        ({"timeout": "5s", "no_net": True}, CallerLimits(timeout_ms=5000, no_net=True)),
        (Limits(max_fuel="LOW", max_ram="64MB"), CallerLimits(10**8, 64 << 20)),
        (Limits(max_fuel=5, no_files=True), CallerLimits(5, no_files=True)),
    ],
)
def test_limits(limits: object, expected: CallerLimits) -> None:
    assert caller_limits(limits) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"timeot": "5s"}, r"there is no 'timeot'; there are max_fuel, .*\n  try: timeout"),
        ({"timeout": 5}, "limits: timeout: 5 is not"),
        ({"untrusted": None}, "limits: untrusted: None is no switch; allowed: true or false"),
        ({"untrusted": "yes"}, "limits: untrusted: 'yes' is no switch"),
        (Limits(untrusted=0), "limits: untrusted: 0 is no switch"),  # type: ignore[arg-type]
        ({"no_net": ""}, "limits: no_net: '' is no switch"),
        ({"no_files": []}, r"limits: no_files: \[\] is no switch"),
        ({"no_env": 1}, "limits: no_env: 1 is no switch"),
        ({"max_ram": "lots"}, "limits: max_ram: 'lots' is not"),
        (Limits(max_fuel="ALL"), "limits: max_fuel: 'ALL' is not"),
    ],
)
def test_wrong_limits(limits: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        caller_limits(limits)  # type: ignore[arg-type]


def test_mounts(tmp_path: Path) -> None:
    table = {"path": "./out", "mode": "rw"}
    rules = mount_rules(["data::/in:ro", table, tmp_path / "x"], tmp_path)
    assert rules == (
        MountRule(tmp_path / "data", "/in", writable=False),
        MountRule(tmp_path / "out", "/out", writable=True),
        MountRule(tmp_path / "x", "/x"),
    )


@pytest.mark.parametrize(
    "mounts",
    ["data", Path("data"), [""], ["a::/"], [{"path": "x", "mode": "w"}], [{"host": "x"}], [5]],
)
def test_wrong_mounts(mounts: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mounts"):
        mount_rules(mounts, tmp_path)  # type: ignore[arg-type]
