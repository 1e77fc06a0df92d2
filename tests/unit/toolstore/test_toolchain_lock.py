"""One holder at a time, in whatever process; and none that is dead."""

from __future__ import annotations

import os
import select
import signal
from typing import TYPE_CHECKING

from capsule.toolstore.toolchain_lock import delete_unused, lease, locked, locked_if_free

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.toolstore.conftest import Watcher

    Fork = Callable[[Callable[[], object]], int]


def test_a_free_lock_is_had_without_a_word(tmp_path: Path, watcher: Watcher) -> None:
    with locked(tmp_path / "lock", watcher):
        pass
    with locked(tmp_path / "lock", watcher):
        pass
    assert watcher.notes == []


def test_a_held_lock_is_not_free(tmp_path: Path, watcher: Watcher) -> None:
    with locked(tmp_path / "lock", watcher), locked_if_free(tmp_path / "lock") as held:
        assert not held
    with locked_if_free(tmp_path / "lock") as held:
        assert held


def test_another_process_waits_and_says_so(
    tmp_path: Path, watcher: Watcher, fork: Fork, ended: Callable[[int], int]
) -> None:
    """This process lets go only when it hears that the other one waits."""
    order, said = tmp_path / "order", os.pipe()

    def other() -> None:
        watcher.note = lambda text: os.write(said[1], text.encode())  # type: ignore[method-assign, assignment]
        with locked(tmp_path / "lock", watcher), order.open("a") as file:
            file.write("other")

    with locked(tmp_path / "lock", watcher):
        process = fork(other)
        assert heard(said[0]) == "another capsule is preparing what is needed here, waiting"
        with order.open("a") as file:
            file.write("this, ")
    assert ended(process) == 0
    assert order.read_text() == "this, other"
    for end in said:
        os.close(end)


def test_a_dead_holder_holds_nothing(
    tmp_path: Path, watcher: Watcher, fork: Fork, ended: Callable[[int], int]
) -> None:
    def other() -> None:
        with locked(tmp_path / "lock", watcher):
            os.kill(os.getpid(), signal.SIGKILL)

    assert ended(fork(other)) == -signal.SIGKILL
    with locked_if_free(tmp_path / "lock") as held:
        assert held


def test_a_lock_file_that_was_deleted_keeps_nobody_out(
    tmp_path: Path, watcher: Watcher, fork: Fork, ended: Callable[[int], int]
) -> None:
    """Who waited for it has to take the lock on the file that is there now."""
    path, said = tmp_path / "lock", os.pipe()

    def other() -> None:
        watcher.note = lambda text: os.write(said[1], text.encode())  # type: ignore[method-assign, assignment]
        with locked(path, watcher), locked_if_free(path) as free:
            os._exit(7 if free else 0)

    with locked(path, watcher):
        process = fork(other)
        heard(said[0])
        path.unlink()
    assert ended(process) == 0
    assert path.exists()
    for end in said:
        os.close(end)


def test_a_program_that_is_started_does_not_inherit_it(tmp_path: Path, watcher: Watcher) -> None:
    with locked(tmp_path / "lock", watcher):
        target = (tmp_path / "lock").stat()
        ours = [fd for fd in range(3, 100) if _same(fd, target)]
        assert len(ours) == 1
        assert not os.get_inheritable(ours[0])


def test_a_folder_is_deleted_unless_somebody_uses_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    assert not delete_unused(folder)
    folder.mkdir()
    (folder / "file").write_bytes(b"content")
    one, other = lease(folder), lease(folder)
    assert one is not None
    assert other is not None
    one.release()
    assert not delete_unused(folder)
    assert (folder / "file").read_bytes() == b"content"
    other.release()
    assert delete_unused(folder)
    assert list(tmp_path.iterdir()) == []
    assert lease(folder) is None


def heard(end: int) -> str:
    """Return what another process says, unless it says nothing for a minute."""
    readable, _, _ = select.select([end], [], [], 60)
    assert readable
    return os.read(end, 100).decode()


def _same(handle: int, target: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), target)
    except OSError:
        return False
