"""State that somebody else may have written is not used: it is run as whoever calls capsule."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule import Sandbox, run_sync, state_folder
from capsule.cli.commands import doctor_checks
from capsule.errors import ToolchainError
from capsule.progress import Silent
from capsule.toolstore import manage
from capsule.toolstore.open_toolchain import open_toolchain

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of Unix")

SOMEBODY = 12_345
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files to others"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """State with its two folders, below a folder of the user's own."""
    root = tmp_path.resolve() / "above/home"
    (root / "toolchain").mkdir(parents=True)
    (root / "cache/plans").mkdir(parents=True)
    (root / "toolchain/one").mkdir()
    for folder in (root.parent, root, *(path for path in root.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    return root


def test_state_of_ones_own_is_used(home: Path) -> None:
    state_folder.check(home)
    state_folder.check(home / "not" / "there" / "yet")
    state_folder.check(Path("/nothing/at/all"))


@pytest.mark.parametrize("place", ["..", ".", "toolchain", "cache", "cache/plans", "toolchain/one"])
@pytest.mark.parametrize(("mode", "word"), [(0o757, "anybody"), (0o775, "the group")])
def test_what_others_may_write_to_is_refused(
    home: Path, place: str, mode: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = home.parent if place == ".." else home / place
    monkeypatch.setattr(state_folder, "_is_alone", lambda _: False)
    changed.chmod(mode)
    with pytest.raises(ToolchainError) as refused:
        state_folder.check(home)
    owner = pwd.getpwuid(os.geteuid()).pw_name
    assert f"{changed.resolve()} is not used: it belongs to {owner}" in refused.value.message
    assert f"its mode is {mode:04o}, and {word}" in refused.value.message
    recursive = "" if place == ".." else "-R "
    who = "o" if word == "anybody" else "g"
    assert f"chmod {recursive}{who}-w {changed.resolve()}" in str(refused.value)
    assert "CAPSULE_HOME" in str(refused.value)


def test_a_sticky_folder_above_is_fine_and_as_state_it_is_not(home: Path) -> None:
    home.parent.chmod(0o1777)
    state_folder.check(home)
    home.chmod(0o1777)
    with pytest.raises(ToolchainError, match="mode is 1777, and anybody"):
        state_folder.check(home)


@as_root
@pytest.mark.parametrize("place", ["..", ".", "toolchain", "cache"])
def test_state_of_another_owner_is_refused(home: Path, place: str) -> None:
    changed = (home / place).resolve()
    os.chown(changed, SOMEBODY, SOMEBODY)
    with pytest.raises(ToolchainError) as refused:
        state_folder.check(home)
    assert f"{changed} is not used: it belongs to user {SOMEBODY}, its mode is 0755" in str(
        refused.value
    )
    assert f"chown {pwd.getpwuid(0).pw_name} {changed}" in str(refused.value)


@as_root
def test_what_root_owns_is_used_by_others(home: Path) -> None:
    os.seteuid(SOMEBODY)
    try:
        state_folder.check(Path("/usr/lib"))
    finally:
        os.seteuid(0)


@as_root
def test_a_folder_of_another_owner_in_a_sticky_one_is_refused(home: Path) -> None:
    home.parent.chmod(0o1777)
    os.chown(home, SOMEBODY, SOMEBODY)
    with pytest.raises(ToolchainError, match=f"belongs to user {SOMEBODY}"):
        state_folder.check(home)


def test_both_sides_of_a_link_are_looked_at(home: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir(mode=0o755)
    link = tmp_path.resolve() / "links/home"
    link.symlink_to("../above/home")
    state_folder.check(link)
    state_folder.check(link / "toolchain")
    home.parent.chmod(0o757)
    with pytest.raises(ToolchainError, match=f"{home.parent} is not used"):
        state_folder.check(link)
    home.parent.chmod(0o755)
    link.parent.chmod(0o757)
    with pytest.raises(ToolchainError, match=f"{link.parent} is not used"):
        state_folder.check(link)
    link.parent.chmod(0o755)
    absolute = link.with_name("absolute")
    absolute.symlink_to(home)
    state_folder.check(absolute)
    home.chmod(0o777)
    with pytest.raises(ToolchainError, match=f"{home} is not used"):
        state_folder.check(absolute)


@as_root
def test_a_link_of_another_owner_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links").chmod(0o1777)
    link = tmp_path.resolve() / "links/home"
    link.symlink_to(home)
    os.chown(link, SOMEBODY, SOMEBODY, follow_symlinks=False)
    with pytest.raises(ToolchainError, match=f"{link} is not used: it belongs to user {SOMEBODY}"):
        state_folder.check(link)


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    state_folder.check(tmp_path / "one/home")


class Group:
    """An entry of the groups' list."""

    def __init__(self, name: str, *members: str) -> None:
        self.gr_name, self.gr_mem = name, list(members)


@pytest.mark.parametrize(
    ("group", "number", "alone"),
    [
        (Group("me"), 1000, True),
        (Group("me", "me"), 1000, True),
        (Group("me", "me", "root"), 1000, True),
        (Group("me", "somebody"), 1000, False),
        (Group("users"), 1000, False),
        (Group("me"), 1001, False),
        (Group("root"), 0, True),
        (Group("wheel", "root", "somebody"), 0, False),
    ],
)
def test_a_group_of_ones_own(
    group: Group, number: int, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = pwd.struct_passwd(("me", "x", 1000, 1000, "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: me)
    monkeypatch.setattr(grp, "getgrgid", lambda _: group)
    assert state_folder._is_alone(number) is alone


def test_a_group_without_a_name_is_not_ones_own() -> None:
    assert not state_folder._is_alone(4_000_000)


def test_owners_without_a_number_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not state_folder._is_unmapped(SOMEBODY)
    texts = {"0 0 4294967295\n": False, "1000 1000 1\n": True, "0 1000 1\n1 100000 65536\n": True}
    for text, unmapped in texts.items():
        monkeypatch.setattr(Path, "read_text", lambda _, text=text: text)
        assert state_folder._is_unmapped(65534) is unmapped


@pytest.mark.parametrize(
    "use",
    [
        lambda home: open_toolchain(home, progress=Silent()),
        lambda home: manage.install(home, progress=Silent()),
    ],
    ids=["open", "install"],
)
def test_nothing_is_run_or_written_there(home: Path, use: Callable[[Path], object]) -> None:
    home.chmod(0o777)
    with pytest.raises(ToolchainError, match=f"{home} is not used"):
        use(home)
    assert [path.name for path in (home / "toolchain").iterdir()] == ["one"]


def test_doctor_says_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(home))
    assert doctor_checks.look(doctor_checks.state).state == "ok"
    home.chmod(0o777)
    row = doctor_checks.look(doctor_checks.state)
    assert (row.name, row.state) == ("state", "failed")
    assert row.found.startswith(f"{home} is not used: it belongs to ")
    assert row.remedy.startswith(f"chmod -R o-w {home}")


def test_a_python_program_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import capsule

    home.chmod(0o777)
    monkeypatch.setenv("CAPSULE_HOME", str(home))
    (home.parent / "hello.py").write_text("def main(): return 1\n")
    with pytest.raises(ToolchainError, match=f"{home} is not used"):
        capsule.run_sync(home.parent / "hello.py")


def test_a_command_is_told(home: Path) -> None:
    import subprocess

    home.chmod(0o777)
    (home.parent / "hello.py").write_text("def main(): return 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "capsule", "run", "hello.py"],
        env={**os.environ, "CAPSULE_HOME": str(home), "CAPSULE_WORKER": "0"},
        cwd=home.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == ToolchainError.exit_code
    assert f"{home} is not used: it belongs to " in done.stderr
    assert f"chmod -R o-w {home}" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="access lists as Linux keeps them")
def test_an_access_list_is_not_taken_for_the_group(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one, the bits of the group are what anybody in the list may have at most."""
    monkeypatch.setattr(state_folder, "_is_alone", lambda _: True)
    home.chmod(0o770)
    state_folder.check(home)
    monkeypatch.setattr(os, "getxattr", lambda *_: b"\x02\x00\x00\x00")
    with pytest.raises(
        ToolchainError, match=r"access control list may let others.*\n  try: setfacl"
    ):
        state_folder.check(home)


_COMMANDS = [
    ("run", "hello.py"),
    ("inspect", "hello.py"),
    ("build", "hello.py"),
    ("cache", "list"),
    ("cache", "prune"),
    ("ps",),
    ("trace",),
    ("toolchain", "list"),
    ("toolchain", "verify"),
    ("worker",),
]


@pytest.mark.parametrize("words", _COMMANDS, ids="-".join)
def test_every_command_refuses_it_before_it_reads_or_writes_there(
    home: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "hello.py").write_text("def main(): return 1\n")
    (tmp_path / "precious").write_text("content")
    (home / "cache/growth").symlink_to(tmp_path / "precious")
    home.chmod(0o757)
    before = sorted(home.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "capsule", *words],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "CAPSULE_HOME": str(home),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "CAPSULE_SOCKET": str(tmp_path / "s"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{home} is not used" in done.stderr
    assert sorted(home.rglob("*")) == before
    assert (tmp_path / "precious").read_text() == "content"


def test_python_refuses_it_before_it_reads_or_writes_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hello.py").write_text("def main(): return 1\n")
    monkeypatch.setenv("CAPSULE_HOME", str(home))
    home.chmod(0o757)
    before = sorted(home.rglob("*"))
    with pytest.raises(ToolchainError, match="is not used"):
        run_sync(tmp_path / "hello.py")

    async def opened() -> None:
        async with Sandbox(tmp_path / "hello.py"):
            pass

    with pytest.raises(ToolchainError, match="is not used"):
        asyncio.run(opened())
    assert sorted(home.rglob("*")) == before
