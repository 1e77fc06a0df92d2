"""What a file would get, in words, and the line that says so at its first run."""

from __future__ import annotations

import os
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from capsule.cli.render.rights import rights_lines
from capsule.cli.terminal.console import Console
from capsule.cli.terminal.grant_notice import note_grants
from capsule.message_text import shown
from capsule.policy.mounts import parse_mount
from capsule.policy.resolve import CallerLimits
from capsule.runner.inspection import Inspection, first_grants, inspect
from capsule.runner.prepare import Call
from capsule.runner.source import read_file


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = Path(os.path.realpath(tmp_path)) / "project"
    for name in ("data", "real"):
        (root / name).mkdir(parents=True)
    (root / "link").symlink_to("real")
    monkeypatch.chdir(root)
    return root


def inspected(root: Path, options: str, *mounts: str, limits: CallerLimits | None = None) -> str:
    found = found_in(root, options, *mounts, limits=limits)
    return "\n".join(rights_lines(found, 500))


def found_in(
    root: Path, options: str, *mounts: str, limits: CallerLimits | None = None
) -> Inspection:
    source = read_file(written(root, options), root)
    return inspect(source, call(*mounts, limits=limits), root.parent / "home")


def written(root: Path, options: str) -> Path:
    (root / "t.py").write_text(
        f"from capsule import task\n@task({options})\ndef main(): return 1\n"
    )
    return Path("t.py")


def call(*mounts: str, limits: CallerLimits | None = None) -> Call:
    return Call(
        limits=limits or CallerLimits(),
        mounts=[parse_mount(text, Path.cwd()) for text in mounts],
        environ={},
    )


def first(root: Path, options: str, *mounts: str) -> str | None:
    home = root.parent / "home"
    return first_grants(read_file(written(root, options), root), call(*mounts), home)


def test_where_a_folder_really_is(root: Path) -> None:
    said = inspected(root, "", "data::in/here:ro")
    assert "./data as ./in/here (read-only)  (the caller's mounts)" in said
    said = inspected(root, 'allowed_files=["./link"]')
    assert "./real as ./link (read-write)  (the task)" in said


def test_both_who_ask_and_who_mount_are_named(root: Path) -> None:
    asks = 'allowed_files=["./data"]'
    said = inspected(root, asks, "real:ro")
    assert "./data (read-write), ./real (read-only)  (the task, and the caller's mounts)" in said
    said = inspected(root, asks, "real:ro", limits=CallerLimits(untrusted=True))
    assert (
        "./real (read-only)  (untrusted, and the caller's mounts;"
        " it asks for ./data (read-write))" in said
    )
    (root / "capsule.toml").write_text('[tasks]\ndefault_allowed_files = ["./data"]\n')
    said = inspected(root, "", "real:ro")
    assert f"([tasks] of {root / 'capsule.toml'}, and the caller's mounts)" in said


def test_what_untrusted_takes_is_told_for_every_kind(root: Path) -> None:
    asks = 'ram="2GB", timeout="1h", max_retries=3, allowed_hosts=["a.com"], env_variables=["A"]'
    said = inspected(root, asks, limits=CallerLimits(untrusted=True))
    for row in (
        "512MB  (untrusted; it asks for 2GB)",
        "30s  (untrusted; it asks for 1h)",
        "0  (untrusted; it asks for 3)",
        "none  (untrusted; it asks for a.com)",
        "none  (untrusted; it asks for A)",
    ):
        assert row in said


def test_the_first_run_tells_of_what_the_file_asks_and_not_of_mounts(root: Path) -> None:
    asks = 'allowed_files=["./data"], allowed_hosts=["a.com"]'
    assert first(root, asks, "real:ro") == "./data (read-write), a.com"
    assert first(root, asks, "data:ro") == "a.com"
    assert first(root, 'allowed_files=["./data"]', "data") is None
    assert first(root, 'allowed_files=["./absent"]', "data::absent") is None


