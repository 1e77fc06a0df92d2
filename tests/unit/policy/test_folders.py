"""Folders: what may be written, where it leads, and which grants go together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.policy.folders import (
    FolderGrant,
    combine,
    ground,
    parse_folder,
    relative_parts,
)
from capsule.policy.invalid_value import InvalidValueError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(os.path.realpath(tmp_path))


def grant(guest: str, *, writable: bool, host: str | None = None) -> FolderGrant:
    return FolderGrant(Path("/project" + (host or guest)), guest, writable)


@pytest.mark.parametrize(
    ("value", "guest", "writable"),
    [
        ("./data", "/data", True),
        ("data", "/data", True),
        ("./data/", "/data", True),
        (".//a/./b", "/a/b", True),
        ("with space", "/with space", True),
        ({"path": "./data"}, "/data", True),
        ({"path": "./data", "mode": "read-only"}, "/data", False),
        ({"path": "./data", "mode": "ro"}, "/data", False),
        ({"path": "./data", "mode": "read-write"}, "/data", True),
        ({"path": "./data", "mode": "rw"}, "/data", True),
        (".", "/", True),
    ],
)
def test_rules(value: object, guest: str, writable: bool) -> None:
    rule = parse_folder(value)
    assert (rule.guest, rule.writable) == (guest, writable)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is not a path"),
        ("  ", "is not a path"),
        ("a\0b", "is not a path"),
        ("a\nb", "is not a path"),
        ("x" * 2000, "is not a path"),
        ("/data", "is an absolute path"),
        ("//data", "is an absolute path"),
        ("../data", 'has ".."'),
        ("./a/../b", 'has ".."'),
        ("~/data", 'starts with "~"'),
        ("C:\\data", 'has a "\\"'),
        ("a::b", 'has a "::"'),
        (1, "is not a folder"),
        (None, "is not a folder"),
        (["./data"], "is not a folder"),
        ({}, "has no path"),
        ({"path": 1}, "has no path"),
        ({"mode": "ro"}, "has no path"),
        ({"path": "./a", "mode": "write"}, "'write' is not a mode"),
        ({"path": "./a", "mode": ["ro"]}, "is not a mode"),
        ({"path": "./a", "mode": "RO"}, "'RO' is not a mode"),
        ({"path": "./a", "extra": 1}, "'extra' is not a key"),
        ({1 << 100_000: 1}, "a number of 100001 bits is not a key"),
    ],
)
def test_what_is_no_rule_is_refused(value: object, problem: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_folder(value)
    assert problem in caught.value.message
    assert "; allowed: " in caught.value.message


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"path": "./a", "mode": "readonly"}, '"read-only"'),
        ({"path": "./a", "mode": "RO"}, '"ro"'),
        ({"pth": "./a"}, '"path"'),
    ],
)
def test_slips_get_the_nearest_word(value: object, hint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_folder(value)
    assert caught.value.hint == hint


@given(st.text(max_size=20) | st.text("./~\\: ab", max_size=12))
def test_parts_never_climb(path: str) -> None:
    try:
        parts = relative_parts(path)
    except InvalidValueError:
        return
    assert not {"", ".", ".."} & set(parts)
    assert all("/" not in part and "\0" not in part for part in parts)


def test_ground_finds_the_folder(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    assert ground(parse_folder("./a/b"), root) == FolderGrant(
        root / "a" / "b", "/a/b", writable=True
    )


def test_ground_follows_links_that_stay_inside(root: Path) -> None:
    (root / "store").mkdir()
    (root / "data").symlink_to("store")
    assert ground(parse_folder("./data"), root) == FolderGrant(
        root / "store", "/data", writable=True
    )


@pytest.mark.parametrize("target", ["/", "..", "/etc", "../other"])
def test_ground_refuses_links_that_lead_out(root: Path, target: str) -> None:
    (root / "project").mkdir()
    (root / "other").mkdir()
    (root / "project" / "data").symlink_to(target)
    (root / "project" / "deep").mkdir()
    (root / "project" / "deep" / "data").symlink_to("../data")
    for path in ("./data", "./deep/data"):
        with pytest.raises(InvalidValueError, match="leads out of the project"):
            ground(parse_folder(path), root / "project")


def test_ground_refuses_a_neighbour_with_the_same_beginning(root: Path) -> None:
    (root / "project").mkdir()
    (root / "project2").mkdir()
    (root / "project" / "data").symlink_to("../project2")
    with pytest.raises(InvalidValueError, match="leads out of the project"):
        ground(parse_folder("./data"), root / "project")


def test_ground_refuses_files_and_missing_folders(root: Path) -> None:
    (root / "file").write_text("")
    (root / "loop").symlink_to("loop")
    with pytest.raises(InvalidValueError, match=r"'./file' is a file; allowed: folders"):
        ground(parse_folder("./file"), root)
    (root / "a").mkdir()
    (root / "a" / "file").write_text("")
    with pytest.raises(InvalidValueError) as caught:
        ground(parse_folder("./a/file"), root)
    assert caught.value.hint == "'./a'"
    with pytest.raises(InvalidValueError) as caught:
        ground(parse_folder("./file"), root)
    assert caught.value.hint is None
    with pytest.raises(InvalidValueError, match=r"'./none' does not exist") as caught:
        ground(parse_folder("./none"), root)
    assert caught.value.hint == f"mkdir -p {root / 'none'}"
    with pytest.raises(InvalidValueError, match=r"'./file/sub' does not exist"):
        ground(parse_folder("./file/sub"), root)
    with pytest.raises(InvalidValueError, match=r"'./loop' cannot be looked at"):
        ground(parse_folder("./loop"), root)
    with pytest.raises(InvalidValueError, match="cannot be looked at"):
        ground(parse_folder("x" * 1000), root)


@pytest.mark.parametrize("path", ["./tmp", "./usr/local", "./dev", "./proc/1"])
def test_ground_refuses_the_sandbox_own_folders(root: Path, path: str) -> None:
    (root / path).mkdir(parents=True)
    with pytest.raises(InvalidValueError, match="where the sandbox has its own folder"):
        ground(parse_folder(path), root)


@pytest.mark.parametrize("value", [".", "./", {"path": "./", "mode": "rw"}])
def test_the_whole_project_is_a_view_that_can_only_be_read(root: Path, value: object) -> None:
    assert ground(parse_folder(value), root) == FolderGrant(root, "/", writable=False)


def test_ground_refuses_a_root_that_no_mount_can_name(root: Path) -> None:
    (root / "a::b" / "data").mkdir(parents=True)
    with pytest.raises(InvalidValueError, match='full path has no "::"'):
        ground(parse_folder("./data"), root / "a::b")


def test_combine_drops_repetitions() -> None:
    data = grant("/data", writable=True)
    assert combine([data, data]) == (data,)
    assert combine([grant("/data/in", writable=True), data]) == (data,)


def test_combine_keeps_a_writable_folder_in_a_read_only_one() -> None:
    outer, inner = grant("/data", writable=False), grant("/data/out", writable=True)
    assert combine([inner, outer]) == (outer, inner)


def test_combine_keeps_what_a_link_puts_inside() -> None:
    outer = grant("/data", writable=True)
    linked = grant("/data/link", writable=True, host="/other")
    assert combine([outer, linked]) == (outer, linked)


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        (grant("/a", writable=True), grant("/a", writable=False), "granted twice"),
        (grant("/a", writable=True), grant("/a", writable=True, host="/b"), "granted twice"),
        (
            grant("/a", writable=True),
            grant("/a/b", writable=False),
            "'/a/b' is read-only inside '/a'",
        ),
        (
            grant("/a", writable=True),
            grant("/b", writable=False, host="/a"),
            "'/b' is read-only inside '/a'",
        ),
        (
            grant("/a", writable=True),
            grant("/b", writable=False, host="/a/x"),
            "'/b' is read-only inside '/a'",
        ),
    ],
)
def test_combine_refuses_contradictions(one: FolderGrant, other: FolderGrant, problem: str) -> None:
    for order in ([one, other], [other, one]):
        with pytest.raises(InvalidValueError, match=problem):
            combine(order)
