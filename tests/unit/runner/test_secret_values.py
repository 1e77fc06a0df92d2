"""Values and placeholders of one run: whence they come, and what they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ConfigError, PolicyError, UsageError
from capsule.policy.secret_rules import SecretRule
from capsule.runner.secret_values import (
    check_hidden,
    in_force,
    is_identity,
    new_identity,
    placeholder_of,
    places_of,
    with_values,
)

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "sk-live-7f3a9c51e8"


def rule(folder: Path, variable: str = "KEY", **more: object) -> SecretRule:
    return SecretRule("KEY", ("a.example.com",), variable, folder)._replace(**more)  # type: ignore[arg-type]


def test_placeholders_are_of_a_run_and_a_name() -> None:
    one, other = new_identity(), new_identity()
    assert one != other
    assert placeholder_of(one, "A") == placeholder_of(one, "A")
    assert (
        len({placeholder_of(run, name) for run in (one, other) for name in ("A", "B", "AB")}) == 6
    )
    # As it is in a header, a query, JSON and HTML, and never base64.
    assert json.dumps(placeholder_of(one, "A")).strip('"').replace("-", "").isalnum()
    assert "-" in placeholder_of(one, "A")


@pytest.mark.parametrize(
    "text", ["", "0" * 31, "0" * 33, "0" * 31 + "A", "0" * 31 + "\n", 5, None, []]
)
def test_what_is_no_identity(text: object) -> None:
    assert not is_identity(text)
    assert is_identity(new_identity())


def test_where_values_come_from(tmp_path: Path) -> None:
    project, below = tmp_path / "project", tmp_path / "project" / "a" / "b"
    below.mkdir(parents=True)
    (project / "capsule.toml").touch()
    (project / ".env").write_text(f"KEY={VALUE}\nOTHER=other-value\n")
    (below / ".env").write_text("KEY=not-of-this-file\n")
    identity = new_identity()

    def value(asked: SecretRule, **environ: str) -> str:
        (secret,) = with_values([asked], environ, identity)
        assert secret.placeholder == placeholder_of(identity, "KEY")
        return secret.value

    assert value(rule(below)) == VALUE
    assert value(rule(below, "OTHER")) == "other-value"
    assert value(rule(below), KEY="of-the-environment") == "of-the-environment"
    assert value(rule(below, value="said-itself"), KEY="of-the-environment") == "said-itself"
    assert places_of([rule(below)], {}) == {"KEY": "in .env"}
    assert places_of([rule(below)], {"KEY": ""}) == {"KEY": "set here"}
    assert places_of([rule(below, "NONE")], {}) == {"KEY": "not set"}
    assert places_of([rule(below, value=VALUE)], {}) == {"KEY": "given"}


def test_values_that_are_not_there(tmp_path: Path) -> None:
    assert with_values([rule(tmp_path, is_optional=True)], {}, new_identity()) == ()
    with pytest.raises(
        UsageError, match=f"the variable KEY is set neither here nor in .env of {tmp_path}"
    ):
        with_values([rule(tmp_path)], {}, new_identity())
    with pytest.raises(UsageError) as caught:
        with_values([rule(tmp_path, VALUE)], {}, new_identity())
    assert VALUE not in str(caught.value)
    for optional, kind in ((True, ConfigError), (False, UsageError)):
        with pytest.raises(kind, match="secret KEY has a value of 5 characters"):
            with_values([rule(tmp_path, is_optional=optional)], {"KEY": "short"}, new_identity())


def test_the_callers_own_come_first(tmp_path: Path) -> None:
    own, around = rule(tmp_path, "MINE"), rule(tmp_path, "AROUND")
    other = around._replace(name="OTHER")
    assert in_force([own], [around, other]) == (own, other)


def test_a_variable_that_shows_one(tmp_path: Path) -> None:
    secrets = with_values([rule(tmp_path)], {"KEY": VALUE}, new_identity())
    check_hidden({"A": "a", "B": VALUE[:-1]}, secrets, "main")
    with pytest.raises(PolicyError, match="task 'main': env_variables: 'B' would show") as caught:
        check_hidden({"A": "a", "B": f"x{VALUE}"}, secrets, "main")
    assert VALUE not in str(caught.value)
