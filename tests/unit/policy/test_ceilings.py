"""Ceilings of several capsule.toml hold together, whoever wrote them and wherever they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsule.errors import ConfigError, PolicyError
from capsule.policy.ceilings import RunLimits, run_limits
from capsule.policy.config import MAX_CONFIGS, find_project
from capsule.policy.declaration_types import TaskDeclaration
from capsule.policy.limit_origins import LimitOrigin
from capsule.policy.resolve import (
    UNTRUSTED_RAM,
    UNTRUSTED_TIMEOUT_MS,
    CallerLimits,
    Policy,
    resolve,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("outer/stranger/data", "outer/data", "caller/here"):
        (tmp_path / name).mkdir(parents=True)
    return Path(os.path.realpath(tmp_path))


def limits(folder: Path, text: str) -> Path:
    path = folder / "capsule.toml"
    path.write_text(f"[limits]\n{text}\n" if text else "")
    return path


def declared(**options: object) -> TaskDeclaration:
    return TaskDeclaration("crunch", "crunch", "t.py", 3, is_async=False, options=options)


def policy(root: Path, caller: CallerLimits = CallerLimits(), **options: object) -> Policy:  # noqa: B008
    project = find_project(root / "outer" / "stranger", working=root / "caller" / "here")
    return resolve(declared(**options), project, caller)


def test_an_empty_one_beside_the_file_takes_none_away(root: Path) -> None:
    above = limits(root / "outer", 'max_compute = "LOW"')
    limits(root / "outer" / "stranger", "")
    with pytest.raises(PolicyError, match="compute: 'HIGH' is above the ceiling") as caught:
        policy(root, compute="HIGH")
    assert f"max_compute in [limits] of {above}" in caught.value.message


def test_those_around_the_caller_hold_for_a_file_elsewhere(root: Path) -> None:
    above = limits(root / "caller", 'max_ram = "64MB"')
    with pytest.raises(PolicyError, match=f"of {above}"):
        policy(root, ram="1GB")
    assert policy(root).ram == 64 << 20
    assert policy(root).origins.ram == LimitOrigin("ceiling", None, str(above))


def test_the_least_of_all_counts_and_is_named(root: Path) -> None:
    limits(root / "outer", 'max_timeout = "1h"\nrun_tasks = 9\nrun_compute = "HIGH"')
    tight = limits(root / "caller" / "here", 'max_timeout = "5s"\nrun_tasks = 3')
    limits(root / "caller", 'max_timeout = "1m"\nrun_timeout = "2m"')
    found = policy(root)
    assert (found.timeout_ms, found.origins.timeout.file) == (5_000, str(tight))
    # Raising that one alone helps up to the next.
    assert found.origins.timeout.most == 60_000 or found.origins.timeout.most is None
    project = find_project(root / "outer" / "stranger", working=root / "caller" / "here")
    outer = str(root / "outer" / "capsule.toml")
    assert run_limits(project.ceilings) == RunLimits(50_000_000_000, 3, 120_000, outer)


def test_paths_are_relative_to_the_folder_of_each(root: Path) -> None:
    limits(root / "outer" / "stranger", "")
    limits(root / "outer", 'allowed_files = ["./data"]')
    with pytest.raises(PolicyError, match=r"'./data' is above the ceiling"):
        policy(root, allowed_files=["./data"])  # the stranger's own, not that of the ceiling
    limits(root / "outer", 'allowed_files = ["./stranger/data"]')
    assert policy(root, allowed_files=["./data"]).allowed_files


def test_hosts_and_variables_have_to_be_within_all(root: Path) -> None:
    limits(root / "outer", 'allowed_hosts = ["*.example.com"]\nenv_variables = ["A", "B"]')
    limits(root / "caller", 'allowed_hosts = ["a.example.com", "b.org"]\nenv_variables = ["B"]')
    found = policy(root, allowed_hosts=["a.example.com"], env_variables=["B"])
    assert found.host_ceilings == (("*.example.com",), ("a.example.com", "b.org"))
    for option, value in (
        ("allowed_hosts", ["b.example.com"]),
        ("allowed_hosts", ["b.org"]),
        ("env_variables", ["A"]),
    ):
        with pytest.raises(PolicyError, match="is above the ceiling"):
            policy(root, CallerLimits(), **{option: value})


def test_one_that_cannot_be_read_stops_the_run(root: Path) -> None:
    (root / "caller" / "capsule.toml").symlink_to("nowhere")
    with pytest.raises(ConfigError, match="cannot be read"):
        policy(root)


def test_a_pipe_in_its_place_is_refused_and_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "outer" / "capsule.toml")
    with pytest.raises(ConfigError, match="it is no regular file"):
        policy(root)


ASKS: dict[str, object] = {
    "compute": "HIGH",
    "ram": "2GB",
    "timeout": "1h",
    "allowed_files": ["./data"],
    "allowed_hosts": ["a.example.com"],
    "env_variables": ["A"],
}


@pytest.mark.parametrize("who", ["caller", "ceiling"])
def test_an_untrusted_file_gets_nothing_that_it_asks_for(root: Path, who: str) -> None:
    if who == "ceiling":
        limits(root / "caller", 'untrusted = true\nmax_compute = "LOW"\nallowed_files = []')
    limits(root / "outer" / "stranger", "")
    found = policy(root, CallerLimits(untrusted=who == "caller"), **ASKS)
    assert (found.allowed_files, found.allowed_hosts, found.env_variables) == ((), (), ())
    assert (found.ram, found.timeout_ms) == (UNTRUSTED_RAM, UNTRUSTED_TIMEOUT_MS)
    assert found.origins.ram.who == found.origins.timeout.who == "untrusted"
    # Narrowed without an error, by a ceiling too.
    assert found.compute == (100_000_000 if who == "ceiling" else 50_000_000_000)


def test_an_untrusted_file_may_ask_for_less(root: Path) -> None:
    found = policy(root, CallerLimits(untrusted=True, max_ram=32 << 20), timeout="2s")
    assert (found.ram, found.timeout_ms) == (32 << 20, 2_000)


def test_no_switch_but_a_switch(root: Path) -> None:
    limits(root / "outer", "untrusted = 'no'")
    with pytest.raises(ConfigError, match=r"\[limits\] untrusted: 'no' is no switch"):
        policy(root)


def test_variables_alone_are_taken(root: Path) -> None:
    found = policy(root, CallerLimits(no_env=True), env_variables=["A"], allowed_hosts=["b.org"])
    assert (found.env_variables, found.allowed_hosts) == ((), ("b.org",))


@pytest.mark.parametrize("suffix", [".py", ".wasm"])
def test_those_where_a_link_leads_hold_as_well(root: Path, suffix: str) -> None:
    """By its own name, and by what it is a link to: a link takes none of them away."""
    strict = limits(root / "outer", 'max_ram = "64MB"')
    (root / f"outer/stranger/task{suffix}").write_text("")
    link = root / f"caller/here/task{suffix}"
    link.symlink_to(root / f"outer/stranger/task{suffix}")
    folder = link.parent if suffix == ".py" else root / "caller"
    found = find_project(folder, working=root / "caller", file=link)
    assert [ceiling.config for ceiling in found.ceilings] == [strict]
    near = limits(root / "caller/here", 'max_ram = "32MB"')
    found = find_project(folder, working=root / "caller", file=link)
    assert {ceiling.config for ceiling in found.ceilings} == {near, strict}


def test_how_many_are_read_is_bounded(root: Path) -> None:
    """All are read before a run's time begins."""
    folder = root / "outer"
    for number in range(MAX_CONFIGS + 1):
        folder = folder / str(number)
        folder.mkdir()
        limits(folder, "")
    assert find_project(folder.parent, working=root).config == folder.parent / "capsule.toml"
    with pytest.raises(ConfigError, match=f"more than {MAX_CONFIGS} capsule.toml above"):
        find_project(folder, working=root)
