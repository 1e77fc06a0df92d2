"""The pinned program packed as a release is, installed, used by all commands, and left again.

A byte more makes it another program, with the same behaviour: so what belongs to a program (its
compiled interpreter, its snapshots with their calibration) is seen to be made for it.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from capsule.toolstore.layout import WASMTIME
from capsule.toolstore.open_toolchain import layout_of
from capsule.toolstore.sources import ToolchainSources
from tests.integration.command import Command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

TASK = "def main(n=1):\n    return sum(range(int(n)))\n"


@pytest.fixture(scope="module")
def capsule(toolchain_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    folder = tmp_path_factory.mktemp("choice")
    mine = layout_of(toolchain_home, ToolchainSources()).root
    home = folder / "home"
    shutil.copytree(mine, home / "toolchain" / mine.name, ignore=shutil.ignore_patterns("staging"))
    made = Command(folder, home)
    # The path of a socket has to be short.
    made.environ["CAPSULE_SOCKET"] = str(folder / "w")
    made.write("task.py", TASK)
    pack(folder / "release.tar.xz", (mine / WASMTIME).read_bytes() + b"\n")
    return made


def pack(path: Path, program: bytes) -> None:
    """Pack a program as wasmtime's own releases are."""
    top = "wasmtime-v49.0.3-x86_64-linux"
    members = {"LICENSE": b"words", "README.md": b"words", WASMTIME: program}
    with tarfile.open(path, "w:xz", preset=0) as archive:
        folder = tarfile.TarInfo(top)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        for name, content in members.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size, info.mode = len(content), 0o755
            archive.addfile(info, io.BytesIO(content))


def answer(capsule: Command, *words: str) -> Any:
    done = capsule(*words)
    assert done.code == 0, done.err
    return json.loads(done.out)


def row(capsule: Command, name: str) -> dict[str, Any]:
    rows = answer(capsule, "toolchain", "list", "--json")
    return {each["part"]: each for each in rows}[name]  # type: ignore[no-any-return]


def test_a_release_is_installed_used_and_left_again(capsule: Command) -> None:
    before = answer(capsule, "run", "task.py", "1000")["execution"]["fuel_consumed"]
    pinned = row(capsule, "wasmtime")
    assert pinned["note"] == "the pinned one"

    said = capsule("toolchain", "install", "--wasmtime", "release.tar.xz")
    assert said.code == 0, said.err
    assert "is wasmtime 49.0.3: 13 advisories are known, none of which is unsafe here" in said.err
    assert "compiling the core interpreter" in said.err
    used = row(capsule, "wasmtime")
    assert used["path"] != pinned["path"]
    assert used["version"] == "49.0.3"
    assert used["note"] == "installed from a file, in place of the pinned 49.0.3"
    assert {each["id"] for each in used["advisories"]} >= {"GHSA-5m8g-xhq4-4h93"}
    assert row(capsule, "wasmtime-pinned")["path"] == pinned["path"]
    assert row(capsule, "compiled core")["state"] == "ready"

    # Every command, without a variable. What calibration takes away is taken away here too.
    envelope = answer(capsule, "run", "task.py", "1000")
    assert envelope["result"] == 499500
    assert abs(envelope["execution"]["fuel_consumed"] - before) <= max(1000, before * 0.01)
    assert capsule("build", "--export", "task.py", "--quiet").code == 0
    assert answer(capsule, "exec", "task.wasm", "10")["result"] == 45
    line = '{"id": 1, "file": "task.py", "args": [5]}\n'
    assert json.loads(capsule("worker", stdin=line).out)["output"]["result"] == 10
    checks = {each["name"]: each for each in answer(capsule, "doctor", "--json")}
    assert {each["state"] for each in checks.values()} <= {"ok", "warning"}
    assert checks["wasmtime"]["found"].startswith("49.0.3, installed from a file, in place of")
    assert checks["run"]["state"] == "ok"
    assert all(each["state"] == "ok" for each in answer(capsule, "toolchain", "verify", "--json"))

    assert capsule("toolchain", "install", "--wasmtime", "pinned", "--quiet").code == 0
    assert row(capsule, "wasmtime") == pinned
    assert answer(capsule, "run", "task.py", "1000")["result"] == 499500


