"""The guard by itself: what it refuses, what it lets pass, and what it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.confine.guard_words import PRIVATE, READ_ONLY, WRITABLE
from capsule.confine.scratch import MAX_BYTES, MAX_ENTRIES, MAX_FILE
from capsule.process.argv import BUDGET_DIGITS, SEAL_DIGITS
from capsule.snapshot.guard_layout import (
    ACCES,
    BADF,
    BORROWED,
    EXIST,
    FBIG,
    INVAL,
    ISDIR,
    MAX_OPEN,
    MFILE,
    NOENT,
    NOSPC,
    NOTHING_OPEN,
    NOTSOCK,
    O_CREAT,
    O_EXCL,
    O_TRUNC,
    PERM,
    PIECE,
    XDEV,
)
from capsule.snapshot.guard_names import DEVICES
from tests.integration.guard_caller import FREE, READ, WRITE, Caller, Loaded

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

FIRST, SECOND = 3, 4
NOTDIR = 54
MIB = 1 << 20


@pytest.fixture
def caller(wasmtime: Path, tmp_path: Path) -> Caller:
    (tmp_path / "modules").mkdir()
    return Caller(wasmtime, tmp_path / "modules")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file and a folder in it."""
    folder = tmp_path / "folder"
    (folder / "inner" / "inner").mkdir(parents=True)
    (folder / "file").write_text("content")
    (folder / "inner" / "file").write_text("content")
    return folder


def names(caller: Caller, folder: Path, paths: list[str | bytes], rules: str) -> list[int]:
    stat = caller.room(64)
    for path in paths:
        caller.call("path_filestat_get", FIRST, 0, *caller.text(path), stat)
    return caller.run([(folder, READ_ONLY)], rules)[0]


def test_names_that_lead_elsewhere(caller: Caller, folder: Path) -> None:
    lead_out = ["/file", "/", "..", "../folder", "inner/../..", "./../x", "a/b/../../..", "..//"]
    plain = ["file", "./file", "inner//file", "inner/../file", "inner/./file", "inner/", ".", "..."]
    found = names(caller, folder, [*lead_out, "a\0b", *plain], "p")
    assert found == [PERM] * len(lead_out) + [INVAL] + [0] * (len(plain) - 1) + [NOENT]


def test_names_as_windows_reads_them(caller: Caller, folder: Path) -> None:
    devices = [device.decode() for device in DEVICES]
    elsewhere = [
        *("c:", "c:file", "file:stream", "inner\\file", "\\", "..\\x", "a|b", "a?", "a*", "a<b"),
        *("file.", "file ", "inner./file", "inner /file", "...", "a\x01b", 'a"b', "inner/x\ty"),
        *devices,
        *(device.lower() for device in devices),
        *(f"inner/{device}.txt" for device in devices),
        *(f"{device}/x" for device in devices),
        *("nul .txt", "Con.a.b", "com1  ", "aux  .x", "lpt9.tar.gz"),
    ]
    plain = [
        *("file", "inner/file", "inner/../file", "./file", "inner/."),
        *("con1", "xcon", "console", "com", "com10", "null", "a.con", "nu l", "com\u2074"),
        *("conin", "xconout$", "conout$x", " con", "a b", "auxiliary.txt", "\u00e9\u00fc", "co.m1"),
    ]
    found = names(caller, folder, [*elsewhere, *plain], "w")
    refused = dict(zip(elsewhere, found[: len(elsewhere)], strict=True))
    assert {name: answer for name, answer in refused.items() if answer != INVAL} == {}
    passed = dict(zip(plain, found[len(elsewhere) :], strict=True))
    assert {name: answer for name, answer in passed.items() if answer not in (0, NOENT)} == {}


def test_these_names_are_plain_elsewhere(caller: Caller, folder: Path) -> None:
    for name in ("c:file", "in\\file", "nul", "file.", "file "):
        (folder / name).touch()
    found = names(caller, folder, ["c:file", "in\\file", "nul", "file.", "file "], "p")
    assert found == [0] * 5


