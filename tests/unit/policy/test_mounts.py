"""Mounts: what a caller can type, and what it stands for on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.policy.folders import FolderGrant
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.mounts import (
    MountRule,
    check_places,
    ground_mount,
    parse_mount,
    parse_mount_table,
)

HERE = Path("/home/me/project")


@pytest.mark.parametrize(
    ("text", "host", "guest", "writable"),
    [
        ("./data", "data", "/data", None),
        ("data/", "data", "/data", None),
        ("data:ro", "data", "/data", False),
        ("data:rw", "data", "/data", True),
        ("./a/b", "a/b", "/b", None),
        ("./a/b::/in", "a/b", "/in", None),
        ("./a::in/x:ro", "a", "/in/x", False),
        ("/srv/data", "/srv/data", "/data", None),
        ("/srv/data::/x/y/", "/srv/data", "/x/y", None),
        ("../other", "../other", "/other", None),
        ("../../shared/in.csv:ro", "../../shared/in.csv", "/in.csv", False),
        (".git:ro", ".git", "/.git", False),
        ("..", "..", "", None),
        (".", ".", "", None),
        ("a b/c d", "a b/c d", "/c d", None),
        ("a:b", "a:b", "/a:b", None),
        ("a:xx", "a:xx", "/a:xx", None),
        ("C:\\data::/in", "C:\\data", "/in", None),
        ("~/x", "~/x", "/x", None),
    ],
)
def test_mounts(text: str, host: str, guest: str, writable: bool | None) -> None:
    assert parse_mount(text, HERE) == MountRule(HERE / host, guest, writable)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ":ro",
        "::x",
        "a::",
        "a::/",
        "a::.",
        "a::b::c",
        "a::in:rx",
        "a::../b",
        "a\0b",
        "a\nb",
        "x" * 5_000,
    ],
)
def test_what_is_no_mount_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="allowed: "):
        parse_mount(text, HERE)


def test_tables() -> None:
    assert parse_mount_table({"path": "x", "mode": "read-only"}, HERE) == MountRule(
        HERE / "x", "/x", writable=False
    )
    assert parse_mount_table({"path": "/a/x"}, HERE) == MountRule(Path("/a/x"), "/x")
    for table in ({"path": 5}, {"mode": "ro"}, {"path": "x", "mode": "w"}, {"paht": "x"}):
        with pytest.raises(InvalidValueError):
            parse_mount_table(table, HERE)


@given(st.text(max_size=30) | st.text("./:ab~rwo", max_size=20))
def test_any_text_is_a_mount_or_refused(text: str) -> None:
    try:
        rule = parse_mount(text, HERE)
    except InvalidValueError:
        return
    assert rule.host.is_absolute()
    assert not rule.guest or rule.guest.startswith("/")
    assert ".." not in rule.guest.split("/")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    root = Path(os.path.realpath(tmp_path))
    for name in ("project", "shared/deep", ".hidden"):
        (root / name).mkdir(parents=True)
    (root / "shared" / "in.csv").write_text("a,b")
    (root / "link").symlink_to("shared/in.csv")
    os.mkfifo(root / "pipe")
    return root


def grounded(text: str, place: Path) -> FolderGrant:
    return ground_mount(parse_mount(text, place / "project"))


def test_folders_and_files_are_found_wherever_they_are(place: Path) -> None:
    shared = place / "shared"
    assert grounded("../shared", place) == FolderGrant(shared, "/shared", writable=True)
    assert grounded(f"{shared}:ro", place) == FolderGrant(shared, "/shared", writable=False)
    assert grounded("../.hidden", place).guest == "/.hidden"
    assert grounded(".", place) == FolderGrant(place / "project", "/project", writable=True)
    assert grounded("../shared/deep/..", place).guest == "/shared"
    file = FolderGrant(shared / "in.csv", "/in.csv", writable=False, is_file=True)
    assert grounded("../shared/in.csv", place) == file
    assert grounded("../shared/in.csv:rw", place) == file._replace(writable=True)
    assert grounded("../link::/x/y.csv", place) == file._replace(guest="/x/y.csv")
    assert grounded("../link", place).guest == "/link"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("none", "does not exist"),
        ("../shared/in.csv/x", "does not exist"),
        ("../pipe", "is no folder and no regular file"),
        ("/", "has no name to be mounted under"),
        ("../shared::/tmp", "would be /tmp inside"),
        ("../shared::/usr/x", "would be /usr/x inside"),
        ("/dev/null", "is no folder and no regular file"),
        ("x" * 300, "cannot be looked at"),
    ],
)
def test_what_cannot_be_mounted_is_said(place: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidValueError, match=problem):
        grounded(text, place)


def test_a_mode_with_a_slip_is_told(place: Path) -> None:
    with pytest.raises(InvalidValueError) as caught:
        grounded("../shared:rx", place)
    assert caught.value.hint == "shared:ro or shared:rw"


def test_a_tilde_that_no_shell_replaced_is_told(place: Path) -> None:
    with pytest.raises(InvalidValueError) as caught:
        grounded("~/data", place)
    assert caught.value.hint == "a shell replaces ~ where a word begins with it: --mount ~/data"


@pytest.mark.parametrize(
    ("file", "other"),
    [("/a/in.csv", "/a"), ("/a", "/a/deep"), ("/a", "/a"), ("/a/b/c", "/a")],
)
def test_a_file_is_beside_folders(place: Path, file: str, other: str) -> None:
    one = FolderGrant(place / "shared" / "in.csv", file, writable=False, is_file=True)
    folder = FolderGrant(place / "shared", other, writable=True)
    for grants in ([one, folder], [folder, one]):
        with pytest.raises(InvalidValueError, match=r"one inside of the other|granted twice"):
            check_places(grants)
    check_places([one, folder._replace(guest="/elsewhere")])
    check_places([one, one._replace(guest="/b.csv")])
    check_places([one, one])
