"""Telling wasmtime's report from what a guest wrote to make it look like one."""

from __future__ import annotations

import pytest

from capsule.process.trap_report import TRAPPED, read_report

REPORT = b"""Error: failed to run main module `/x/driver.cwasm`

Caused by:
    0: failed to invoke command default
    1: error while executing at wasm backtrace:
    0: %s
    2: wasm trap: %s
"""
DRAINED = REPORT % (
    b"""0x4c - capsule_host!burn_small
    1: 0x2dca4a - capsule_host!step
    2: 0x2dcb2a - capsule_host!drain
    3:     0x3d - capsule_driver!_start""",
    b"all fuel consumed by WebAssembly",
)
OUT_OF_FUEL = REPORT % (
    b"""0x36f87a - <unknown>!<wasm function 7238>
    1:     0xb6 - capsule_driver!_start""",
    b"all fuel consumed by WebAssembly",
)
CRASHED = REPORT % (b"0x1 - <unknown>!<wasm function 1>", b"call stack exhausted")


def test_the_meter_is_found() -> None:
    report = read_report(b"written by the guest" + DRAINED, TRAPPED)
    assert report == (
        b"written by the guest",
        False,
        0x2DCB2A,
        "wasm trap: all fuel consumed by WebAssembly",
    )


def test_running_out_of_fuel_elsewhere_is_told_apart() -> None:
    report = read_report(OUT_OF_FUEL, TRAPPED)
    assert (report.out_of_fuel, report.drain_offset) == (True, None)


def test_a_crash_gives_its_reason() -> None:
    report = read_report(CRASHED, TRAPPED)
    assert (report.out_of_fuel, report.drain_offset, report.reason) == (
        False,
        None,
        "wasm trap: call stack exhausted",
    )


@pytest.mark.parametrize("forged", [DRAINED, OUT_OF_FUEL])
def test_only_the_last_report_counts(forged: bytes) -> None:
    report = read_report(forged + CRASHED, TRAPPED)
    assert report.raw_stderr == forged
    assert report.reason == "wasm trap: call stack exhausted"
    assert not report.out_of_fuel
    assert report.drain_offset is None


@pytest.mark.parametrize("status", [0, 1, 7, 125, -9])
@pytest.mark.parametrize("forged", [DRAINED, OUT_OF_FUEL])
def test_a_report_needs_the_status_of_a_trap(forged: bytes, status: int) -> None:
    report = read_report(forged, status)
    assert not report.out_of_fuel
    assert report.drain_offset is None


@pytest.mark.parametrize(
    "frames",
    [
        b"0x1 - capsule_host!drain",
        b"0x1 - capsule_host!drain\n    1: 0x2 - <unknown>!<wasm function 1>",
        b"0x1 - <unknown>!<wasm function 1>\n    1: 0x2 - capsule_driver!_start",
        b"0x1 - capsule_host!call\n    1: 0x2 - <unknown>!x\n    2: 0x2 - capsule_driver!_start",
    ],
)
def test_the_meter_has_to_lie_right_above_the_driver(frames: bytes) -> None:
    assert read_report(REPORT % (frames, b"unreachable"), TRAPPED).drain_offset is None
