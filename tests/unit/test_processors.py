"""How many processors a program may use: by what it may be put on, and by its control group."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from capsule import processors

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, proc: str, files: dict[str, str]) -> tuple[str, str]:
    """A process's list of groups and the files of these, as the kernel shows them."""
    (folder / "proc").write_text(proc)
    for name, content in files.items():
        path = folder / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return str(folder / "proc"), str(folder / "groups")


@pytest.mark.parametrize(
    ("proc", "files", "expected"),
    [
        # The second form: a quota, none, and one of the group above.
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/a/b\n", {"a/b/cpu.max": "50000 100000\n", "a/cpu.max": "max 100000\n"}, 0.5),
        # A path of the machine, seen from a container that has its group as the root.
        ("0::/docker/0123\n", {"cpu.max": "200000 100000\n"}, 2.0),
        ("0::/../../b\n", {"cpu.max": "200000 100000\n"}, 2.0),
        # The first form, which has no bound where the quota is negative.
        (
            "3:memory:/m\n2:cpu,cpuacct:/a\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "250000\n",
             "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"},
            2.5,
        ),
        (
            "1:cpu:/\n0::/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            None,
        ),
        # A cpuset is another controller; its files are none of these.
        ("1:cpuset:/a\n", {"cpu/a/cpu.cfs_quota_us": "1", "cpu/a/cpu.cfs_period_us": "1"}, None),
        # What is no number, and nothing at all.
        ("0::/\n", {"cpu.max": "0 100000\n"}, None),
        ("0::/\n", {"cpu.max": "100000 0\n"}, None),
        ("0::/\n", {"cpu.max": "\n"}, None),
        ("0::/\n", {"cpu.max": "\xff 100000\n"}, None),
        ("0::/\n", {}, None),
        ("nonsense\n", {}, None),
        ("", {}, None),
    ],
)  # fmt: skip
def test_the_quota_of_a_control_group(
    tmp_path: Path, proc: str, files: dict[str, str], expected: float | None
) -> None:
    assert processors.processor_quota(*written(tmp_path, proc, files)) == expected
    assert processors.processor_quota(str(tmp_path / "none"), str(tmp_path)) is None


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are of Linux")
@pytest.mark.parametrize(
    ("quota", "expected"), [("150000", 2), ("50000", 1), ("400000", 3), ("max", 3)]
)
def test_a_quota_bounds_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int
) -> None:
    proc, groups = written(tmp_path, "0::/\n", {"cpu.max": f"{quota} 100000\n"})
    monkeypatch.setattr(processors, "_PROC", proc)
    monkeypatch.setattr(processors, "_GROUPS", groups)
    monkeypatch.setattr(processors, "_allowed", lambda: 3)
    assert processors.usable_processors() == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone puts programs on one")
def test_a_program_that_is_put_on_one_processor_uses_one() -> None:
    """As `taskset` does it, for a program of its own, whose defaults follow."""
    one = min(os.sched_getaffinity(0))
    program = (
        f"import os\nos.sched_setaffinity(0, [{one}])\n"
        "from capsule import processors\nfrom capsule.engines import Local\n"
        "from capsule.pool.slots import SHARED\nfrom capsule.sdk.batch import Batch\n"
        "print(processors.usable_processors(), Local(), SHARED)\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", program), capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("1 Local(concurrency=1) "), done.stdout
