"""Folders that no task may have, or may not write to, whatever its policy says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsule.errors import ConfigError, PolicyError, UsageError
from capsule.policy.declaration_types import TaskDeclaration
from capsule.policy.mounts import parse_mount
from capsule.policy.options import Options, parse_folders
from capsule.policy.project import Project
from capsule.policy.protected_paths import MOST_ENTRIES
from capsule.policy.resolve import resolve
from capsule.runner.source import read_file, read_text

TASK = "from capsule import task\n{imports}\n@task(allowed_files={files})\ndef main(): pass\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = Path(os.path.realpath(tmp_path)) / "project"
    for name in ("src/data", "out", "state/cache"):
        (root / name).mkdir(parents=True)
    (root / "capsule.toml").write_text('[limits]\nallowed_files = ["./src", "./out"]\n')
    return root


def declared(*files: object) -> TaskDeclaration:
    return TaskDeclaration(
        "t", "t", "t.py", 3, is_async=False, options={"allowed_files": list(files)}
    )


def resolved(root: Path, file: str, working: Path | None = None) -> None:
    source = read_file(root / file, working or root)
    (task,) = source.declarations.tasks
    resolve(task, source.project)


def test_the_folder_of_the_task_file_may_not_be_written(root: Path) -> None:
    """It could hold a capsule.toml that is nearer than the one with the ceilings."""
    (root / "src" / "t.py").write_text(TASK.format(imports="", files='["./src"]'))
    with pytest.raises(PolicyError, match=r"'./src' is writable and holds .*src/t.py, by which"):
        resolved(root, "src/t.py")


def test_it_may_be_read_and_folders_in_it_and_beside_it_be_written(root: Path) -> None:
    files = '[{"path": "./src", "mode": "ro"}, "./src/data", "./out"]'
    (root / "src" / "t.py").write_text(TASK.format(imports="", files=files))
    resolved(root, "src/t.py")


def test_neither_may_the_folder_of_a_module_that_travels_along(root: Path) -> None:
    (root / "src" / "data" / "helper.py").write_text("")
    text = TASK.format(imports="import data.helper", files='["./src/data"]')
    (root / "src" / "t.py").write_text(text)
    with pytest.raises(PolicyError, match=r"holds .*data/helper.py"):
        resolved(root, "src/t.py")


def test_nor_the_folder_of_a_link_to_the_task_file_or_of_what_it_leads_to(root: Path) -> None:
    (root / "out" / "t.py").symlink_to("../src/data/t.py")
    for files in ('["./out"]', '["./src/data"]'):
        (root / "src" / "data" / "t.py").write_text(TASK.format(imports="", files=files))
        with pytest.raises(PolicyError, match=r"is writable and holds .*t\.py"):
            resolved(root, "out/t.py")


def test_nor_the_root_by_a_link(root: Path) -> None:
    (root / "capsule.toml").write_text("")
    (root / "self").symlink_to(".")
    with pytest.raises(PolicyError, match=r"'./self' is writable and holds"):
        resolve(declared("./self"), Project(root))
    resolve(declared({"path": "./self", "mode": "ro"}), Project(root))


def test_nor_the_working_folder_of_a_source_on_stdin(root: Path) -> None:
    source = read_text(TASK.format(imports="", files='["./src"]').encode(), root / "src")
    with pytest.raises(PolicyError, match=r"'./src' is writable and holds"):
        resolve(source.declarations.tasks[0], source.project)


def test_a_default_of_the_project_is_held_to_it_too(root: Path) -> None:
    project = Project(
        root,
        root / "capsule.toml",
        defaults=Options(allowed_files=parse_folders(["./src"])),
        own=(root / "src" / "t.py",),
    )
    task = TaskDeclaration("t", "t", "t.py", 3, is_async=False, options={})
    with pytest.raises(ConfigError, match=r"default_allowed_files: './src' is writable and holds"):
        resolve(task, project)


def test_a_caller_may_mount_what_a_task_file_may_not_ask_for(root: Path) -> None:
    project = Project(root, own=(root / "src" / "t.py",))
    task = TaskDeclaration("t", "t", "t.py", 3, is_async=False, options={})
    policy = resolve(task, project, mounts=[parse_mount("./src:rw", root)])
    assert [grant.writable for grant in policy.allowed_files] == [True]


@pytest.mark.parametrize("mode", ["ro", "rw"])
@pytest.mark.parametrize(
    ("state", "folder", "relation"),
    [
        ("out", "./out", "holds"),
        ("out/deep/state", "./out", "holds"),
        ("state", "./state/cache", "is part of"),
        ("link", "./state", "holds"),
    ],
)
def test_nobody_sees_capsules_own_state(
    root: Path, mode: str, state: str, folder: str, relation: str
) -> None:
    """Compiled files are native code that runs without being looked at again."""
    (root / "link").symlink_to("state")
    (root / "capsule.toml").unlink()
    project = Project(root, state=root / state)
    with pytest.raises(PolicyError, match=f"{folder}' {relation} capsule's own state"):
        resolve(declared({"path": folder, "mode": mode}), project)
    with pytest.raises(UsageError, match=f"^mount: .* {relation} capsule's own state"):
        resolve(declared(), project, mounts=[parse_mount(f"{folder}:{mode}", root)])
    resolve(declared("./src"), project._replace(state=root / "state"))


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a root with folders that only the caller grants, who is in it."""
    monkeypatch.chdir(tmp_path)
    root = Path(os.path.realpath(tmp_path))
    for name in (".git/hooks", "a/.ssh/keys", "env/lib", "repository/.git"):
        (root / name).mkdir(parents=True)
    (root / "env" / "pyvenv.cfg").touch()
    (root / "link").symlink_to(".git/hooks")
    (root / "venv").symlink_to("env")
    (root / ".plain").symlink_to("a")
    return root


