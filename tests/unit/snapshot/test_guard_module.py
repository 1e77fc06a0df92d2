"""What the guard offers, and that the keys know which one it is."""

from __future__ import annotations

import re

from capsule import wasm
from capsule.snapshot import guard_names as names
from capsule.snapshot.guard_module import guard_module, passing_module
from capsule.toolstore.wasi_calls import CALLS, START


def exports(module: bytes) -> dict[str, tuple[int, int]]:
    (body,) = [
        module[each.start : each.end] for each in wasm.sections(module) if each.kind == wasm.EXPORT
    ]
    count, at = wasm.read_uleb(body, 0, len(body))
    found = {}
    for _ in range(count):
        length, at = wasm.read_uleb(body, at, len(body))
        name, kind = body[at : at + length].decode(), body[at + length]
        index, at = wasm.read_uleb(body, at + length + 1, len(body))
        found[name] = kind, index
    return found


def test_every_call_is_answered_and_the_memory_is_the_interpreters() -> None:
    found = exports(guard_module())
    assert set(found) == {*CALLS, START, "memory"}
    assert found["memory"] == (2, 0)


def test_what_is_judged_is_not_wasis_own() -> None:
    passed = {
        name
        for name, (kind, index) in exports(guard_module()).items()
        if kind == 0 and index < len(CALLS)
    }
    assert passed == {
        *("clock_res_get", "clock_time_get", "environ_get", "environ_sizes_get", "fd_advise"),
        *("fd_datasync", "fd_fdstat_set_flags", "fd_filestat_get"),
        *("fd_prestat_dir_name", "fd_prestat_get", "fd_readdir", "fd_seek", "fd_sync", "fd_tell"),
        *("poll_oneoff", "sched_yield"),
    }


def test_one_that_lets_all_pass_is_for_tests() -> None:
    found = exports(passing_module())
    assert [name for name, (kind, index) in found.items() if kind == 0 and index >= len(CALLS)] == [
        START
    ]


def test_devices_of_windows_are_bytes() -> None:
    assert all(re.fullmatch(rb"[A-Z]{3}[A-Z0-9$\x80-\xff]{0,4}", name) for name in names.DEVICES)
    assert len(names.DEVICES) == len(set(names.DEVICES)) == 6 + 2 * 13
