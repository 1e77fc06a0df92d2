"""The process of a command is started by what is remembered, and used only if it is what it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from capsule.cli import run_modules
from capsule.pool import remembered_launch
from capsule.runner import parse_cache
from tests.integration.command import REPOSITORY
from tests.integration.test_start_up import HEAVY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.integration

# What is imported before it is known which command it is.
FIRST = {
    *("capsule", "capsule.cli", "capsule.cli.code_cache", "capsule.cli.handover"),
    *("capsule.cli.main", "capsule.cli.run_modules", "capsule.errors", "capsule.state_folder"),
}

# Tells of each start of a sandbox whether it came before the rest was imported, what was there when
# it was done, and at the end, and which of the processes is there when the command is about to end.
_PROGRAM = """
import json, os, sys
from capsule.process import sandbox_process
start, starts, pids = sandbox_process.start, [], []
def started(launch, layers, *, timeout_ms):
    early = "capsule.runner.prepare" not in sys.modules
    made = start(launch, layers, timeout_ms=timeout_ms)
    starts.append([early, sorted(sys.modules)])
    pids.append([made.process.pid, str(made.scratch.path)])
    return made
sandbox_process.start = started
leave = os._exit
def left(code):
    alive = [place for pid, place in pids if os.path.exists(f"/proc/{pid}") or os.path.exists(place)]
    with open("starts.json", "w") as file:
        json.dump({"early": [early for early, _ in starts], "alive": alive,
                   "modules": [modules for _, modules in starts],
                   "all": sorted(sys.modules)}, file)
    leave(code)
os._exit = left
from capsule.cli.main import main
main()
"""


class Seen(NamedTuple):
    """How a command ended, what it printed, and of each start whether it was early."""

    code: int
    envelope: dict[str, Any]
    err: str
    early: list[bool]
    modules: list[list[str]]
    all_modules: list[str]

    @property
    def result(self) -> Any:
        return self.envelope["result"]


class Commands:
    """Runs commands in a folder, with a home that has the toolchain and a cache of its own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.environ: dict[str, str] = {}

    def __call__(self, *words: str) -> Seen:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, *words],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "CAPSULE_HOME": str(self.home),
                "PYTHONPATH": str(REPOSITORY),
                **self.environ,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        said = json.loads((self.folder / "starts.json").read_bytes())
        assert said["alive"] == []
        envelope = json.loads(done.stdout) if done.stdout[:1] == "{" else {}
        return Seen(
            done.returncode, envelope, done.stderr, said["early"], said["modules"], said["all"]
        )

    def often(self, *words: str) -> Seen:
        """Run until all is remembered: a file that is very new is read again."""
        for _ in range(3):
            self(*words)
        seen = self(*words)
        assert seen.early == [True], seen
        return seen


@pytest.fixture
def commands(tmp_path: Path, toolchain_home: Path) -> Commands:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("first")
    (tmp_path / "task.py").write_text(
        f"# {tmp_path}\nimport os\nfrom capsule import task\n"
        '@task(allowed_files=["./data"], env_variables=["MARK"])\n'
        "def main(n=0): return [n, open('data/file').read(), os.environ.get('MARK')]\n"
    )
    # The toolchain is shared, and what is cached is this test's own.
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "toolchain").symlink_to(toolchain_home / "toolchain")
    return Commands(tmp_path, home)


def test_a_later_command_has_its_process_before_the_rest(commands: Commands) -> None:
    first = commands("run", "task.py", "1")
    assert (first.result, first.early[-1]) == (["1", "first", None], False)
    commands.environ["MARK"] = "of now"
    later = commands.often("run", "task.py", "2", "--quiet")
    assert later.result == ["2", "first", "of now"]


def test_the_result_is_of_the_file_as_it_is(commands: Commands) -> None:
    commands.often("run", "task.py")
    source = commands.folder / "task.py"
    source.write_text(source.read_text().replace("return [n", "return ['new'"))
    seen = commands("run", "task.py")
    assert (seen.result[0], any(seen.early)) == ("new", False)
    assert commands.often("run", "task.py").result[0] == "new"


def ceiling(commands: Commands) -> None:
    (commands.folder / "capsule.toml").write_text('[limits]\nram = "48MB"\n')


def without_grant(commands: Commands) -> None:
    (commands.folder / "capsule.toml").write_text("[limits]\nallowed_files = []\n")


@pytest.mark.parametrize("change", [ceiling, without_grant])
def test_a_policy_that_changed_is_that_of_the_run(
    commands: Commands, change: Callable[[Commands], None]
) -> None:
    commands.often("run", "task.py")
    change(commands)
    seen = commands("run", "task.py")
    # The early one was for another launch, and is gone.
    assert seen.early in ([True], [True, False])
    assert seen.code == 2 or seen.envelope["execution"]["ram_used"] <= 48 << 20


def test_options_are_those_of_the_command(commands: Commands) -> None:
    commands.often("run", "task.py")
    assert commands("run", "--max-ram", "48MB", "task.py").early == [False]
    assert commands("run", "--no-files", "task.py").code != 0