def change(caller: Caller, at: int | Loaded, other: int) -> int:
    """Try each way to change something in a folder; return how many there were."""
    file, new, here = caller.text("file"), caller.text("new"), caller.text(".")
    ways: list[tuple[str, tuple[int | Loaded, ...]]] = [
        ("path_open", (at, 1, *file, 0, READ | WRITE, 0, 0, caller.room())),
        ("path_open", (at, 1, *file, 0, WRITE, 0, 1, caller.room())),
        ("path_open", (at, 1, *file, 0, READ | 1 << 22, 0, 0, caller.room())),
        ("path_open", (at, 1, *file, O_TRUNC, READ, 0, 0, caller.room())),
        ("path_open", (at, 1, *new, O_CREAT, READ, 0, 0, caller.room())),
        ("path_open", (at, 1, *new, O_CREAT | O_EXCL, READ, 0, 0, caller.room())),
        ("path_create_directory", (at, *new)),
        ("path_remove_directory", (at, *caller.text("inner"))),
        ("path_unlink_file", (at, *file)),
        ("path_rename", (at, *file, at, *new)),
        ("path_rename", (at, *file, other, *new)),
        ("path_rename", (other, *file, at, *new)),
        ("path_link", (at, 0, *file, at, *new)),
        ("path_link", (at, 0, *file, other, *new)),
        ("path_link", (other, 0, *file, at, *new)),
        ("path_symlink", (*file, at, *new)),
        ("path_filestat_set_times", (at, 0, *file, 0, 0, 5)),
        ("fd_filestat_set_times", (at, 0, 0, 5)),
        ("path_filestat_set_times", (at, 0, *here, 0, 0, 5)),
    ]
    for name, values in ways:
        caller.call(name, *values)
    return len(ways)


def everything(folder: Path) -> dict[str, tuple[int, ...]]:
    return {
        str(path): (status.st_size, status.st_mtime_ns, status.st_nlink)
        for path in [folder, *folder.rglob("*")]
        for status in [path.stat()]
    }


