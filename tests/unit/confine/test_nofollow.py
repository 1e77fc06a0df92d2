"""Files in a folder that a sandbox sees are made and read there, whatever it does meanwhile."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from capsule import PolicyError
from capsule.confine.nofollow import create_below, create_folder_below, open_below
from capsule.confine.scratch import Scratch, scratch
from capsule.errors import WireError
from capsule.sessions import scratch_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="making a link takes rights there")

_IN_THE_WAY = "File exists|Not a directory|Too many levels of symbolic links"
# By the name of a file: what is done as it is opened, and no earlier.
_MEANWHILE: dict[str, Callable[[], object]] = {}


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _MEANWHILE:
        name = str(arguments[0]).rpartition("/")[2]
        if (todo := _MEANWHILE.pop(name, None)) is not None:
            todo()


@pytest.fixture
def folders() -> Iterator[Scratch]:
    with scratch() as made:
        yield made


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def _moves(folders: Scratch, outside: Path) -> None:
    """Have a link stand where the folder of `x` was, as `x` is opened in it."""

    def move() -> None:
        (folders.working / "in").rename(folders.working / "away")
        (folders.working / "in").symlink_to(outside)

    sys.addaudithook(_audit)
    _MEANWHILE["x"] = move


@pytest.mark.usefixtures("_moves")
def test_what_a_run_is_given_stays_where_it_was_looked_at(folders: Scratch, outside: Path) -> None:
    folders.put({"in/x": b"content"})
    assert not _MEANWHILE
    assert list(outside.iterdir()) == []
    assert (folders.working / "away" / "x").read_bytes() == b"content"


@pytest.mark.usefixtures("_moves")
def test_so_do_the_files_of_a_session(folders: Scratch, outside: Path) -> None:
    scratch_files.lay_out(folders, {"working/in/x": b"content"}, frozenset())
    assert not _MEANWHILE
    assert list(outside.iterdir()) == []
    assert (folders.working / "away" / "x").read_bytes() == b"content"


@pytest.mark.usefixtures("_moves")
def test_what_a_session_keeps_is_read_where_it_was_looked_at(
    folders: Scratch, outside: Path
) -> None:
    (folders.working / "in").mkdir()
    (folders.working / "in" / "y").write_bytes(b"the session's")
    (outside / "y").write_bytes(b"the host's")
    _MEANWHILE["y"] = _MEANWHILE.pop("x")
    found = scratch_files.look(folders, frozenset())
    assert scratch_files.read(found, {}, {}) == {"working/in/y": b"the session's"}
    assert not _MEANWHILE
    # From now on a link is there.
    with pytest.raises(WireError, match="'working/in/y' cannot be kept: Not a directory"):
        scratch_files.read(found, {}, {})


def test_links_are_in_the_way(folders: Scratch, outside: Path) -> None:
    (folders.working / "link").symlink_to(outside)
    (folders.working / "file").symlink_to(outside / "target")
    for name in ("link/x", "link/in/x", "link", "file", "file/x"):
        with pytest.raises(PolicyError, match=f"the file {name} cannot be put into"):
            folders.put({name: b"evil"})
        with pytest.raises(OSError, match=_IN_THE_WAY):
            create_below(folders.working, name)
        with pytest.raises(OSError, match=_IN_THE_WAY):
            open_below(folders.working, name)
    with pytest.raises(OSError, match=_IN_THE_WAY):
        create_folder_below(folders.working, "link/in")
    assert list(outside.iterdir()) == []
    assert scratch_files.look(folders, frozenset()) == {}


def test_only_files_are_read(folders: Scratch) -> None:
    os.mkfifo(folders.working / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OSError, match="it is no regular file"):
            open_below(folders.working, name)


def test_files_and_folders_are_made_once(folders: Scratch) -> None:
    create_folder_below(folders.working, "a/b")
    create_folder_below(folders.working, "a/b")
    with create_below(folders.working, "a/b/c/x") as file:
        file.write(b"first")
    with pytest.raises(FileExistsError):
        create_below(folders.working, "a/b/c/x")
    with open_below(folders.working, "a/b/c/x") as file:
        assert file.read() == b"first"
