"""Policies: options over defaults, under ceilings, narrowed by the caller."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.errors import CapsuleError, ConfigError, PolicyError, UsageError
from capsule.policy.config import read_config
from capsule.policy.declaration_types import TaskDeclaration, with_modules
from capsule.policy.folders import FolderGrant
from capsule.policy.limit_origins import Denials, LimitOrigin, LimitOrigins
from capsule.policy.mounts import parse_mount
from capsule.policy.project import Ceiling, Limits, Project
from capsule.policy.resolve import CallerLimits, Policy, resolve, resolve_all
from capsule.policy.task_declarations import read_source

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("data/in", "data/out", "other"):
        (tmp_path / name).mkdir(parents=True)
    return Path(os.path.realpath(tmp_path))


def configured(root: Path, text: str) -> Project:
    (root / "capsule.toml").write_text(text)
    return read_config(root / "capsule.toml")


def declared(**options: object) -> TaskDeclaration:
    return TaskDeclaration("crunch", "crunch", "t.py", 3, is_async=False, options=options)


def unbound(policy: Policy) -> Policy:
    """A policy without who set its amounts."""
    return policy._replace(origins=LimitOrigins())


def test_a_silent_task_gets_the_documented_defaults(root: Path) -> None:
    assert resolve(declared(), Project(root)) == Policy(
        task="crunch",
        compute=2_000_000_000,
        ram=None,
        timeout_ms=None,
        max_retries=0,
        allowed_files=(),
        allowed_hosts=(),
        env_variables=(),
    )


def test_every_option_arrives(root: Path) -> None:
    task = declared(
        compute="LOW",
        ram="64MB",
        timeout="1.5s",
        max_retries=3,
        allowed_files=["./data", {"path": "./other", "mode": "ro"}],
        allowed_hosts=("API.example.com",),
        env_variables=["API_KEY"],
    )
    assert unbound(resolve(task, Project(root))) == Policy(
        task="crunch",
        compute=100_000_000,
        ram=64 << 20,
        timeout_ms=1500,
        max_retries=3,
        allowed_files=(
            FolderGrant(root / "data", "/data", writable=True),
            FolderGrant(root / "other", "/other", writable=False),
        ),
        allowed_hosts=("api.example.com",),
        env_variables=("API_KEY",),
    )


DEFAULTS = """[tasks]
default_compute = "LOW"
default_ram = "256MB"
default_timeout = "30s"
default_max_retries = 2
default_allowed_files = ["./data"]
default_allowed_hosts = ["a.com"]
default_env_variables = ["A"]
"""


def test_defaults_fill_what_a_task_leaves_open(root: Path) -> None:
    policy = resolve(declared(), configured(root, DEFAULTS))
    assert (policy.compute, policy.ram, policy.timeout_ms) == (100_000_000, 256 << 20, 30_000)
    assert policy.max_retries == 2
    assert [grant.guest for grant in policy.allowed_files] == ["/data"]
    assert (policy.allowed_hosts, policy.env_variables) == (("a.com",), ("A",))


def test_a_task_wins_over_every_default(root: Path) -> None:
    task = declared(
        compute=5,
        ram="1GB",
        timeout="1h",
        max_retries=0,
        allowed_files=[],
        allowed_hosts=[],
        env_variables=[],
    )
    policy = resolve(task, configured(root, DEFAULTS))
    assert unbound(policy) == Policy("crunch", 5, 1 << 30, 3_600_000, 0, (), (), ())


def test_none_stands_over_a_default_for_that_of_the_table(root: Path) -> None:
    task = declared(compute=None, ram=None, timeout=None)
    policy = resolve(task, configured(root, DEFAULTS))
    assert (policy.compute, policy.ram, policy.timeout_ms) == (2_000_000_000, None, None)
    assert policy.origins[:3] == (LimitOrigin(), LimitOrigin(), LimitOrigin())
    bounded = resolve(task, configured(root, LIMITS.replace("MEDIUM", "LOW")))
    assert (bounded.compute, bounded.ram, bounded.timeout_ms) == (100_000_000, 1 << 30, 600_000)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"compute": "ULTRA"}, "compute: 'ULTRA' is not an amount of compute"),
        ({"ram": 64}, "ram: 64 is not a size of memory"),
        ({"timeout": "soon"}, "timeout: 'soon' is not a duration"),
        ({"max_retries": -1}, "max_retries: -1 is not a number of retries"),
        ({"allowed_files": "./data"}, "allowed_files: './data' is not a list"),
        ({"allowed_files": ["./none"]}, "allowed_files: './none' does not exist"),
        ({"allowed_files": ["/etc"]}, "allowed_files: '/etc' is an absolute path"),
        ({"allowed_files": ["./file"]}, "allowed_files: './file' is a file"),
        (
            {"allowed_files": ["./data", {"path": "./data/in", "mode": "ro"}]},
            "allowed_files: '/data/in' is read-only inside '/data', which is writable",
        ),
        ({"allowed_hosts": "a.com"}, "allowed_hosts: 'a.com' is not a list"),
        ({"allowed_hosts": ["https://a.com/x"]}, "allowed_hosts: 'https://a.com/x' is a URL"),
        ({"env_variables": ["A=1"]}, "env_variables: 'A=1' is not the name of a variable"),
        ({"env_variables": {"A": "1"}}, "env_variables: {'A': '1'} is not a list"),
        ({"ram": 64}, "ram: 64 is not a size"),
        ({"max_retries": None}, "max_retries: None is not a number"),
    ],
)
def test_a_wrong_option_names_task_parameter_value_and_what_is_allowed(
    root: Path, options: Mapping[str, object], problem: str
) -> None:
    (root / "file").touch()
    with pytest.raises(PolicyError) as caught:
        resolve(declared(**options), Project(root))
    assert caught.value.message.startswith(f"t.py:3: task 'crunch': {problem}")
    assert "; allowed: " in caught.value.message


def test_a_hint_survives(root: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        resolve(declared(allowed_hosts="a.com"), Project(root))
    assert caught.value.hint == "['a.com']"


LIMITS = """[limits]
max_compute = "MEDIUM"
max_ram = "1GB"
max_timeout = "10m"
allowed_files = [{ path = "./data", mode = "ro" }, "./data/out"]
allowed_hosts = ["*.example.com", "b.com:443"]
env_variables = ["API_KEY"]
"""


def test_what_is_within_the_ceilings_passes_unchanged(root: Path) -> None:
    task = declared(
        compute="MEDIUM",
        ram="1GB",
        timeout="10m",
        allowed_files=[{"path": "./data", "mode": "ro"}, "./data/out"],
        allowed_hosts=["*.a.example.com:80", "b.com:443"],
        env_variables=["API_KEY"],
    )
    policy = resolve(task, configured(root, LIMITS))
    assert unbound(policy._replace(host_ceilings=())) == unbound(resolve(task, Project(root)))
    # Whether a name is within them depends on its addresses too, so they go along.
    assert policy.host_ceilings == (("*.example.com", "b.com:443"),)


def test_a_ceiling_applies_where_a_task_is_silent(root: Path) -> None:
    policy = resolve(declared(), configured(root, LIMITS.replace("MEDIUM", "LOW")))
    assert (policy.compute, policy.ram, policy.timeout_ms) == (100_000_000, 1 << 30, 600_000)


ABOVE = [
    ("compute", "HIGH", "'HIGH' is above the ceiling; allowed: at most 'MEDIUM' (max_compute in"),
    ("ram", "2GB", "'2GB' is above the ceiling; allowed: at most '1GB' (max_ram in [limits]"),
    ("timeout", "1h", "'1h' is above the ceiling; allowed: at most '10m' (max_timeout in"),
    (
        "allowed_files",
        ["./other"],
        "'./other' is above the ceiling; allowed: folders inside './data'",
    ),
    (
        "allowed_files",
        ["./data"],
        "'./data' is writable, which is above the ceiling; allowed: read",
    ),
    ("allowed_files", ["./data/in"], "'./data/in' is writable, which is above the ceiling"),
    ("allowed_hosts", ["example.com"], "'example.com' is above the ceiling; allowed: within '*.ex"),
    ("allowed_hosts", ["b.com"], "'b.com' is above the ceiling"),
    ("allowed_hosts", ["*"], "'*' is above the ceiling; allowed: within '*.example.com', 'b.com"),
    ("env_variables", ["HOME"], "'HOME' is above the ceiling; allowed: one of 'API_KEY' (env_va"),
]


@pytest.mark.parametrize(("option", "value", "problem"), ABOVE)
def test_above_a_ceiling_is_an_error_that_names_both(
    root: Path, option: str, value: object, problem: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        resolve(declared(**{option: value}), configured(root, LIMITS))
    assert caught.value.message.startswith(f"t.py:3: task 'crunch': {option}: {problem}")
    assert f"in [limits] of {root / 'capsule.toml'}" in caught.value.message


@pytest.mark.parametrize(("option", "value", "problem"), ABOVE)
def test_a_default_above_a_ceiling_is_the_projects_error(
    root: Path, option: str, value: object, problem: str
) -> None:
    project = configured(root, f"[tasks]\ndefault_{option} = {value!r}\n{LIMITS}")
    with pytest.raises(ConfigError) as caught:
        resolve(declared(), project)
    start = f"{root / 'capsule.toml'}: [tasks] default_{option}: {problem}"
    assert caught.value.message.startswith(start)


@pytest.mark.parametrize(
    ("option", "value"),
    [("allowed_files", ["./data"]), ("allowed_hosts", ["a.com"]), ("env_variables", ["A"])],
)
def test_an_empty_ceiling_allows_nothing(root: Path, option: str, value: object) -> None:
    project = configured(root, f"[limits]\n{option} = []")
    silent = resolve(declared(), project)._replace(host_ceilings=())
    assert silent == resolve(declared(), Project(root))
    with pytest.raises(PolicyError, match=rf"allowed: none \({option} in \[limits\]"):
        resolve(declared(**{option: value}), project)


def test_a_ceiling_on_the_whole_project_allows_its_folders(root: Path) -> None:
    project = configured(root, "[limits]\nallowed_files = ['.']")
    assert resolve(declared(allowed_files=["./data"]), project).allowed_files


def test_a_ceiling_holds_where_the_folder_really_is(root: Path) -> None:
    (root / "data/link").symlink_to("../other")
    project = configured(root, "[limits]\nallowed_files = ['./data']")
    with pytest.raises(PolicyError, match=r"'./data/link' is above the ceiling"):
        resolve(declared(allowed_files=["./data/link"]), project)


def test_a_missing_default_folder_is_the_projects_error(root: Path) -> None:
    project = configured(root, "[tasks]\ndefault_allowed_files = ['./none']")
    with pytest.raises(ConfigError, match=r"\[tasks\] default_allowed_files: './none' does not"):
        resolve(declared(), project)
    assert resolve(declared(allowed_files=[]), project).allowed_files == ()


def test_the_caller_narrows(root: Path) -> None:
    task = declared(
        compute="HIGH",
        ram="1GB",
        timeout="1h",
        allowed_files=["./data"],
        allowed_hosts=["a.com"],
        env_variables=["A"],
    )
    caller = CallerLimits(10, 20, 30, no_net=True, no_files=True)
    policy = resolve(task, Project(root), caller)
    assert unbound(policy) == Policy("crunch", 10, 20, 30, 0, (), (), ("A",))


def test_the_caller_never_widens(root: Path) -> None:
    task = declared(compute="LOW", ram="64MB", timeout="1s")
    wide = CallerLimits(max_fuel=10**14, max_ram=4 << 30, timeout_ms=10**9)
    assert unbound(resolve(task, Project(root), wide)) == unbound(resolve(task, Project(root)))


def test_the_caller_limits_what_nobody_else_does(root: Path) -> None:
    policy = resolve(declared(), Project(root), CallerLimits(max_ram=20, timeout_ms=30))
    assert (policy.ram, policy.timeout_ms) == (20, 30)


def test_who_set_each_amount_and_how_far_raising_it_helps(root: Path) -> None:
    task = declared(compute="MEDIUM", ram="64MB")
    limits = Limits(max_compute=50_000_000_000, max_ram=64 << 20, max_timeout=60_000)
    config = "[tasks]\ndefault_ram = '32MB'\ndefault_timeout = '5s'\n"
    file = root / "capsule.toml"
    project = configured(root, config)._replace(ceilings=(Ceiling(file, root, limits),))
    assert resolve(task, project).origins == LimitOrigins(
        LimitOrigin("task", 50_000_000_000),
        LimitOrigin("ceiling", 64 << 20, str(file)),
        LimitOrigin("defaults", 60_000),
    )
    silent = declared()
    assert resolve(silent, project).origins.compute == LimitOrigin("nobody", 50_000_000_000)
    assert resolve(silent, project).origins.ram == LimitOrigin("defaults", 64 << 20)
    caller = CallerLimits(max_fuel=5, max_ram=32 << 20)
    assert resolve(silent, project, caller).origins[:2] == (
        LimitOrigin("caller", 2_000_000_000),
        LimitOrigin("caller", 32 << 20),
    )
    flags = CallerLimits(timeout_ms=5, flags=True)
    assert resolve(silent, project, flags).origins.timeout == LimitOrigin("flag", 5_000)
    assert resolve(silent, Project(root)).origins.timeout == LimitOrigin()


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "10.0.0.1", "[::1]:80"])
def test_a_star_among_the_ceilings_says_what_it_means(root: Path, host: str) -> None:
    project = configured(root, '[limits]\nallowed_hosts = ["*"]')
    with pytest.raises(PolicyError, match=r"\"\*\" means public addresses only; others have to be"):
        resolve(declared(allowed_hosts=[host]), project)


def test_it_is_known_who_takes_what_a_task_asks_for(root: Path) -> None:
    task = declared(allowed_files=["./data"], allowed_hosts=["a.com"], env_variables=["A", "B"])
    assert resolve(task, Project(root)).origins.denials == Denials()
    flags = CallerLimits(no_net=True, no_env=True, flags=True)
    assert resolve(task, Project(root), flags).origins.denials == Denials(
        "", "--no-net", "--no-env", ("A", "B")
    )
    untrusted = CallerLimits(untrusted=True, flags=True)
    assert resolve(task, Project(root), untrusted).origins.denials.files == "--untrusted"
    caller = CallerLimits(no_files=True)
    assert resolve(task, Project(root), caller).origins.denials.files == "the caller's no_files"
    assert resolve(declared(), Project(root), untrusted).origins.denials == Denials()
    project = configured(root, "[limits]\nuntrusted = true")
    by = resolve(task, project).origins.denials.hosts
    assert by == f"untrusted = true in [limits] of {root / 'capsule.toml'}"


def test_what_is_untrusted_is_tried_once(root: Path) -> None:
    """A hundred attempts of 30 seconds each would be no bound."""
    project, task = Project(root), declared(max_retries=100)
    stated = configured(root, "[tasks]\ndefault_max_retries = 100\n[limits]\nuntrusted = true\n")
    assert resolve(task, project, CallerLimits(untrusted=True)).max_retries == 0
    assert [resolve(each, stated).max_retries for each in (task, declared())] == [0, 0]


def test_folders_nobody_will_see_are_not_looked_for(root: Path) -> None:
    task = declared(allowed_files=["./none"])
    assert resolve(task, Project(root), CallerLimits(no_files=True)).allowed_files == ()
    with pytest.raises(PolicyError):  # but what is no folder at all stays an error
        resolve(declared(allowed_files=["../x"]), Project(root), CallerLimits(no_files=True))


def test_mounts_are_added_above_the_ceilings_of_task_files(root: Path) -> None:
    project = configured(root, "[limits]\nallowed_files = []")
    policy = resolve(declared(), project, mounts=[parse_mount("./other:ro", root)])
    assert policy.allowed_files == (FolderGrant(root / "other", "/other", writable=False),)


def test_a_mount_replaces_the_folder_at_its_place(root: Path) -> None:
    task = declared(allowed_files=["./data", "./other"])
    policy = resolve(task, Project(root), mounts=[parse_mount("./data/in::/data:ro", root)])
    assert policy.allowed_files == (
        FolderGrant(root / "data/in", "/data", writable=False),
        FolderGrant(root / "other", "/other", writable=True),
    )


@pytest.mark.parametrize("mount", ["./none", "./data::/tmp/x", "./data::/usr", "./data/in:ro"])
def test_a_wrong_mount_is_the_callers_error(root: Path, mount: str) -> None:
    task = declared(allowed_files=["./data"])
    with pytest.raises(
        UsageError, match=r"^mount: '/.* (does not exist|would be)|^mount: '/in' is"
    ):
        resolve(task, Project(root), mounts=[parse_mount(mount, root)])


def test_no_files_hides_mounts_too(root: Path) -> None:
    caller = CallerLimits(no_files=True)
    assert (
        resolve(declared(), Project(root), caller, [parse_mount("./none", root)]).allowed_files
        == ()
    )


def test_all_tasks_of_a_file_are_resolved(root: Path) -> None:
    source = "from capsule import task\n@task(compute='LOW')\ndef a(): pass\ndef main(): pass"
    policies = resolve_all(read_source(source, "t.py"), Project(root))
    assert {name: policy.compute for name, policy in policies.items()} == {
        "a": 100_000_000,
        "main": 2_000_000_000,
    }


def test_a_task_named_main_hides_the_plain_one(root: Path) -> None:
    source = (
        "from capsule import task\n@task(name='main', compute=7)\ndef a(): pass\ndef main(): pass"
    )
    policies = resolve_all(read_source(source, "t.py"), Project(root))
    assert [(name, policy.compute) for name, policy in policies.items()] == [("main", 7)]


def test_a_plain_main_gets_no_policy_of_a_module(root: Path) -> None:
    own = read_source("import helper\ndef main(): pass", "t.py")
    other = declared(env_variables=["HOME"])._replace(name="main", module="helper")
    with pytest.raises(PolicyError, match=r"'main' has the name of the function main in t.py:2"):
        resolve_all(with_modules(own, [other]), Project(root))


def test_one_wrong_task_stops_all(root: Path) -> None:
    source = "from capsule import task\n@task(ram='x')\ndef a(): pass\n@task\ndef main(): pass"
    with pytest.raises(PolicyError, match=r"^t.py:3: task 'a': ram: 'x' is not a size"):
        resolve_all(read_source(source, "t.py"), Project(root))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
OPTION = st.sampled_from(
    ["compute", "ram", "timeout", "max_retries", "allowed_files", "allowed_hosts", "env_variables"]
)


@given(st.dictionaries(OPTION, VALUES, max_size=3))
def test_any_literal_is_a_policy_or_refused(options: dict[str, object]) -> None:
    try:
        policy = resolve(declared(**options), Project(Path("/nowhere")))
    except CapsuleError as refused:
        assert isinstance(refused, PolicyError)  # noqa: PT017 - never another one
    else:
        assert policy.compute >= 1