def test_a_folder_that_is_only_read(caller: Caller, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    before = everything(folder)
    inner = caller.open(FIRST, "inner")
    count = change(caller, FIRST, SECOND) + change(caller, inner, SECOND)
    file = caller.open(FIRST, "file", O_CREAT)
    caller.moves("read", file, 100)
    caller.moves("write", file, 100)
    caller.moves("write", file, 100, offset=0)
    caller.call("fd_filestat_set_size", file, 0)
    found = caller.run([(folder, READ_ONLY), (other, WRITABLE)])[0]
    assert set(found[1 : count + 1]) == {ACCES, PERM}
    assert [found[0], *found[count + 1 :]] == [0, 0, 0, BADF, BADF, BADF]
    assert everything(folder) == before
    assert [path.name for path in other.iterdir()] == ["file"]


def test_what_is_wrong_with_a_name_comes_first(
    caller: Caller, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    missing, deep, file, new = map(caller.text, ("missing", "no/new", "file", "new//"))

    def opened(name: tuple[int, int], flags: int, rights: int) -> None:
        caller.call("path_open", FIRST, 1, *name, flags, rights, 0, 0, caller.room())

    opened(missing, 0, WRITE)
    opened(deep, O_CREAT, WRITE)
    opened(missing, O_CREAT, WRITE)
    opened(caller.text("inner"), 0, WRITE)
    opened(file, O_CREAT | O_EXCL, READ)
    caller.call("path_unlink_file", FIRST, *missing)
    caller.call("path_remove_directory", FIRST, *missing)
    caller.call("path_create_directory", FIRST, *caller.text("inner"))
    caller.call("path_create_directory", FIRST, *deep)
    caller.call("path_create_directory", FIRST, *new)
    caller.call("path_create_directory", FIRST, *caller.text("file/new"))
    caller.call("path_rename", FIRST, *missing, SECOND, *new)
    caller.call("path_rename", SECOND, *missing, FIRST, *new)
    caller.call("path_rename", SECOND, *file, FIRST, *new)
    caller.call("path_link", SECOND, 0, *missing, FIRST, *new)
    caller.call("path_link", SECOND, 0, *file, FIRST, *file)
    caller.call("path_link", SECOND, 0, *file, FIRST, *missing)
    answers = caller.run([(folder, READ_ONLY), (other, WRITABLE)])[0]
    assert answers[:5] == [NOENT, NOENT, ACCES, ISDIR, EXIST]
    assert answers[5:11] == [NOENT, NOENT, EXIST, NOENT, ACCES, NOTDIR]
    assert answers[11:] == [NOENT, NOENT, ACCES, NOENT, EXIST, ACCES]


def test_a_folder_of_the_user_is_written(caller: Caller, folder: Path) -> None:
    file = caller.open(FIRST, "new", O_CREAT, READ | WRITE)
    written = caller.moves("write", file, 100)
    caller.call("fd_filestat_set_size", file, MAX_BYTES + 1)
    caller.call("path_rename", FIRST, *caller.text("new"), FIRST, *caller.text("renamed"))
    caller.call("path_unlink_file", FIRST, *caller.text("file"))
    answers, dump = caller.run([(folder, WRITABLE)], dump=(written, 4))
    assert (answers, dump) == ([0] * 5, (100).to_bytes(4, "little"))
    assert (folder / "renamed").stat().st_size == MAX_BYTES + 1
    assert not (folder / "file").exists()


def test_a_descriptor_that_nobody_opened(caller: Caller, folder: Path) -> None:
    for number in (SECOND, 63, 1023, 1024, 1 << 31, (1 << 32) - 1):
        caller.open(number, "file")
        caller.moves("write", number, 1)
        caller.call("fd_filestat_set_size", number, 1)
        caller.call("path_unlink_file", number, *caller.text("file"))
        caller.call("fd_close", number)
    answers = caller.run([(folder, WRITABLE)])[0]
    assert set(answers) == {BADF}


def test_a_number_that_was_closed_is_what_it_is_opened_as(caller: Caller, folder: Path) -> None:
    first = caller.open(FIRST, "inner")
    caller.call("fd_close", first)
    second = caller.open(SECOND, "inner")
    caller.open(second, "new", O_CREAT, WRITE)
    caller.call("fd_close", second)
    caller.open(second, "newer", O_CREAT, WRITE)
    third = caller.open(FIRST, "inner")
    caller.open(third, "newest", O_CREAT, WRITE)
    answers = caller.run([(folder, READ_ONLY), (folder, WRITABLE)])[0]
    assert answers == [0, 0, 0, 0, 0, BADF, 0, ACCES]


def test_so_many_are_open_at_once(caller: Caller, folder: Path) -> None:
    opened = [caller.open(FIRST, "file") for _ in range(MAX_OPEN + 2)]
    caller.call("fd_close", opened[0])
    caller.open(FIRST, "file")
    answers = caller.run([(folder, READ_ONLY)])[0]
    assert answers == [0] * MAX_OPEN + [MFILE, MFILE, 0, 0]


def test_whether_nothing_is_open(caller: Caller, folder: Path) -> None:
    described = caller.room(24)

    def asked() -> None:
        caller.call("fd_fdstat_get", NOTHING_OPEN, described)

    caller.put(described, -1)
    caller.put(described + 8, -1)
    asked()
    first = caller.open(FIRST, "file")
    asked()
    second = caller.open(FIRST, "file")
    caller.call("fd_close", first)
    asked()
    caller.call("fd_close", second)
    asked()
    answers, said = caller.run([(folder, READ_ONLY)], dump=(described, 24))
    assert answers == [0, 0, BADF, 0, 0, BADF, 0, 0]
    # A character device without a right.
    assert said == b"\2" + bytes(23)


def test_a_file_may_have_the_number_of_a_folder_that_was_closed(
    caller: Caller, folder: Path
) -> None:
    described = caller.room(24)
    caller.call("fd_close", SECOND)
    caller.call("fd_fdstat_get", NOTHING_OPEN, described)
    opened = caller.open(FIRST, "file")
    caller.call("fd_fdstat_get", NOTHING_OPEN, described)
    caller.call("fd_fdstat_get", opened, described)
    answers = caller.run([(folder, READ_ONLY), (folder, READ_ONLY)])[0]
    assert answers == [0, BADF, 0, BADF, 0]


def test_the_interpreter_sees_no_words(caller: Caller, folder: Path) -> None:
    place = caller.room(8)
    caller.put(place, 7)
    caller.put(place + 4, 7)
    caller.call("args_sizes_get", place, place + 4)
    caller.call("args_get", place, place)
    answers, dump = caller.run([(folder, READ_ONLY)], dump=(place, 8))
    assert (answers, dump) == ([0, 0], bytes(8))


def test_nothing_of_the_words_is_left_in_memory(caller: Caller, folder: Path) -> None:
    size = BUDGET_DIGITS + SEAL_DIGITS + 64
    assert caller.run([(folder, READ_ONLY)], dump=(BORROWED, size))[1] == bytes(size)


def test_there_are_no_sockets(caller: Caller, folder: Path) -> None:
    caller.call("sock_accept", FIRST, 0, FREE)
    caller.call("sock_recv", FIRST, FREE, 0, 0, FREE, FREE)
    caller.call("sock_send", FIRST, FREE, 0, 0, FREE)
    caller.call("sock_shutdown", FIRST, 0)
    assert caller.run([(folder, READ_ONLY)])[0] == [NOTSOCK] * 4


def test_much_is_moved_in_pieces(caller: Caller, folder: Path) -> None:
    size = 2 * PIECE + 5
    file = caller.open(FIRST, "large", O_CREAT, READ | WRITE)
    counts = [
        caller.moves("write", file, size),
        caller.moves("write", file, size, offset=size),
        caller.moves("read", file, 2 * size, offset=0),
        caller.moves("read", file, 2 * size, offset=size + 1),
        caller.moves("read", file, 0),
    ]
    answers, dump = caller.run([(folder, PRIVATE)], dump=(counts[0], counts[-1] + 4 - counts[0]))
    assert answers == [0] * 6
    moved = [int.from_bytes(dump[at - counts[0] :][:4], "little") for at in counts]
    assert moved == [size, size, 2 * size, size - 1, 0]
    assert (folder / "large").stat().st_size == 2 * size


def test_random_bytes_in_pieces(caller: Caller, folder: Path) -> None:
    end = (16 << 20) + 2 * PIECE
    caller.call("random_get", 16 << 20, 2 * PIECE + 8)
    caller.call("random_get", 16 << 20, 0)
    answers, dump = caller.run([(folder, READ_ONLY)], dump=(end - 8, 24))
    assert answers == [0, 0]
    assert dump[:16] != bytes(16)
    assert dump[16:] == bytes(8)


def fill(caller: Caller, name: str, size: int) -> Loaded:
    """Make a file of so many bytes: two answers."""
    file = caller.open(FIRST, name, O_CREAT, READ | WRITE)
    caller.call("fd_filestat_set_size", file, size)
    return file


def test_a_file_is_bounded(caller: Caller, folder: Path) -> None:
    file = fill(caller, "large", MAX_FILE)
    caller.call("fd_filestat_set_size", file, MAX_FILE + 1)
    caller.moves("write", file, 100, offset=MAX_FILE - 99)
    caller.moves("write", file, 100, offset=1 << 40)
    caller.moves("write", file, 100, offset=MAX_FILE - 100)
    assert caller.run([(folder, PRIVATE)])[0] == [0, 0, FBIG, FBIG, FBIG, 0]
    assert (folder / "large").stat().st_size == MAX_FILE


def test_all_bytes_are_bounded_and_what_goes_makes_room(caller: Caller, folder: Path) -> None:
    half = MAX_BYTES // 2
    kept = fill(caller, "a", half)
    fill(caller, "b", half)
    more = caller.open(FIRST, "c", O_CREAT, READ | WRITE)
    caller.moves("write", more, 1)  # full
    caller.moves("write", kept, 100, offset=half - 100)  # nothing new
    caller.call("path_unlink_file", FIRST, *caller.text("b"))  # still open
    caller.moves("write", more, 1)
    caller.call("path_unlink_file", FIRST, *caller.text("a"))
    caller.call("fd_close", kept)  # now it is gone
    caller.moves("write", more, 1)
    caller.call("fd_filestat_set_size", more, half + 1)
    caller.call("fd_filestat_set_size", more, half)
    caller.moves("write", more, 1)
    caller.open(FIRST, "c", O_TRUNC, WRITE)
    caller.moves("write", more, 1)
    answers = caller.run([(folder, PRIVATE)])[0]
    assert answers == [
        *(0, 0, 0, 0, 0),
        *(NOSPC, 0),
        *(0, NOSPC),
        *(0, 0, 0),
        *(FBIG, 0, 0),
        *(0, 0),
    ]


def test_a_name_more_holds_nothing_and_the_last_one_all(caller: Caller, folder: Path) -> None:
    half = MAX_BYTES // 2
    for name in ("a", "b"):
        caller.call("fd_close", fill(caller, name, half))
    caller.call("path_link", FIRST, 0, *caller.text("a"), FIRST, *caller.text("c"))
    caller.call("path_unlink_file", FIRST, *caller.text("a"))
    file = caller.open(FIRST, "d", O_CREAT, WRITE)
    caller.moves("write", file, 1)
    caller.call("path_rename", FIRST, *caller.text("c"), FIRST, *caller.text("b"))
    caller.moves("write", file, 1)
    caller.call("path_rename", FIRST, *caller.text("b"), FIRST, *caller.text("b"))
    caller.call("path_unlink_file", FIRST, *caller.text("b"))
    caller.call("path_create_directory", FIRST, *caller.text("e"))
    answers = caller.run([(folder, PRIVATE)])[0]
    assert answers == [0] * 9 + [NOSPC] + [0] * 5


def test_what_is_appended_counts(caller: Caller, folder: Path) -> None:
    for number in range(2):
        caller.call(
            "fd_close", fill(caller, f"{number}", MAX_BYTES // 2 - (16 * MIB if number else 0))
        )
    number = caller.room(4)
    caller.call("path_open", FIRST, 0, *caller.text("log"), O_CREAT, WRITE, 0, 1, number)
    for _ in range(17):
        caller.moves("write", Loaded(number), MIB)
    assert caller.run([(folder, PRIVATE)])[0] == [0] * 7 + [0] * 16 + [NOSPC]
    assert (folder / "log").stat().st_size == 16 * MIB


def test_two_descriptors_of_a_file_are_counted_as_one(caller: Caller, folder: Path) -> None:
    half = MAX_BYTES // 2
    caller.call("fd_close", fill(caller, "full", half))
    first = fill(caller, "mine", half - 300)
    second = caller.open(FIRST, "mine", 0, READ | WRITE)
    for _ in range(3):  # over each other
        caller.moves("write", first, 100, offset=half - 300)
        caller.moves("write", second, 100, offset=half - 300)
    caller.moves("write", first, 100, offset=half - 200)
    caller.call("fd_filestat_set_size", second, half - 300)
    for _ in range(2):  # at the end, which is where it was
        caller.moves("write", first, 100, offset=half - 300)
        caller.call("fd_filestat_set_size", second, half - 300)
    caller.open(FIRST, "mine", O_TRUNC, WRITE)
    caller.moves("write", first, 100, offset=half - 100)
    caller.moves("write", first, 1, offset=half)
    caller.moves("write", second, 1, offset=half - 1)
    other = caller.open(FIRST, "other", O_CREAT, WRITE)
    caller.moves("write", other, 1)
    answers = caller.run([(folder, PRIVATE)])[0]
    assert answers[6:] == [0] * 6 + [0] * 2 + [0] * 4 + [0, 0, FBIG, 0, 0, NOSPC]


def test_moves_between_the_users_folders_and_the_runs_own(
    caller: Caller, folder: Path, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    (users / "folder").mkdir(parents=True)
    with (users / "large").open("wb") as file:
        file.truncate(MAX_FILE)
    with (users / "larger").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    (users / "linked").touch()
    (users / "again").hardlink_to(users / "linked")

    def move(old: int, name: str, new: int, other: str = "") -> None:
        caller.call("path_rename", old, *caller.text(name), new, *caller.text(other or name))

    opened = caller.open(SECOND, "large", 0, READ | WRITE)
    move(SECOND, "large", FIRST)
    move(SECOND, "larger", FIRST)
    move(SECOND, "linked", FIRST)
    move(SECOND, "folder", FIRST)
    move(FIRST, "inner", SECOND)
    caller.call("path_link", FIRST, 0, *caller.text("file"), SECOND, *caller.text("new"))
    caller.moves("write", opened, 1, offset=MAX_FILE)  # it is the run's now
    fill(caller, "half", MAX_BYTES // 2)
    caller.call("path_create_directory", SECOND, *caller.text("made"))
    move(FIRST, "large", SECOND, "back")
    caller.moves("write", opened, 1, offset=MAX_FILE)  # and now the user's
    fill(caller, "other", MAX_BYTES // 2)
    answers = caller.run([(folder, PRIVATE), (users, WRITABLE)])[0]
    assert answers == [0, 0, FBIG, XDEV, XDEV, XDEV, XDEV, FBIG, 0, 0, 0, 0, 0, 0, 0]
    assert (users / "back").stat().st_size == MAX_FILE + 1


def test_entries_are_bounded(caller: Caller, folder: Path) -> None:
    file = caller.open(FIRST, "f", O_CREAT, WRITE)
    for number in range(MAX_ENTRIES - 1):
        caller.call("path_link", FIRST, 0, *caller.text("f"), FIRST, *caller.text(f"{number}"))
    caller.call("path_link", FIRST, 0, *caller.text("f"), FIRST, *caller.text("x"))
    caller.call("path_create_directory", FIRST, *caller.text("x"))
    caller.open(FIRST, "x", O_CREAT, WRITE)
    caller.open(FIRST, "0", O_CREAT, WRITE)  # it is there
    caller.call("path_unlink_file", FIRST, *caller.text("1"))
    caller.call("path_create_directory", FIRST, *caller.text("x"))
    caller.call("path_create_directory", FIRST, *caller.text("y"))
    caller.call("path_remove_directory", FIRST, *caller.text("x"))
    caller.call("path_create_directory", FIRST, *caller.text("y"))
    caller.call("fd_close", file)
    answers = caller.run([(folder, PRIVATE)])[0]
    assert set(answers[:MAX_ENTRIES]) == {0}
    assert answers[MAX_ENTRIES:] == [NOSPC, NOSPC, NOSPC, 0, 0, 0, NOSPC, 0, 0, 0]
