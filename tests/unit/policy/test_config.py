"""capsule.toml: finding it, what it may say, and errors that name the file and the key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsule.errors import ConfigError
from capsule.policy.config import MAX_CONFIG, find_project, read_config
from capsule.policy.folders import FolderRule
from capsule.policy.options import Options
from capsule.policy.project import Ceiling, Limits, Project

FULL = """
[workflow]
name = "My workflow"
version = "1.0.0"
entrypoint = "src/main.py"

[tasks]
default_compute = "MEDIUM"
default_ram = "256MB"
default_timeout = "30s"
default_max_retries = 2
default_allowed_files = ["./data", { path = "./in", mode = "ro" }]
default_allowed_hosts = ["API.example.com"]
default_env_variables = ["API_KEY"]

[limits]
max_compute = 50_000_000_000
max_ram = "1GB"
max_timeout = "10m"
allowed_files = ["."]
allowed_hosts = ["*.example.com"]
env_variables = ["API_KEY", "DEBUG"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(os.path.realpath(tmp_path))


def write(root: Path, text: str | bytes) -> Path:
    path = root / "capsule.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_everything_it_may_say(root: Path) -> None:
    path = write(root, FULL)
    assert read_config(path) == Project(
        root=root,
        config=path,
        name="My workflow",
        version="1.0.0",
        entrypoint=root / "src/main.py",
        defaults=Options(
            compute=2_000_000_000,
            ram=256 << 20,
            timeout=30_000,
            max_retries=2,
            allowed_files=(
                FolderRule(("data",), "/data", writable=True),
                FolderRule(("in",), "/in", writable=False),
            ),
            allowed_hosts=("api.example.com",),
            env_variables=("API_KEY",),
        ),
        ceilings=(
            Ceiling(
                path,
                root,
                Limits(
                    max_compute=50_000_000_000,
                    max_ram=1 << 30,
                    max_timeout=600_000,
                    allowed_files=(FolderRule((), "/", writable=True),),
                    allowed_hosts=("*.example.com",),
                    env_variables=("API_KEY", "DEBUG"),
                ),
            ),
        ),
    )


def test_an_empty_one_says_nothing_but_is_the_root(root: Path) -> None:
    path = write(root, "")
    assert read_config(path) == Project(root=root, config=path)


def test_the_nearest_one_above_counts(root: Path) -> None:
    (root / "a/b/c").mkdir(parents=True)
    outer = write(root, "")
    inner = write(root / "a", "")
    assert find_project(root / "a/b/c", working=root).config == inner
    assert find_project(root / "a", working=root).config == inner
    assert find_project(root, working=root / "a").config == outer


def test_without_one_the_working_folder_is_the_root(root: Path) -> None:
    (root / "tasks").mkdir()
    (root / "work").mkdir()
    (root / "link").symlink_to("work")
    # Folders above the temporary one are not ours: a capsule.toml there would be found, rightly.
    found = find_project(root / "tasks", working=root / "link")
    assert found == Project(root=root / "work")


def test_a_link_to_the_folder_leads_to_its_project(root: Path) -> None:
    (root / "project").mkdir()
    path = write(root / "project", "")
    (root / "link").symlink_to("project")
    assert find_project(root / "link", working=root).config == path


@pytest.mark.parametrize("kind", ["folder", "broken link", "unreadable encoding", "too large"])
def test_one_that_cannot_be_read_is_an_error_not_a_missing_one(root: Path, kind: str) -> None:
    path = root / "capsule.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "broken link":
        path.symlink_to("nowhere")
    elif kind == "too large":
        path.write_bytes(b"#" * (MAX_CONFIG + 1))
    else:
        path.write_bytes("[limits]".encode("utf-16"))
    with pytest.raises(ConfigError) as caught:
        find_project(root, working=root)
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "[limits",
        "a = 1\na = 2",
        "x = " + "[" * 100_000,
        "x = " + "1" * 5000,
        "x = 2020-13-45",
        "\x00",
    ],
)
def test_what_is_no_toml(root: Path, text: str) -> None:
    path = write(root, text)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("[task]", "has no section 'task'; allowed: workflow, tasks, limits", "tasks"),
        ("[zzz]", "has no section 'zzz'", None),
        ("name = 'x'", "has no section 'name'", None),
        ("tasks = 1", "tasks is 1, not a section", "[tasks]"),
        ("[[limits]]", "limits is [{}], not a section", "[limits]"),
        ("[workflow]\nentry_point = 'x'", "[workflow] has no key 'entry_point'", "entrypoint"),
        ("[tasks]\nram = '1GB'", "[tasks] has no key 'ram'", "default_ram"),
        ("[tasks]\ndefault-ram = '1GB'", "[tasks] has no key 'default-ram'", "default_ram"),
        ("[tasks]\ndefault_name = 'x'", "[tasks] has no key 'default_name'", None),
        ("[limits]\nmax_retries = 1", "[limits] has no key 'max_retries'", None),
        ("[limits]\ntimeout = '1s'", "[limits] has no key 'timeout'", "max_timeout"),
    ],
)
def test_unknown_keys(root: Path, text: str, problem: str, hint: str | None) -> None:
    path = write(root, text)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert problem in caught.value.message
    if hint is not None:
        assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[workflow]\nname = 1", "[workflow] name: 1 is not a text"),
        ("[workflow]\nversion = 1.0", "[workflow] version: 1.0 is not a text"),
        ("[workflow]\nname = '''a\nb'''", "[workflow] name: 'a\\nb' is not a text"),
        ("[workflow]\nentrypoint = 1", "[workflow] entrypoint: 1 is not a path"),
        ("[workflow]\nentrypoint = '/x.py'", "'/x.py' is an absolute path"),
        ("[workflow]\nentrypoint = '../x.py'", "leads out of where it starts"),
        ("[workflow]\nentrypoint = '.'", "[workflow] entrypoint: '.' leads out of the project"),
        ("[workflow]\nentrypoint = 'out/x.py'", "'out/x.py' leads out of the project"),
        ("[tasks]\ndefault_compute = 'ULTRA'", "[tasks] default_compute: 'ULTRA' is not an amount"),
        ("[tasks]\ndefault_ram = 256", "[tasks] default_ram: 256 is not a size of memory"),
        ("[tasks]\ndefault_timeout = 30", "[tasks] default_timeout: 30 is not a duration"),
        (
            "[tasks]\ndefault_max_retries = '2'",
            "default_max_retries: '2' is not a number of retries",
        ),
        (
            "[tasks]\ndefault_allowed_files = './data'",
            "default_allowed_files: './data' is not a list",
        ),
        (
            "[tasks]\ndefault_allowed_files = ['../x']",
            "[tasks] default_allowed_files: '../x' leads out",
        ),
        (
            "[tasks]\ndefault_allowed_hosts = ['http://x']",
            "default_allowed_hosts: 'http://x' is a URL",
        ),
        (
            "[tasks]\ndefault_env_variables = ['A=B']",
            "default_env_variables: 'A=B' is not the name",
        ),
        ("[limits]\nmax_compute = true", "[limits] max_compute: True is not an amount"),
        ("[limits]\nmax_ram = '8GB'", "[limits] max_ram: '8GB' is not a size of memory"),
        ("[limits]\nmax_timeout = '1 year'", "[limits] max_timeout: '1 year' is not a duration"),
        ("[limits]\nallowed_files = [1]", "[limits] allowed_files: 1 is not a folder"),
        ("[limits]\nallowed_hosts = '*'", "[limits] allowed_hosts: '*' is not a list"),
        (
            "[limits]\nenv_variables = [2020-01-01]",
            "env_variables: datetime.date(2020, 1, 1) is not",
        ),
    ],
)
def test_wrong_values(root: Path, text: str, problem: str) -> None:
    (root / "out").symlink_to("..")
    path = write(root, text)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert problem in caught.value.message
    assert "; allowed: " in caught.value.message


def test_lists_are_bounded(root: Path) -> None:
    path = write(root, f"[limits]\nallowed_hosts = {[f'h{i}.com' for i in range(256)]}")
    assert len(read_config(path).ceilings[0].limits.allowed_hosts or ()) == 256
    path = write(root, f"[limits]\nallowed_hosts = {[f'h{i}.com' for i in range(257)]}")
    with pytest.raises(ConfigError, match=r"a list of 257 hosts is too long; allowed: at most 256"):
        read_config(path)


def test_repetitions_count_once(root: Path) -> None:
    path = write(root, "[limits]\nallowed_hosts = ['A.com', 'a.com']\nenv_variables = ['A', 'A']")
    limits = read_config(path).ceilings[0].limits
    assert (limits.allowed_hosts, limits.env_variables) == (("a.com",), ("A",))


def test_a_dotted_key_has_at_most_32_parts(tmp_path: Path) -> None:
    (tmp_path / "capsule.toml").write_text("[workflow]\n" + ".".join("abcd" * 10) + " = 1\n")
    with pytest.raises(ConfigError, match="line 2: a dotted key of more than 32 parts"):
        find_project(tmp_path, working=tmp_path)
