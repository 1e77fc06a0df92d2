"""Rulesets that are used again: the same ones while the same files are there, and no others."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.confine.scratch_reserve import Keeper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")

if sys.platform == "linux":
    from capsule.confine import isolation_layers, kept_rulesets, landlock

    ABI = isolation_layers.standing().landlock
    needs_landlock = pytest.mark.skipif(not ABI, reason="this kernel has no Landlock to test")
else:
    needs_landlock = pytest.mark.skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.confine.landlock import Ruleset


@pytest.fixture(autouse=True)
def keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    monkeypatch.setattr(kept_rulesets, "_kept", {})
    made = Keeper()
    yield made
    made.close()


class Asked:
    """Asks for the ruleset of a folder, and counts how often its rules were made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made = 0

    def __call__(self) -> Ruleset:
        return kept_rulesets.ruleset(self._folder, self._rules, ABI, frozenset())

    def _rules(self) -> list[landlock.Rule]:
        self.made += 1
        return [landlock.Rule(self._folder, landlock.READ)]


def reads(ruleset: Ruleset, path: Path) -> bool:
    """Say whether a thread that is restricted to `ruleset` can read a file."""
    found: list[bool] = []

    def restricted() -> None:
        ruleset.restrict_this_thread()
        try:
            path.read_bytes()
        except PermissionError:
            found.append(False)
        else:
            found.append(True)

    thread = threading.Thread(target=restricted)
    thread.start()
    thread.join()
    return found[0]


@needs_landlock
def test_one_is_kept_that_is_asked_for_again(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    first, second = asked(), asked()
    assert asked.made == 2
    assert first is not second
    assert {asked() for _ in range(5)} == {second}
    assert asked.made == 2


@needs_landlock
def test_it_holds_again_and_again(tmp_path: Path) -> None:
    (mine := tmp_path / "mine").mkdir()
    (mine / "file").write_text("x")
    (tmp_path / "file").write_text("x")
    asked = Asked(mine)
    for _ in range(4):
        ruleset = asked()
        assert reads(ruleset, mine / "file")
        assert not reads(ruleset, tmp_path / "file")


@needs_landlock
def test_a_folder_that_was_made_anew_is_another_one(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    asked = Asked(folder)
    asked(), asked()
    for _ in range(3):
        folder.rmdir()
        folder.mkdir()
        (folder / "file").write_text("x")
        assert reads(asked(), folder / "file")
        (folder / "file").unlink()


@needs_landlock
def test_one_whose_folder_was_moved_away_is_not_used_for_what_is_in_its_place(
    tmp_path: Path,
) -> None:
    folder, moved = tmp_path / "folder", tmp_path / "moved"
    folder.mkdir()
    asked = Asked(folder)
    asked(), asked()
    folder.rename(moved)
    (moved / "file").write_text("x")
    assert not reads(asked(), moved / "file")
    folder.mkdir()
    assert not reads(asked(), moved / "file")


@needs_landlock
def test_what_is_fixed_is_not_looked_at(tmp_path: Path) -> None:
    (fixed := tmp_path / "fixed").mkdir()
    (other := tmp_path / "other").mkdir()
    rules = [landlock.Rule(fixed, landlock.READ), landlock.Rule(other, landlock.READ)]

    def asked() -> Ruleset:
        return kept_rulesets.ruleset("key", lambda: rules, ABI, frozenset({fixed}))

    asked()
    kept = asked()
    fixed.rename(tmp_path / "moved")
    assert asked() is kept
    other.rename(tmp_path / "away")
    assert asked() is not kept


@needs_landlock
def test_few_are_kept_and_descriptors_are_given_back(tmp_path: Path, keeper: Keeper) -> None:
    before = len(os.listdir("/proc/self/fd"))
    folders = [tmp_path / f"{number}" for number in range(100)]
    for folder in folders:
        folder.mkdir()
        asked = Asked(folder)
        asked(), asked()
    # And one that tells of mounts.
    assert len(os.listdir("/proc/self/fd")) - before <= 33
    keeper.close()
    assert len(os.listdir("/proc/self/fd")) <= before
    # Nor is one kept for a program that will start no more.
    asked = Asked(tmp_path)
    asked(), asked()
    assert len(os.listdir("/proc/self/fd")) <= before


@needs_landlock
def test_what_the_kernel_refuses_is_raised_and_nothing_is_kept(tmp_path: Path) -> None:
    def rules() -> list[landlock.Rule]:
        # The kernel takes no rule without a right.
        return [landlock.Rule(tmp_path, 0)]

    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(OSError, match="Landlock"):
            kept_rulesets.ruleset(tmp_path, rules, ABI, frozenset())
    assert len(os.listdir("/proc/self/fd")) <= before + 1


_REMOUNTED = """
import subprocess, sys, threading
from pathlib import Path
from capsule.confine import isolation_layers, kept_rulesets, landlock
from capsule.confine.scratch_reserve import Keeper
folder = Path(sys.argv[1])
def mounted():
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "none", folder], check=True)
    (folder / "file").write_text("x")
    return folder.stat().st_dev, folder.stat().st_ino
def reads():
    ruleset = kept_rulesets.ruleset("key", lambda: rules, ABI, frozenset())
    found = []
    def restricted():
        ruleset.restrict_this_thread()
        try:
            found.append((folder / "file").read_text())
        except PermissionError:
            found.append("refused")
    thread = threading.Thread(target=restricted)
    thread.start()
    thread.join()
    return found[0]
ABI = isolation_layers.standing().landlock
rules = [landlock.Rule(folder, landlock.READ)]
keeper = Keeper()
before = mounted()
said = [reads(), reads(), reads()]
for _ in range(3):
    subprocess.run(["umount", folder], check=True)
    mounted()
    said += [reads(), reads()]
print(*said)
"""


@needs_landlock
def test_what_is_mounted_anew_has_rules_of_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        ["unshare", "-Urm", sys.executable, "-c", _REMOUNTED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    if "unshare" in done.stderr:
        pytest.skip(f"no namespace can be made here: {done.stderr.strip()}")
    assert (done.stdout.split(), done.stderr) == (["x"] * 9, "")
