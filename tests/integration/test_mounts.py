"""What the caller mounts: folders and files from anywhere, in every way to say it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from capsule import Sandbox, run_sync
from capsule.errors import UsageError
from tests.integration.command import Command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

READ = """
def main(path: str):
    with open(path) as file: return file.read()
"""
WRITE = """
def main(path: str, text: str = "after"):
    with open(path, "w") as file: file.write(text)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project, and beside it what is to be mounted."""
    for name in ("project", "shared/.hidden"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "shared" / "in.csv").write_text("shared")
    (tmp_path / "shared" / ".hidden" / "key").write_text("key")
    (tmp_path / "project" / "own.csv").write_text("own")
    (tmp_path / "project" / "read.py").write_text(READ)
    (tmp_path / "project" / "write.py").write_text(WRITE)
    return tmp_path


@pytest.fixture
def command(toolchain_home: Path, place: Path) -> Command:
    return Command(place / "project", toolchain_home)


def result(command: Command, *words: str) -> Any:
    done = command("run", *words, "--json")
    envelope = json.loads(done.out)
    assert envelope["success"], (envelope["error"], done.err)
    return envelope["result"]


@pytest.mark.parametrize(
    ("mount", "path", "content"),
    [
        ("../shared", "/shared/in.csv", "shared"),
        ("../shared:ro", "shared/in.csv", "shared"),
        ("{place}/shared::/in", "/in/in.csv", "shared"),
        ("../shared/.hidden", "/.hidden/key", "key"),
        ("../shared/.hidden::/keys:ro", "/keys/key", "key"),
        (".", "/project/own.csv", "own"),
        ("..", "/{place.name}/shared/in.csv", "shared"),
        ("../shared/in.csv", "/in.csv", "shared"),
        ("../shared/in.csv", "in.csv", "shared"),
        ("{place}/shared/in.csv::/data/x.csv", "/data/x.csv", "shared"),
        ("own.csv:rw", "own.csv", "own"),
        ("./own.csv::/a/b/c.csv:ro", "a/b/c.csv", "own"),
    ],
)
def test_any_path_can_be_mounted(
    command: Command, place: Path, mount: str, path: str, content: str
) -> None:
    words = [word.format(place=place) for word in ("read.py", path, "--mount", mount)]
    assert result(command, *words) == content


def test_a_file_is_read_only_unless_it_is_said_otherwise(command: Command, place: Path) -> None:
    shared = place / "shared" / "in.csv"
    done = command("run", "write.py", "in.csv", "--mount", str(shared), "--json")
    assert "PermissionError" in json.loads(done.out)["error"]["message"]
    assert shared.read_text() == "shared"
    shared.chmod(0o640)
    before = shared.stat().st_mode
    assert result(command, "write.py", "in.csv", "--mount", f"{shared}:rw") is None
    assert shared.read_text() == "after"
    assert shared.stat().st_mode == before
    assert sorted(path.name for path in shared.parent.iterdir()) == [".hidden", "in.csv"]


@pytest.mark.parametrize("beside", ["", "/a"])
@pytest.mark.parametrize(
    "change",
    [
        "open({path!r}, 'r+')",
        "os.remove({path!r})",
        "os.rename({path!r}, {path!r} + '.bak')",
        "os.replace('/new', {path!r})",
        "os.truncate({path!r}, 0)",
    ],
)
def test_a_file_that_may_only_be_read_stays_among_others(
    command: Command, beside: str, change: str
) -> None:
    """What lies beside it may be written, so that no folder keeps it."""
    path = f"{beside}/own.csv"
    mounts = ("--mount", f"own.csv::{path}", "--mount", f"read.py::{beside}/read.py:rw")
    source = (
        "import os\nopen('/new', 'w').close()\n"
        f"try: {change.format(path=path)}\n"
        f"except PermissionError: found = open({path!r}).read(), os.listdir({beside!r} or '/')\n"
        "found"
    )
    content, names = result(command, "-c", source, *mounts)
    assert (content, "own.csv" in names) == ("own", True)


def test_a_file_comes_back_however_the_run_ends(command: Command, place: Path) -> None:
    shared = place / "shared" / "in.csv"
    endings = {
        "raise ValueError": "task_error",
        "import os; os._exit(3)": "sandbox_crashed",
        "while True: pass": "fuel_exhausted",
        "import time; time.sleep(60)": "timeout",
    }
    for number, (ending, error_type) in enumerate(endings.items()):
        source = f"open('in.csv', 'w').write('{number}')\n{ending}"
        words = ("-c", source, "--mount", f"{shared}:rw", "--timeout", "2s", "--json")
        answer = json.loads(command("run", *words, "--max-fuel", "LOW").out)
        assert answer["error"]["error_type"] == error_type, answer["error"]
        assert shared.read_text() == str(number)


def test_files_and_folders_side_by_side(command: Command, place: Path) -> None:
    source = "import os\n[sorted(os.listdir('/in')), open('own.csv').read(), open('b.csv').read()]"
    words = ("../shared::/in", "own.csv", "../shared/in.csv::/b.csv:rw")
    mounts = [word for mount in words for word in ("--mount", mount)]
    assert result(command, "-c", source, *mounts) == [[".hidden", "in.csv"], "own", "shared"]


def test_they_reach_the_tasks_that_are_called(command: Command, place: Path) -> None:
    source = (
        "from capsule import task\n@task\ndef look(): return open('/in.csv').read()\n"
        "look().unwrap()"
    )
    assert result(command, "-c", source, "--mount", "../shared/in.csv") == "shared"
    command.write("job.py", source.replace("look().unwrap()", "def main(): return look().unwrap()"))
    assert result(command, "job.py", "--mount", "../shared/in.csv") == "shared"
    assert result(command, "job.py", "--mount", "../shared/in.csv", "--untrusted") == "shared"


@pytest.mark.parametrize(
    ("mounts", "said"),
    [
        (["none"], "mount: '{place}/project/none' does not exist"),
        (["/"], "mount: '/' has no name to be mounted under"),
        (["own.csv::/tmp/x"], "would be /tmp/x inside, where the sandbox has its own folder"),
        (["../shared", "own.csv::/shared/x"], "'/shared/x' and '/shared' are one inside of"),
        (["own.csv::/x", "../shared/in.csv::/x"], "'/x' is granted twice, in different ways"),
        (["own.csv::../x"], "--mount: '../x' leads out of where it starts: it has \"..\""),
        (["::x"], "--mount: '::x' is not a mount"),
    ],
)
def test_what_cannot_be_mounted_is_said_before_anything_runs(
    command: Command, place: Path, mounts: list[str], said: str
) -> None:
    done = command("run", "read.py", "x", *(w for mount in mounts for w in ("--mount", mount)))
    assert (done.code, done.out) == (2, "")
    assert said.format(place=place) in done.err


def test_capsules_own_state_is_never_shown(command: Command, place: Path) -> None:
    home = command.environ["CAPSULE_HOME"]
    for mount in (home, f"{home}/..", f"{home}/toolchain"):
        done = command("run", "read.py", "x", "--mount", f"{mount}::/in")
        assert (done.code, "capsule's own state" in done.err) == (2, True), done.err


def test_from_python(place: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    project = place / "project"
    for mounts in (
        ["../shared/in.csv"],
        [place / "shared" / "in.csv"],
        [{"path": "../shared/in.csv"}],
    ):
        envelope = run_sync("read.py", ["in.csv"], mounts=mounts, cwd=project)
        assert envelope.unwrap() == "shared"
    run_sync("write.py", ["in.csv"], mounts=["../shared/in.csv:rw"], cwd=project).unwrap()
    assert (place / "shared" / "in.csv").read_text() == "after"
    with pytest.raises(UsageError, match="is not a mount"):
        run_sync("read.py", mounts=[5], cwd=project)  # type: ignore[list-item]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_each_run_of_a_pool_sees_the_file_as_it_is(
    place: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    project, shared = place / "project", place / "shared" / "in.csv"
    async with Sandbox("read.py", mounts=[shared], cwd=project, warm=2) as sandbox:
        for text in ("one", "two", "three"):
            shared.write_text(text)
            assert (await sandbox.run("/in.csv")).unwrap() == text
    async with Sandbox("write.py", mounts=[f"{shared}:rw"], cwd=project, warm=2) as sandbox:
        for text in ("four", "five", "six"):
            (await sandbox.run("/in.csv", text)).unwrap()
            assert shared.read_text() == text


def test_a_worker_takes_the_same(command: Command, place: Path) -> None:
    line = {"id": 1, "file": "read.py", "args": ["/in.csv"], "mounts": ["../shared/in.csv"]}
    other = {"id": 2, "file": "project/read.py", "args": ["/s/in.csv"], "cwd": str(place),
             "mounts": ["shared::/s"]}  # fmt: skip
    done = command("worker", stdin="".join(f"{json.dumps(one)}\n" for one in (line, other)))
    answers = {answer["id"]: answer for answer in map(json.loads, done.out.splitlines())}
    assert [answers[n]["output"]["result"] for n in (1, 2)] == ["shared", "shared"]
