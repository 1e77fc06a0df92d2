"""Where the states of sessions lie, while many are opened at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from capsule.sessions.state_file import Contents
from capsule.sessions.state_store import FOLDER, StateStore

if TYPE_CHECKING:
    from pathlib import Path


def opened(home: Path) -> bool:
    store = StateStore(home)
    store.hold()
    state = Contents("0" * 16, "1" * 16, 16 << 20, 1, (), (), {"working/a": b"content"})
    try:
        return store.read(store.write(state)).files == state.files
    finally:
        store.release()


def test_sessions_that_are_opened_at_once_keep_their_folders(tmp_path: Path) -> None:
    """Each deletes what nobody uses, and another's folder is nobody's for a moment."""
    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(lambda _: opened(tmp_path), range(400)))
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_what_a_killed_program_had_begun_to_delete_is_deleted(tmp_path: Path) -> None:
    left = tmp_path / FOLDER / f".new-{'0' * 32}-{'1' * 16}"
    left.mkdir(parents=True, mode=0o700)
    (left / "memory.state").write_bytes(b"of a session")
    assert opened(tmp_path)
    assert list((tmp_path / FOLDER).iterdir()) == []