only_the_caller = pytest.mark.parametrize(
    ("folder", "problem"),
    [
        (".git", "'./.git' has a name that begins with a dot"),
        ("a/.ssh/keys", "has a name that begins with a dot"),
        (".plain", "'./.plain' has a name that begins with a dot"),
        ("link", "'./link' leads to ./.git/hooks, which has a name that begins with a dot"),
        ("env", "'./env' is a virtual environment"),
        ("env/lib", "is a virtual environment"),
        ("venv/lib", "'./venv/lib' leads to ./env/lib, which is a virtual environment"),
        ("repository", "is writable and holds .git"),
    ],
)


@only_the_caller
def test_what_only_the_caller_grants(guarded: Path, folder: str, problem: str) -> None:
    task = declared(f"./{folder}")
    with pytest.raises(PolicyError, match=problem) as caught:
        resolve(task, Project(guarded))
    place = f"::/{folder}" if "/" in folder else ""
    assert caught.value.hint == f"--mount ./{folder}{place}, or mounts= from Python"
    mounted = resolve(
        declared(), Project(guarded), mounts=[parse_mount(f"{folder}::/{folder}", guarded)]
    )
    assert [grant.guest for grant in mounted.allowed_files] == [f"/{folder}"]


@only_the_caller
@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_the_hint_of_a_refusal_ends_it(guarded: Path, folder: str, problem: str, mode: str) -> None:
    task = declared({"path": f"./{folder}", "mode": mode})
    if problem.startswith("is writable") and mode == "ro":
        assert resolve(task, Project(guarded)).allowed_files
        return
    with pytest.raises(PolicyError, match=problem) as caught:
        resolve(task, Project(guarded))
    mount = str(caught.value.hint).removeprefix("--mount ").removesuffix(", or mounts= from Python")
    mounted = resolve(task, Project(guarded), mounts=[parse_mount(mount, guarded)])
    assert [(grant.guest, grant.writable) for grant in mounted.allowed_files] == [
        (f"/{folder}", mode == "rw")
    ]


def test_a_mount_stands_in_for_what_is_asked_for_at_its_place(guarded: Path) -> None:
    """Also with less than is asked for, and where that does not exist."""
    task = declared("./.git", "./absent")
    (guarded / "a" / "data").mkdir()
    mounts = [parse_mount(".git:ro", guarded), parse_mount("a/data::absent", guarded)]
    policy = resolve(task, Project(guarded), mounts=mounts)
    assert [(grant.guest, grant.writable) for grant in policy.allowed_files] == [
        ("/.git", False),
        ("/absent", True),
    ]


