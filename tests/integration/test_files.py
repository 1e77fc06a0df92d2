"""Folders of the host inside a sandbox: what they are for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from capsule.confine.isolation_layers import IsolationLayers
from capsule.errors import ConfigError, PolicyError
from capsule.policy.mounts import parse_mount
from capsule.process.argv import Launch, command_line
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.environment import values_of
from capsule.runner.source import read_text
from tests.integration.command import Command
from tests.integration.workbench import from_source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for name in ("data", "data/inner", "shared"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "file").write_text("data")
    (tmp_path / "shared" / "file").write_text("shared")
    return tmp_path


def task(options: str, body: str) -> str:
    return f"from capsule import task\nimport os\n@task({options})\ndef main(*args):\n    {body}\n"


@pytest.mark.parametrize("path", ["data/file", "./data/file", "/data/file", "data/inner/../file"])
def test_a_folder_is_seen_under_its_name(bench: Workbench, folders: Path, path: str) -> None:
    source = task("allowed_files=['./data']", f"return open({path!r}).read()")
    assert bench.run(source)["result"] == "data"


def test_a_folder_can_be_written(bench: Workbench, folders: Path) -> None:
    body = "open('data/new', 'w').write('x'); os.makedirs('data/a/b'); os.unlink('data/file')"
    assert bench.run(task("allowed_files=['./data']", body))["error"] is None
    assert sorted(os.listdir(folders / "data")) == ["a", "inner", "new"]
    assert (folders / "data" / "new").read_text() == "x"


def test_capsules_own_state_is_out_of_reach(bench: Workbench, toolchain_home: Path) -> None:
    """Whoever changes a compiled file runs native code in the next run."""
    source = task(f"allowed_files=['./{toolchain_home.name}']", "return 1")
    with pytest.raises(PolicyError, match=r"is part of capsule's own state|holds capsule's own"):
        from_source(source, toolchain_home.parent, bench)


def test_a_large_file_can_be_written(bench: Workbench, folders: Path) -> None:
    body = "f = open('data/new', 'wb'); [f.write(bytes(1 << 20)) for _ in range(140)]"
    assert bench.run(task("allowed_files=['./data'], compute='HIGH'", body))["error"] is None
    assert (folders / "data" / "new").stat().st_size == 140 << 20


@pytest.mark.parametrize("mode", ["ro", "read-only"])
@pytest.mark.parametrize("layers", [None, IsolationLayers(0)], ids=["walls", "guard"])
def test_a_folder_that_is_only_read(
    bench: Workbench, folders: Path, mode: str, layers: IsolationLayers | None
) -> None:
    options = f"allowed_files=[{{'path': './data', 'mode': {mode!r}}}, './shared']"
    body = (
        "open('shared/new', 'w').write(open('data/file').read()); return sorted(os.listdir('data'))"
    )
    order = bench.order(task(options, body))
    if layers is not None:
        order = order._replace(layers=layers)
    assert bench.run_order(order)["result"] == ["file", "inner"]
    assert (folders / "shared" / "new").read_text() == "data"


def test_so_many_files_can_be_open(bench: Workbench, folders: Path) -> None:
    body = """
    import errno, os
    kept = []
    try:
        while True: kept.append(open('data/file'))
    except OSError as error:
        refused = errno.errorcode[error.errno]
    kept.pop().close()
    return [len(kept), refused, open('data/file').read()]"""
    assert bench.run(task("allowed_files=['./data']", body))["result"] == [63, "EMFILE", "data"]


def test_a_large_read_is_whole(bench: Workbench, folders: Path) -> None:
    (folders / "data" / "large").write_bytes(bytes(3_000_000))
    body = "import os; return len(os.read(os.open('data/large', os.O_RDONLY), 2_500_000))"
    assert bench.run(task("allowed_files=['./data']", body))["result"] == 2_500_000


def test_nothing_else_is_there(bench: Workbench, folders: Path) -> None:
    source = task("allowed_files=['./data']", "return sorted(os.listdir('/'))")
    assert bench.run(source)["result"] == ["data"]


def test_copying_keeps_working_where_times_cannot_be_set(bench: Workbench, folders: Path) -> None:
    body = (
        "import shutil; shutil.copytree('data', '/tmp/copy'); return open('/tmp/copy/file').read()"
    )
    assert bench.run(task("allowed_files=['./data']", body))["result"] == "data"


def test_a_mount_reaches_the_task(bench: Workbench, folders: Path) -> None:
    source = read_text(b"def main(): return open('/in/file').read()", folders)
    call = prepare.Call(mounts=(parse_mount("./shared::in:ro", folders),))
    order = prepare.order(source, call, bench.home, Silent())
    assert bench.run_order(order)["result"] == "shared"


def test_a_mount_replaces_the_folder_at_its_place(bench: Workbench, folders: Path) -> None:
    text = task("allowed_files=['./data']", "return open('data/file').read()")
    call = prepare.Call(mounts=(parse_mount("./shared::data:ro", folders),))
    order = prepare.order(read_text(text.encode(), folders), call, bench.home, Silent())
    assert bench.run_order(order)["result"] == "shared"


@pytest.mark.parametrize("option", ["./missing", "./data/file", "..", "/etc", "./link"])
def test_what_is_no_folder_of_the_project(bench: Workbench, folders: Path, option: str) -> None:
    (folders / "link").symlink_to("/etc")
    with pytest.raises(PolicyError, match="allowed_files"):
        bench.order(task(f"allowed_files=[{option!r}]", "pass"))


def test_the_command(toolchain_home: Path, folders: Path) -> None:
    command = Command(folders, toolchain_home)
    command.write("task.py", "import os\ndef main(): return sorted(os.listdir('in'))\n")
    done = command("run", "task.py", "--mount", "data::in:ro", "--mount", "shared", "--result")
    assert done.out == '["file", "inner"]\n'
    assert command("run", "task.py", "--mount", "data::in", "--no-files").code == 1
    for wrong in ("/", "missing", "data::in:rx", "data:rx", "data::/tmp/x", "../missing"):
        done = command("run", "task.py", "--mount", wrong)
        assert (done.code, "mount" in done.err) == (2, True), done.err


# The environment.


def test_only_named_variables_are_seen(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEN", "one")
    monkeypatch.setenv("HIDDEN", "two")
    (bench.project / ".env").write_text("FROM_FILE='three'\nSEEN=other\nALSO_HIDDEN=four\n")
    options = "env_variables=['SEEN', 'FROM_FILE', 'MISSING']"
    source = task(options, "return dict(os.environ)")
    for _ in range(2):
        assert bench.run(source)["result"] == {"SEEN": "one", "FROM_FILE": "three", "HOME": "/tmp"}
        assert bench.recorder.plain is None


def test_values_appear_nowhere(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = "s3cr3t-canary-of-this-test"
    monkeypatch.setenv("KEY", secret)
    source = task("env_variables=['KEY']", "return open('/proc/self/cmdline').read()")
    order = bench.order(f"{source}# {tmp_path}")
    envelope = bench.run_order(order)
    assert secret not in str(envelope)
    assert secret not in str(bench.recorder.attempts)
    cache = order.inputs.home / "cache"
    for path in cache.rglob("*"):
        if path.is_file() and path.stat().st_mtime > order.inputs.base.initial.stat().st_mtime:
            assert secret.encode() not in path.read_bytes()


def test_values_are_in_no_command_line(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def keep(given: Launch) -> list[str]:
        seen.append(command_line(given))
        return seen[-1]

    monkeypatch.setattr("capsule.process.launch.command_line", keep)
    monkeypatch.setenv("KEY", "s3cr3t-canary")
    bench.run(task("env_variables=['KEY']", "return os.environ['KEY'][::-1]"))
    assert seen
    assert "s3cr3t-canary" not in str(seen)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (
            "A=1\nexport B='two words'\n# comment\nC=\"x\\ny\"\n",
            {"A": "1", "B": "two words", "C": "x\ny"},
        ),
        ("A=${HOME}\nB=$A\n", {"A": "${HOME}", "B": "$A"}),
        ("A\nB=\n=x\n", {"B": ""}),
    ],
)
def test_an_env_file(tmp_path: Path, content: str, values: dict[str, str]) -> None:
    (tmp_path / ".env").write_text(content)
    assert values_of(["A", "B", "C"], tmp_path, {}) == values


def test_env_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert values_of(["A"], tmp_path, {}) == {}
    path.write_bytes(b"A=\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        values_of(["A"], tmp_path, {})
    path.write_bytes(b"A=" + b"x" * (2 << 20))
    with pytest.raises(ConfigError, match="more than"):
        values_of(["A"], tmp_path, {})
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="not a regular file"):
        values_of(["A"], tmp_path, {})
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="not a regular file"):
        values_of(["A"], tmp_path, {})
    # The host's own value needs no file.
    assert values_of(["A"], tmp_path, {"A": "1"}) == {"A": "1"}


def test_values_that_are_too_large(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="more than"):
        values_of(["A"], tmp_path, {"A": "x" * (2 << 20)})
    with pytest.raises(ConfigError, match="'A' is not UTF-8"):
        values_of(["A"], tmp_path, {"A": "\udcff"})


@pytest.mark.parametrize("granted", ['{"path": "./data", "mode": "ro"}', '"./"'])
def test_what_is_wrong_with_a_name_comes_before_that_it_is_only_read(
    bench: Workbench, granted: str
) -> None:
    folder = bench.project / "data"
    (folder / "inner").mkdir(parents=True)
    (folder / "file").touch()
    source = """import os
