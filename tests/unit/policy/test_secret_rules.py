"""Secrets as people write them; no message repeats what may be a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from capsule.errors import ConfigError, UsageError
from capsule.policy.caller_limits import caller_secrets
from capsule.policy.config import find_project
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.project import Project
from capsule.policy.resolve import CallerLimits, Grants, resolve
from capsule.policy.secret_rules import Secret, SecretRule, checked_value, secret_rules
from tests.unit.policy.test_resolve import declared

HERE = Path("/here")
VALUE = "sk-live-7f3a9c51e8"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KEY@api.example.com", ("KEY", ("api.example.com",), "KEY")),
        ("KEY=MY_KEY@API.example.com:443", ("KEY", ("api.example.com:443",), "MY_KEY")),
        ("_k9=my.key@*.example.com", ("_k9", ("*.example.com",), "my.key")),
        ("KEY@[0::1]:8080", ("KEY", ("[::1]:8080",), "KEY")),
        ("KEY@*.localhost", ("KEY", ("*.localhost",), "KEY")),
    ],
)
def test_options(text: str, expected: tuple[str, tuple[str, ...], str]) -> None:
    (rule,) = secret_rules([text], HERE)
    assert rule == SecretRule(*expected, HERE)


def test_options_for_one_name_add_their_hosts() -> None:
    rules = secret_rules(["A=X@a.com", "B@b.com", "A=X@c.com", "A=X@a.com"], HERE)
    assert [(rule.name, rule.hosts) for rule in rules] == [
        ("A", ("a.com", "c.com")),
        ("B", ("b.com",)),
    ]
    with pytest.raises(InvalidValueError, match="A is there twice, with two variables"):
        secret_rules(["A=X@a.com", "A=Y@a.com"], HERE)


def test_tables() -> None:
    said: dict[str, object] = {
        "A": {"value": VALUE, "hosts": ["a.com", "a.com"]},
        "B": {"variable": "X", "hosts": ("b.com",)},
        "C": {"hosts": ["c.com:8080"]},
    }
    assert secret_rules(said, HERE) == (
        SecretRule("A", ("a.com",), "A", HERE, VALUE),
        SecretRule("B", ("b.com",), "X", HERE),
        SecretRule("C", ("c.com:8080",), "C", HERE),
    )


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (["KEY"], r"secrets: KEY has no @HOST; allowed: NAME\[=VARIABLE\]@HOST"),
        ([f"KEY={VALUE}"], "KEY has no @HOST"),
        ([VALUE], "what is given has no @HOST"),
        (["@a.com"], "its name is not that of a variable"),
        (["A B@a.com"], "its name is not that of a variable"),
        ([f"{VALUE}@a.com"], "its name is not that of a variable"),
        (["KEY=@a.com"], "KEY names no variable that has its value"),
        (["KEY@"], r"KEY: a host is empty; allowed: .*an IPv4 address, \S+; no scheme, no path$"),
        (["KEY@https://a.com/b"], "KEY: a host is a URL; .*try: 'a.com'$"),
        ([f"KEY@https://{VALUE}@a.com"], r"KEY: a host has a user name; .*no path$"),
        ([f"KEY@{VALUE}://a.com"], "KEY: a host is a URL; .*no path$"),
        ([f"KEY=pa55@{VALUE}@a.com"], "KEY: a host has a user name; allowed"),
        ([f"KEY=@{VALUE}@a.com"], "KEY names no variable that has its value"),
        ([f"KEY@{VALUE}:password"], "KEY: a host is none"),
        ([f"KEY@-{VALUE}"], "KEY: a host is none"),
        *(
            ({"KEY": {"hosts": ["a.com", f"{VALUE}{rest}"]}}, f"KEY: a host {problem}; allowed")
            for rest, problem in (
                ("/abc==", "has a path"),
                ("==", "is none"),
                ("?a", "has a query"),
                ("#", "has a fragment"),
                ("." + "a" * 64, "is none"),
            )
        ),
        ({"KEY": {"hosts": [[VALUE]]}}, "KEY: a host is none"),
        ({"key": {"hosts": [12345678]}}, "key: a host is none"),
        (["KEY@*"], "KEY: '\\*' is every host; .*try: "),
        (["KEY@*:443"], "is every host"),
        (["KEY@*.com"], "is every host"),
        ([1], "what is given is no text"),
        ("KEY@a.com", "a str does not say secrets"),
        ({"KEY": "a.com"}, "KEY is not described by a mapping"),
        ({"KEY": {}}, "KEY has no list of hosts"),
        (
            {"KEY": {"hosts": "a.com"}},
            r'KEY has no list of hosts.*try: "hosts": \["api.example.com"\]$',
        ),
        ({"KEY": {"hosts": VALUE}}, "KEY has no list of hosts"),
        ({"KEY": {"host": "a.com"}}, "KEY has the key 'host', that there is not.*try: hosts$"),
        ({"KEY": {VALUE: "a.com"}}, "KEY has a key that there is not"),
        (
            {"KEY": {"hosts": ["a.com"], "valu": VALUE}},
            "KEY has the key 'valu', that there is not.*try: value$",
        ),
        ({"KEY": {"hosts": ["a.com"], "value": 5}}, "KEY has a value that is no text"),
        (
            {"KEY": {"hosts": ["a.com"], "value": VALUE, "variable": "X"}},
            "KEY has both a value and a variable",
        ),
        ({5: {"hosts": ["a.com"]}}, "its name is not that of a variable"),
        (
            [f"K{n}@a.com" for n in range(33)],
            "a list of 33 secrets is too long; allowed: at most 32",
        ),
    ],
)
def test_what_is_none(said: Any, problem: str) -> None:
    with pytest.raises(
        UsageError, match=f"(?s)^secrets: .*{problem.removeprefix('secrets: ')}"
    ) as caught:
        caller_secrets(said, HERE)
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize("host", ["*", "rest@a.com"])
def test_what_stands_before_the_host_may_be_a_value_too(host: str) -> None:
    with pytest.raises(UsageError, match=r"^secrets: what is given: ") as caught:
        caller_secrets([f"pa55word@{host}"], HERE)
    assert "pa55word" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "1234567",
            "x" * 8193,
            " sk-live-7f3a",
            "sk-live-7f3a\n",
            "sk-live\r\nX: y",
            "sk-live\0abc",
        ),
        *(
            "sk-live-é7f3a",
            "sk-live-\ud800abc",
            "capsule-secret-0",
            "xCAPSULE-SECRET-x",
            "capsule-s",
        ),
    ],
)
def test_values_that_cannot_be_kept(value: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^KEY has a value") as caught:
        checked_value("KEY", value)
    assert not value.strip() or value not in str(caught.value)
    assert checked_value("KEY", "12345678") == "12345678"


def test_nothing_shows_a_value() -> None:
    rule = SecretRule("KEY", ("a.com",), "KEY", HERE, VALUE)
    secret = Secret("KEY", "placeholder", VALUE, ("a.com",))
    assert VALUE not in f"{rule!r} {rule} {[rule]} {secret!r} {secret} {(secret,)}"
    assert VALUE not in repr(rule.named_alone())
    assert rule.named_alone() == SecretRule("KEY", (), "", Path())


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "capsule.toml").write_text(text)
    return folder


def test_which_files_count(tmp_path: Path) -> None:
    above = write(tmp_path / "mine", "[secrets]\nA = ['above.com']\nB = ['above.com']\n")
    mine = write(above / "work", "[secrets]\nA = { variable = 'X', hosts = ['near.com'] }\n")
    strange = write(above / "strange", "[secrets]\nA = ['evil.com']\nC = ['evil.com']\n")
    for folder in (mine, strange, above):
        project = find_project(folder, working=mine, file=folder / "task.py")
        assert project.secrets == (
            SecretRule("A", ("near.com",), "X", mine, is_optional=True),
            SecretRule("B", ("above.com",), "B", above, is_optional=True),
        )
    project = find_project(strange, working=tmp_path, file=strange / "task.py")
    assert project.root == strange
    assert project.secrets == ()
    link = tmp_path / "link.py"
    link.symlink_to(strange / "task.py")
    assert find_project(tmp_path, working=tmp_path, file=link).secrets == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("secrets = 5", "secrets is 5, not a section"),
        (
            "[secrets]\nA = { value = 'sk-live-7f3a9c51e8', hosts = ['a.com'] }",
            "A has its value in the file",
        ),
        ("[secrets]\nA = { hosts = ['a.com'], x = 1 }", "A has a key that there is not"),
        ("[secrets]\nA = []", "A has no list of hosts"),
        ("[secrets]\nA = ['*']", "is every host"),
        ("[secrets]\nA.hosts = ['a.com']\nA.variable = 5", "A names no variable"),
        ("[secrets]\n" + "\n".join(f"A{n} = ['a.com']" for n in range(33)), "more than 32 names"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, text: str, problem: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError, match=problem) as caught:
        find_project(tmp_path, working=tmp_path)
    assert VALUE not in str(caught.value)


def test_policies(tmp_path: Path) -> None:
    """No file, and no ceiling, has a say in them."""
    grants = Grants(secrets=("KEY", "OTHER"))
    task = declared(env_variables=["KEY", "SEEN"])
    policy = resolve(task, Project(tmp_path), grants=grants)
    assert (policy.env_variables, policy.secrets) == (("SEEN",), ("KEY", "OTHER"))
    assert policy.variables == ("SEEN", "KEY", "OTHER")
    policy = resolve(task, Project(tmp_path), CallerLimits(untrusted=True), grants=grants)
    assert (policy.env_variables, policy.secrets) == ((), ("KEY", "OTHER"))
    policy = resolve(task, Project(tmp_path), CallerLimits(no_env=True), grants=grants)
    assert policy.variables == ()
    project = Project(
        tmp_path,
        ceilings=find_project(
            write(tmp_path, "[limits]\nenv_variables = []\nallowed_hosts = []\n"), working=tmp_path
        ).ceilings,
    )
    assert resolve(declared(), project, grants=grants).secrets == ("KEY", "OTHER")