def test_a_folder_that_was_made_again_is_the_one_that_is_there(commands: Commands) -> None:
    commands.often("run", "task.py")
    folder = commands.folder / "data"
    folder.rename(commands.folder / "old")
    folder.mkdir()
    (folder / "file").write_text("second")
    assert commands("run", "task.py").result[1] == "second"


def test_a_folder_that_is_gone_is_said(commands: Commands) -> None:
    commands.often("run", "task.py")
    shutil.rmtree(commands.folder / "data")
    seen = commands("run", "task.py")
    assert seen.code == 2
    assert "data" in seen.err


def test_a_link_in_place_of_a_folder_is_not_followed(commands: Commands) -> None:
    commands.often("run", "task.py")
    folder, secret = commands.folder / "data", commands.folder.parent / "secret"
    secret.mkdir()
    (secret / "file").write_text("secret")
    shutil.rmtree(folder)
    folder.symlink_to(secret)
    seen = commands("run", "task.py")
    assert seen.code == 2, seen


def test_a_cache_that_was_emptied(commands: Commands) -> None:
    commands.often("run", "task.py")
    shutil.rmtree(commands.home / "cache")
    seen = commands("run", "task.py")
    assert (seen.result[1], any(seen.early)) == ("first", False)


def test_a_memory_that_was_made_again(commands: Commands) -> None:
    commands.often("run", "task.py")
    for image in commands.home.glob("cache/*/*/memory.cwasm"):
        content = image.read_bytes()
        image.unlink()
        image.write_bytes(content)
    seen = commands("run", "task.py")
    assert (seen.result[1], any(seen.early)) == ("first", False)


@pytest.mark.parametrize(
    "change",
    [
        {"launch": None},
        {"launch": {}},
        {"launch": {"wasmtime": 1}},
        {"layers": [1]},
        {"layers": [0, False]},
        {"files": None},
        {"files": {}},
        {"files": {"/": [0]}},
        {"timeout_ms": "soon"},
        {"timeout_ms": -(10**30)},
    ],
)
def test_what_is_remembered_is_no_grant(commands: Commands, change: dict[str, Any]) -> None:
    commands.often("run", "task.py")
    kept = 0
    for plan in commands.home.glob("cache/plans/*/plan.json"):
        values = json.loads(plan.read_bytes())
        if "launch" in values:
            parse_cache.keep(commands.home, plan.parent.name, values | change)
            kept += 1
    assert kept == 1
    seen = commands("run", "task.py")
    assert seen.result == [0, "first", None], seen


def test_a_remembered_folder_that_was_not_granted(commands: Commands) -> None:
    commands.often("run", "task.py")
    (commands.folder / "other").mkdir()
    (commands.folder / "other" / "file").write_text("not granted")
    for plan in commands.home.glob("cache/plans/*/plan.json"):
        values = json.loads(plan.read_bytes())
        if "launch" in values:
            for mount in values["launch"]["mounts"]:
                mount[0] = mount[0].replace("/data", "/other")
            parse_cache.keep(commands.home, plan.parent.name, values)
    seen = commands("run", "task.py")
    assert (seen.result[1], seen.early) == ("first", [True, False])


def test_only_a_file_is_remembered(commands: Commands) -> None:
    for _ in range(3):
        assert not any(commands("run", "-c", "1 + 1").early)


def test_what_is_kept_is_read_back(commands: Commands) -> None:
    commands.often("run", "task.py")
    found = [
        remembered_launch.recall(commands.home, plan.parent.name)
        for plan in commands.home.glob("cache/plans/*/plan.json")
    ]
    (one,) = [each for each in found if each is not None]
    assert one.is_unchanged()
    assert [mount.guest for mount in one.launch.mounts][-1] == "/data"
    remembered_launch.remember(commands.home, remembered_launch.key("again"), one)
    assert remembered_launch.recall(commands.home, remembered_launch.key("again")) == one


def test_what_runs_before_the_start_is_this(commands: Commands) -> None:
    found = commands.often("run", "task.py").modules[0]
    assert ours(found) == FIRST | run_modules.BEFORE_START
    # What Python itself brings is another set in each version: here, what costs a millisecond.
    assert not HEAVY & set(found)


def ours(modules: list[str]) -> set[str]:
    """Return which of these modules are capsule's own."""
    return {name for name in modules if name.split(".")[0] == "capsule"}


@pytest.mark.parametrize("command", ["run", "exec"])
def test_what_is_loaded_is_what_a_run_needs(commands: Commands, command: str) -> None:
    commands("build", "task.py", "--export", "--quiet")
    # All of it by `import`, each module when it is needed.
    commands.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    words = ("run", "task.py") if command == "run" else ("exec", "task.wasm")
    found = ours(commands.often(*words).all_modules)
    more = run_modules.OF_FILE if command == "run" else run_modules.OF_ARTIFACT
    assert found == FIRST | run_modules.BEFORE_START | run_modules.BEHIND_START | more