def test_a_worker_that_listens_goes_along(capsule: Command) -> None:
    process = capsule.popen("worker", "--listen")
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"capsule: listening at ")
        assert answer(capsule, "run", "task.py", "3")["result"] == 3
        assert capsule("toolchain", "install", "--wasmtime", "release.tar.xz").code == 0
        assert answer(capsule, "run", "task.py", "4")["result"] == 6
        assert capsule("toolchain", "install", "--wasmtime", "pinned").code == 0
        assert answer(capsule, "run", "task.py", "5")["result"] == 10
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_what_is_none_is_refused_in_a_sentence(capsule: Command) -> None:
    capsule.write("some.sh", "#!/bin/sh\necho something else\n")
    for name, says in (
        ("some.sh", "is not wasmtime: its --version is something else"),
        ("nowhere.tar.xz", "no file that is there"),
    ):
        done = capsule("toolchain", "install", "--wasmtime", name)
        assert (done.code, done.out) == (3, "")
        assert says in done.err
        assert "try: name a release of wasmtime" in done.err
    assert row(capsule, "wasmtime")["note"] == "the pinned one"


def test_a_program_with_which_no_task_runs_is_refused(capsule: Command) -> None:
    """It compiles as the pinned one does, and does not run."""
    pinned = row(capsule, "wasmtime")["path"]
    text = f'#!/bin/sh\n[ "$1" = run ] && exit 9\nexec {pinned} "$@"\n'
    capsule.write("wrapper", text)
    done = capsule("toolchain", "install", "--wasmtime", "wrapper")
    assert done.code == 3
    assert "capsule: no task runs with wrapper, so it is not taken: " in done.err
    assert row(capsule, "wasmtime")["note"] == "the pinned one"
    assert answer(capsule, "run", "task.py", "3")["result"] == 3


def test_the_variable_is_named_where_it_is_in_the_way(capsule: Command) -> None:
    other = Command(capsule.folder, capsule.folder / "home")
    other.environ["CAPSULE_WASMTIME"] = row(capsule, "wasmtime")["path"]
    done = other("toolchain", "install", "--wasmtime", "release.tar.xz")
    assert done.code == 2
    assert "CAPSULE_WASMTIME is set, and wins over what is installed" in done.err


def test_a_program_that_the_variable_names_is_counted(capsule: Command) -> None:
    other = Command(capsule.folder, capsule.folder / "home")
    mine = capsule.folder / "mine"
    shutil.copyfile(row(capsule, "wasmtime")["path"], mine)
    mine.chmod(0o755)
    other.environ["CAPSULE_WASMTIME"] = str(mine)
    found = row(other, "wasmtime")
    assert (found["path"], found["version"], found["state"]) == (str(mine), "49.0.3", "ready")
    assert found["note"] == "named by CAPSULE_WASMTIME, in place of the pinned 49.0.3"
    assert row(other, "compiled core")["state"] == "missing"
    checks = {each["name"]: each for each in json.loads(other("doctor", "--json").out)}
    assert checks["wasmtime"]["found"].startswith("49.0.3, named by CAPSULE_WASMTIME")
    assert checks["toolchain"]["found"].startswith("it is not installed yet")

    other.environ["CAPSULE_WASMTIME"] = "/nowhere/wasmtime"
    checks = {each["name"]: each for each in json.loads(other("doctor", "--json").out)}
    assert checks["wasmtime"]["state"] == "failed"
    assert "/nowhere/wasmtime" in checks["wasmtime"]["found"]
    assert row(other, "wasmtime")["state"] == "refused"