ALL_KINDS = 'allowed_files=["./data"], allowed_hosts=["a.com"], env_variables=["A"]'


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ("run_tasks = 1000", "./data (read-write), a.com, $A"),
        ('max_compute = "HIGH"', "./data (read-write), a.com, $A"),
        ('allowed_files = ["./data"]', "a.com, $A"),
        ('allowed_files = ["./data"]\nenv_variables = ["A"]', "a.com"),
        (
            'allowed_files = ["./data"]\nenv_variables = ["A"]\nallowed_hosts = ["*.com", "a.com"]',
            None,
        ),
        ("untrusted = true", None),
    ],
)
def test_a_ceiling_silences_its_own_kind(root: Path, limits: str, told: str | None) -> None:
    """The capsule.toml may be the stranger's own."""
    (root / "capsule.toml").write_text(f"[limits]\n{limits}\n")
    assert first(root, ALL_KINDS) == told


def test_the_first_run_is_told_in_one_line(root: Path) -> None:
    hosts = [f"h{number}.com" for number in range(9)]
    told = ", ".join(hosts[:6])
    assert first(root, f"allowed_hosts={hosts}") == f"{told}, and 3 more"
    assert first(root, f"allowed_hosts={hosts[:6]}") == told


@pytest.mark.parametrize("name", ["a b", "a (read-only), .", "a,b", "x" * 100])
def test_a_name_that_could_seem_to_be_more_is_quoted(root: Path, name: str) -> None:
    (root / name).mkdir()
    said = first(root, f"allowed_files=[{name!r}]")
    assert said == f"{shown(f'./{name}')} (read-write)"
    assert said in inspected(root, f"allowed_files=[{name!r}]")


def test_the_note_is_what_to_type(root: Path) -> None:
    written(root, ALL_KINDS)
    (root / "t.py").rename(root / "my task.py")
    said = BytesIO()
    console = Console(stderr=TextIOWrapper(said))
    note_grants(read_file(Path("my task.py"), root), call(), root.parent / "home", console)
    assert said.getvalue().decode() == (
        "capsule: 'my task.py' may use ./data (read-write), a.com, $A, as it asks;"
        " see: capsule inspect 'my task.py'\n"
    )


def test_a_refused_task_asks_in_the_words_of_an_accepted_one(root: Path) -> None:
    config = root / "capsule.toml"
    config.write_text(
        '[tasks]\ndefault_timeout = "90s"\ndefault_max_retries = 2\n[limits]\nmax_ram = "1MB"\n'
    )
    asks = 'compute="LOW", ram="2GB", allowed_files=[{"path": "./data", "mode": "ro"}]'
    [task] = found_in(root, asks).tasks
    assert "is above the ceiling" in str(task.refused)
    assert {right.option: (right.asks, right.gets, right.by) for right in task.rights} == {
        "compute": ("LOW", None, "the task"),
        "ram": ("2GB", None, "the task"),
        "timeout": ("90s", None, f"[tasks] of {config}"),
        "max_retries": (2, None, f"[tasks] of {config}"),
        "allowed_files": ([{"path": "./data", "mode": "ro"}], None, "the task"),
        "allowed_hosts": (None, None, "by default"),
        "env_variables": (None, None, "by default"),
    }
    said = inspected(root, asks)
    assert "compute        asks for LOW  (the task)\n" in said
    assert f"timeout        asks for 90s  ([tasks] of {config})\n" in said
    assert "asks for ./data (read-only)  (the task)" in said
    assert "allowed_hosts" not in said


def test_what_can_be_read_of_a_wrong_task_is_told(root: Path) -> None:
    [task] = found_in(root, 'compute="LOW", ram="12XB", allowed_hosts=["a.com"]').tasks
    assert "'12XB'" in str(task.refused)
    asks = {right.option: right.asks for right in task.rights}
    assert (asks["compute"], asks["ram"], asks["allowed_hosts"]) == ("LOW", "'12XB'", ["a.com"])


def test_the_file_that_says_untrusted_is_named(root: Path) -> None:
    config = root / "capsule.toml"
    config.write_text("[limits]\nuntrusted = true\n")
    by = f"untrusted, by [limits] of {config}"
    said = inspected(root, 'ram="2GB", max_retries=3, allowed_hosts=["a.com"]')
    assert f"512MB  ({by}; it asks for 2GB)" in said
    assert f"0  ({by}; it asks for 3)" in said
    assert f"none  ({by}; it asks for a.com)" in said
    # What the caller says holds by itself.
    assert "(untrusted; it asks" in inspected(
        root, 'ram="2GB"', limits=CallerLimits(untrusted=True)
    )
