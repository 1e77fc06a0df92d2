"""What is left of root's powers in a sandbox process: nothing, or what a granted folder needs."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.confine import capabilities, isolation_layers
from capsule.confine.access import Access
from capsule.confine.capabilities import OWNING, READING, WRITING
from capsule.confine.isolation_layers import IsolationLayers
from capsule.process import posix
from tests.unit.confine.test_landlock import SHELL, confined
from tests.unit.confine.wider_calls import widen

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has capabilities")

SOMEBODY = 12_345
STANDING = isolation_layers.standing()
LAYERS = [STANDING, IsolationLayers(0), IsolationLayers(0, True), STANDING._replace(seccomp=False)]
as_root = pytest.mark.skipif(
    sys.platform != "linux" or not capabilities.permitted() & WRITING or os.geteuid() != 0,
    reason="only root has folders of others",
)


@pytest.fixture(autouse=True)
def _shells(monkeypatch: pytest.MonkeyPatch) -> None:
    widen(monkeypatch)


def status_behind(layers: IsolationLayers, access: Access) -> dict[str, str]:
    """What the kernel says of a process that stands behind `layers`."""

    def spawn(start: Callable[[], int]) -> int:
        return isolation_layers.put_up(layers, access, start)

    with posix.start([str(access.program), "-c", "read _"], {}, spawn) as process:
        text = Path(f"/proc/{process.pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines())


@pytest.mark.parametrize("layers", LAYERS, ids=["walls", "none", "seccomp", "landlock"])
def test_no_capability_is_left(layers: IsolationLayers, tmp_path: Path) -> None:
    before = capabilities.permitted()
    status = status_behind(layers, Access(SHELL, read=(), write=(tmp_path,)))
    for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    # This program, and its other threads, keep theirs.
    assert capabilities.permitted() == before


@as_root
def test_a_program_that_root_starts_gets_none_back() -> None:
    """The kernel gives root's programs all that the bounding set has, but for no new privileges."""
    said: list[str] = []

    def restricted() -> None:
        capabilities.drop()
        reader, writer = os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1)]
        argv = ["sh", "-c", "exec cat /proc/self/status"]
        pid = os.posix_spawn("/bin/sh", argv, {"PATH": "/bin:/usr/bin"}, file_actions=actions)
        os.close(writer)
        with os.fdopen(reader) as text:
            said.append(text.read())
        os.waitpid(pid, 0)

    thread = threading.Thread(target=restricted)
    thread.start()
    thread.join()
    assert "CapPrm:\t0000000000000000" in said[0]


@pytest.fixture
def granted(tmp_path: Path) -> Path:
    """A folder with a file and a folder in it."""
    (tmp_path / "granted/inner").mkdir(parents=True)
    (tmp_path / "granted/file").write_text("content\n")
    return tmp_path / "granted"


def given_to_somebody(*paths: Path, mode: int | None = None) -> None:
    for path in paths:
        os.chown(path, SOMEBODY, SOMEBODY)
        if mode is not None:
            path.chmod(mode)


def reads_and_writes(folder: Path) -> Access:
    return Access(SHELL, read=(), write=(folder,))


def reads(folder: Path) -> Access:
    return Access(SHELL, read=(folder,))


@as_root
def test_a_folder_of_another_owner_is_reached(granted: Path) -> None:
    """As a container's root has it, with a folder of the machine's mounted into it."""
    given_to_somebody(granted / "file", mode=0o600)
    given_to_somebody(granted, granted / "inner", mode=0o700)
    assert capabilities.needed(reads_and_writes(granted)) == WRITING
    script = f"""
read line < {granted}/file && echo "read: $line"
echo x > {granted}/new && echo wrote
echo x >> {granted}/file && echo appended
echo x > {granted}/inner/new && echo inner
"""
    assert confined(script, reads_and_writes(granted)) == b"read: content\nwrote\nappended\ninner\n"
    status = status_behind(STANDING, reads_and_writes(granted))
    assert int(status["CapEff"], 16) == WRITING
    for name in ("CapInh", "CapAmb"):
        assert int(status[name], 16) == 0


@as_root
def test_a_folder_that_is_only_read_takes_less(granted: Path) -> None:
    given_to_somebody(granted, mode=0o700)
    assert capabilities.needed(reads(granted)) == READING
    said = confined(f"read l < {granted}/file && echo $l", reads(granted))
    assert said == b"content\n"
    status = status_behind(STANDING, reads(granted))
    assert int(status["CapEff"], 16) == READING


@as_root
@pytest.mark.parametrize(
    ("changed", "mode", "write", "kept"),
    [
        ("file", 0o600, True, WRITING),
        ("file", 0o600, False, READING),
        ("file", 0o644, False, 0),
        ("file", 0o644, True, WRITING),
        ("inner", 0o755, True, WRITING),
        ("inner", 0o777, True, 0),
        ("inner", 0o1777, True, OWNING),
        ("inner", 0o1777, False, 0),
        (".", 0o755, False, 0),
        (".", 0o755, True, WRITING),
        ("..", 0o700, False, READING),
        ("..", 0o700, True, READING),
        ("..", 0o711, True, 0),
    ],
)
def test_what_is_kept(granted: Path, changed: str, mode: int, write: bool, kept: int) -> None:
    given_to_somebody(granted / changed, mode=mode)
    access = reads_and_writes(granted) if write else reads(granted)
    assert capabilities.needed(access) == kept


@as_root
@pytest.mark.parametrize(("write", "kept"), [(True, WRITING), (False, READING)])
def test_what_is_not_looked_at_may_be_anothers(
    granted: Path, write: bool, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what a program reaches would depend on how many files lie beside it."""
    access = reads_and_writes(granted) if write else reads(granted)
    monkeypatch.setattr(capabilities, "_ENTRIES", 2)
    assert capabilities.needed(access) == 0
    (granted / "inner/one_more").write_text("")
    assert capabilities.needed(access) == kept


@as_root
def test_a_link_out_of_the_folder_keeps_nothing(granted: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    given_to_somebody(tmp_path / "secret", mode=0o600)
    (granted / "link").symlink_to("../secret")
    assert capabilities.needed(reads_and_writes(granted)) == 0


@as_root
def test_what_is_read_only_of_the_callers_own_stays_so(granted: Path) -> None:
    (granted / "file").chmod(0o444)
    assert capabilities.needed(reads_and_writes(granted)) == 0
    said = confined(f"echo x > {granted}/file && echo wrote; echo end", reads_and_writes(granted))
    assert said == b"end\n"


def test_who_has_none_needs_none(granted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "permitted", lambda: 0)
    granted.chmod(0)
    try:
        assert capabilities.needed(reads_and_writes(granted)) == 0
    finally:
        granted.chmod(0o700)


def test_a_container_may_have_one_of_the_two(
    granted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers give their root the right to write as the owner, and with it that to read."""
    monkeypatch.setattr(capabilities, "permitted", lambda: WRITING)
    granted.chmod(0)
    try:
        assert capabilities.needed(reads(granted)) == WRITING
    finally:
        granted.chmod(0o700)


def test_a_refusal_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def refuse(_: int) -> None:
        raise OSError(1, "capabilities")

    def start() -> int:
        started.append(1)
        return 1

    monkeypatch.setattr(capabilities, "drop", refuse)
    with pytest.raises(OSError, match="capabilities"):
        isolation_layers.put_up(IsolationLayers(0), Access(SHELL, read=()), start)
    assert started == []
