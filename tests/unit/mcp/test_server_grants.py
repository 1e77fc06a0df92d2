"""What is granted, by options and a capsule.toml, and how a model is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.errors import CapsuleError
from capsule.mcp.refusal_notes import notes_on
from capsule.mcp.server_grants import ServerGrants, settled
from capsule.mcp.tool_definition import annotation_values, description, rights

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_granted_where_nothing_is_said(tmp_path: Path) -> None:
    granted = settled(ServerGrants(), tmp_path, tmp_path / "home")
    assert rights(granted)[:4] == [
        "Network: none. Every request is refused.",
        "Folders: the private working folder alone; nothing of the user's machine.",
        "Environment variables: none.",
        "Limits of a call: 50,000,000,000 units of compute, 1GB of memory, 50s by the clock.",
    ]
    assert annotation_values(granted)["readOnlyHint"]


def test_all_that_is_granted_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    said = ServerGrants(
        allow_hosts=("*.example.com",),
        mounts=("data:rw",),
        env_names=("API_KEY",),
        packages=("humanize>=4",),
        compute="LOW",
        ram="64MB",
        timeout="5s",
    )
    granted = settled(said, tmp_path, tmp_path / "home")
    text = description(granted)
    for words in (
        "to *.example.com, and nowhere else",
        "/data (read and write)",
        "variables: API_KEY",
        "installed besides: humanize>=4",
        "100,000,000 units of compute, 64MB of memory, 5s by the clock",
    ):
        assert words in text
    assert annotation_values(granted)["destructiveHint"]


def test_secrets_are_told_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "sk-live-7f3a9c51e8"
    (tmp_path / "capsule.toml").write_text(
        "[secrets]\nUNSET = ['a.example.com']\nOTHER = ['b.example.com']\n"
    )
    (tmp_path / ".env").write_text(f"OTHER={value}\n")
    monkeypatch.setenv("MY_KEY", value)
    said = ServerGrants(secrets=("KEY=MY_KEY@api.example.com", "KEY=MY_KEY@localhost:80"))
    granted = settled(said, tmp_path, tmp_path / "home")
    text = description(granted)
    assert "on its way to api.example.com and localhost:80" in text
    assert "Secret OTHER" in text
    assert "UNSET" not in text
    assert value not in text + repr(granted)
    with pytest.raises(CapsuleError, match=r"the variable NONE is set neither here nor in \.env"):
        settled(ServerGrants(secrets=("KEY=NONE@a.com",)), tmp_path, tmp_path / "home")
    with pytest.raises(CapsuleError, match="--secret: KEY has no @HOST"):
        settled(ServerGrants(secrets=(f"KEY={value}",)), tmp_path, tmp_path / "home")


def test_a_capsule_toml_holds_for_what_no_option_says(tmp_path: Path) -> None:
    config = tmp_path / "capsule.toml"
    config.write_text('[tasks]\ndefault_timeout = "3s"\n[limits]\nmax_ram = "128MB"\n')
    policy = settled(ServerGrants(), tmp_path, tmp_path / "home").policy
    assert (policy.timeout_ms, policy.ram) == (3_000, 128 << 20)
    with pytest.raises(CapsuleError, match="128MB"):
        settled(ServerGrants(ram="1GB"), tmp_path, tmp_path / "home")


@pytest.mark.parametrize(
    ("kind", "message", "words"),
    [
        ("timeout", "it took long", ("limit on time", "50s", "--timeout")),
        ("memory_exceeded", "it asked for more", ("limit on memory", "1GB", "--ram")),
        ("fuel_exhausted", "it ran out", ("limit on compute", "HIGH", "--compute")),
        ("sandbox_crashed", "it died", ("Nothing of this call is kept",)),
        ("task_error", "ModuleNotFoundError: No module named 'x'", ("--package",)),
        ("task_error", "it has no allowed_hosts", ("none", "--allow-host")),
    ],
)
def test_a_note_names_the_rule_and_the_option(
    tmp_path: Path, kind: str, message: str, words: tuple[str, ...]
) -> None:
    granted = settled(ServerGrants(), tmp_path, tmp_path / "home")
    (note,) = notes_on({"error_type": kind, "message": message}, granted)  # type: ignore[arg-type]
    assert all(word in note for word in words), note


def test_an_error_of_the_code_itself_has_no_note(tmp_path: Path) -> None:
    granted = settled(ServerGrants(), tmp_path, tmp_path / "home")
    assert notes_on({"error_type": "task_error", "message": "ValueError: 3"}, granted) == []
    assert notes_on(None, granted) == []