def test_a_mount_vouches_for_its_folder_by_another_name_and_in_its_mode(guarded: Path) -> None:
    reads, writes = ({"path": "./link", "mode": mode} for mode in ("ro", "rw"))
    mounts = [parse_mount(".git:ro", guarded)]
    policy = resolve(declared(reads), Project(guarded), mounts=mounts)
    assert [grant.guest for grant in policy.allowed_files] == ["/.git", "/link"]
    with pytest.raises(PolicyError, match=r"leads to ./.git/hooks"):
        resolve(declared(writes), Project(guarded), mounts=mounts)
    with pytest.raises(PolicyError, match=r"'./env' is a virtual environment"):
        resolve(declared("./env"), Project(guarded), mounts=mounts)


def test_a_name_with_spaces_is_one_word_of_the_hint(guarded: Path) -> None:
    (guarded / ".my keys").mkdir()
    with pytest.raises(PolicyError) as caught:
        resolve(declared("./.my keys"), Project(guarded))
    assert caught.value.hint == "--mount './.my keys', or mounts= from Python"


def test_a_repository_may_be_read(tmp_path: Path) -> None:
    root = Path(os.path.realpath(tmp_path))
    (root / "repository" / ".git").mkdir(parents=True)
    rule = {"path": "./repository", "mode": "ro"}
    task = TaskDeclaration("t", "t", "t.py", 3, is_async=False, options={"allowed_files": [rule]})
    assert resolve(task, Project(root)).allowed_files


@pytest.mark.parametrize(
    ("entry", "held"),
    [
        ("repo/.git/config", "holds ./room/repo/.git, by which"),
        ("repo/.git", "holds ./room/repo/.git, by which"),
        ("a/b/c/.git/HEAD", "holds ./room/a/b/c/.git, by which"),
        ("venv/pyvenv.cfg", "holds ./room/venv, a virtual environment, by which"),
        ("bare", "holds ./room/bare, a git repository, by which"),
        ("", "part of a git repository, by which"),
    ],
)
def test_nor_a_writable_folder_that_holds_such_a_one(tmp_path: Path, entry: str, held: str) -> None:
    root = Path(os.path.realpath(tmp_path))
    place = root / "room" / entry
    if entry in ("bare", ""):
        (place / "objects").mkdir(parents=True)
        (place / "config").touch()
        place /= "HEAD"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()
    with pytest.raises(PolicyError, match=f"'./room' is writable and {held}") as caught:
        resolve(declared("./room"), Project(root))
    assert caught.value.hint == f"--mount {root}/room, or mounts= from Python"
    resolve(declared("./room"), Project(root), mounts=[parse_mount("./room", root)])
    resolve(declared({"path": "./room", "mode": "ro"}), Project(root))


def test_nor_a_part_of_a_bare_repository(tmp_path: Path) -> None:
    root = Path(os.path.realpath(tmp_path))
    for name in ("objects", "hooks"):
        (root / "bare" / name).mkdir(parents=True)
    for name in ("HEAD", "config"):
        (root / "bare" / name).touch()
    with pytest.raises(PolicyError, match=r"'./bare/hooks' is writable and part of a"):
        resolve(declared("./bare/hooks"), Project(root))


def test_links_in_a_writable_folder_are_not_followed(tmp_path: Path) -> None:
    """What they lead to, the task does not reach either."""
    root = Path(os.path.realpath(tmp_path))
    (root / "repository" / ".git").mkdir(parents=True)
    (root / "room").mkdir()
    (root / "room" / "link").symlink_to("../repository")
    (root / "room" / "circle").symlink_to(".")
    assert resolve(declared("./room"), Project(root)).allowed_files


def test_of_writable_folders_so_many_entries_are_looked_at(tmp_path: Path) -> None:
    """All folders of a task together, so that a start takes no longer the more there are."""
    root = Path(os.path.realpath(tmp_path))
    (root / "full").mkdir()
    for number in range(MOST_ENTRIES - 4):
        (root / "full" / str(number)).touch()
    (root / "room" / "a" / "b" / ".git").mkdir(parents=True)
    both = declared("./full", "./room")
    with pytest.raises(PolicyError, match=r"holds ./room/a/b/.git"):
        resolve(both, Project(root))
    for number in range(4):
        (root / "full" / f"more{number}").touch()
    assert len(resolve(both, Project(root)).allowed_files) == 2
    # What lies in the granted folder itself is found however much is beside it.
    (root / "full" / ".git").mkdir()
    with pytest.raises(PolicyError, match=r"'./full' is writable and holds .git"):
        resolve(both, Project(root))
