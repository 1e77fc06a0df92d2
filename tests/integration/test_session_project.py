"""A session that sees the project: its view is fresh in each turn, and no part of the state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule import CapsuleError, PolicyError, SessionSync
from capsule.sessions import saved_state

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    path = tmp_path / "outside.txt"
    path.write_text("one")
    return path


@pytest.fixture(autouse=True)
def _project(
    tmp_path: Path, outside: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    Path("data.txt").write_text("first")
    Path("link.txt").symlink_to(outside)
    Path("folder").symlink_to(outside.parent)


@pytest.fixture
def session() -> Iterator[SessionSync]:
    with SessionSync(allowed_files=["./"]) as opened:
        yield opened


def test_each_turn_sees_it_as_it_is(session: SessionSync) -> None:
    turn = session.run("open('own.txt', 'w').write('mine')")
    assert [(each.name, each.change) for each in turn.files] == [("own.txt", "new")]
    turn.kept()
    Path("data.txt").write_text("second")
    Path("new.txt").write_text("new")
    turn = session.run("[open(name).read() for name in ('data.txt', 'new.txt', 'own.txt')]")
    assert turn.unwrap() == ["second", "new", "mine"]
    assert turn.files == []
    turn.kept()
    Path("data.txt").unlink()
    assert session.run("import os\n'data.txt' in os.listdir('.')").unwrap() is False


def test_no_link_of_it_is_followed(session: SessionSync, outside: Path, tmp_path: Path) -> None:
    session.run("1").kept()
    outside.write_text("two")
    session.run("2").kept()
    assert outside.read_text() == "two"
    # The state has what the session made, and nothing that a link led to.
    session.run("3").kept()
    session.save("saved.session")
    assert saved_state.read(Path("saved.session")).state.files == {}
    for name in ("link.txt", "folder/evil.txt"):
        with (
            SessionSync(allowed_files=["./"], files={name: b"evil"}) as hostile,
            pytest.raises(CapsuleError, match=f"the file {name} of the session cannot be made"),
        ):
            hostile.run("1")
    assert outside.read_text() == "two"
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize(
    ("mount", "name", "hiding"),
    [
        ("data.txt", "data.txt", "/data.txt"),
        ("data.txt::/in/data.txt:rw", "in/data.txt", "/in"),
        ("data.txt::/in/data.txt", "in/other.txt", "/in"),
        ("../project::/in", "in/data.txt", "/in"),
    ],
)
def test_what_a_mount_would_hide_is_refused(mount: str, name: str, hiding: str) -> None:
    said = f"the file {name} cannot be put into the working folder: {hiding} is mounted there"
    with pytest.raises(PolicyError, match=said):
        SessionSync(mounts=[mount], files={name: b"mine"}).__enter__()
    with SessionSync(mounts=[mount], files={"other.txt": b"mine"}) as session:
        assert session.run("open('other.txt').read()").unwrap() == "mine"


def test_nothing_of_it_is_replaced() -> None:
    with (
        SessionSync(allowed_files=["./"], files={"data.txt": b"mine"}) as session,
        pytest.raises(CapsuleError, match=r"data\.txt of the session cannot be made: File exists"),
    ):
        session.run("1")
    Path("data.txt").unlink()
    with SessionSync(allowed_files=["./"], files={"data.txt": b"mine"}) as session:
        assert session.run("open('data.txt').read()").unwrap() == "mine"