from capsule import task
CALLS = {
    "open missing": lambda: open("data/missing", "r+"),
    "open in missing": lambda: open("data/no/new", "w"),
    "open folder": lambda: open("data/inner", "w"),
    "open there": lambda: open("data/file", "x"),
    "open new": lambda: open("data/new", "w"),
    "remove missing": lambda: os.remove("data/missing"),
    "remove": lambda: os.remove("data/file"),
    "rmdir missing": lambda: os.rmdir("data/missing"),
    "mkdir there": lambda: os.mkdir("data/inner"),
    "mkdir": lambda: os.mkdir("data/new"),
    "rename missing": lambda: os.rename("data/missing", "data/new"),
    "rename": lambda: os.rename("data/file", "data/new"),
}
@task(allowed_files=[GRANTED])
def main():
    said = {}
    for name, call in CALLS.items():
        try:
            call()
        except OSError as error:
            said[name] = type(error).__name__
    return said
""".replace("GRANTED", granted)
    no_file, no_right = "FileNotFoundError", "PermissionError"
    assert bench.run(source)["result"] == {
        "open missing": no_file,
        "open in missing": no_file,
        "open folder": "IsADirectoryError",
        "open there": "FileExistsError",
        "open new": no_right,
        "remove missing": no_file,
        "remove": no_right,
        "rmdir missing": no_file,
        "mkdir there": "FileExistsError",
        "mkdir": no_right,
        "rename missing": no_file,
        "rename": no_right,
    }
