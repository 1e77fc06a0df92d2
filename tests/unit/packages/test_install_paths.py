"""Paths in wheels: what is laid out where, and what is refused."""

from __future__ import annotations

import ntpath
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.packages.install_paths import Places, UnsafePathError, place

ODD = [
    "..",
    ".",
    "",
    "/",
    "\\",
    ":",
    "a",
    "A",
    ".data",
    "x-1.data",
    "purelib",
    "C:",
    " ",
    "\0",
    "é",
]


@pytest.mark.parametrize(
    ("member", "path"),
    [
        ("foo.py", "foo.py"),
        ("foo/bar/data.json", "foo/bar/data.json"),
        ("foo-1.0.dist-info/METADATA", "foo-1.0.dist-info/METADATA"),
        ("foo-1.0.data/purelib/foo/a.py", "foo/a.py"),
        ("foo-1.0.data/platlib/a.py", "a.py"),
        ("foo-1.0.data/scripts/foo", None),
        ("foo-1.0.data/headers/foo.h", None),
        ("foo-1.0.data/data/etc/foo.conf", None),
        ("foo-1.0.data/purelib", None),
        ("foo/__pycache__/a.cpython-315.pyc", None),
        ("foo/__pycache__/notes.txt", None),
        ("foo/old.pyc", None),
        ("foo/old.PYO", None),
        ("foo.data/a.py", "foo.data/a.py"),
    ],
)
def test_where_members_go(member: str, path: str | None) -> None:
    assert place(member) == path


@pytest.mark.parametrize(
    "member",
    [
        *("/etc/passwd", "../a.py", "a/../../b.py", "a//b.py", "./a.py", "a/.", "a/..", ""),
        *("a\\b.py", "..\\b.py", "C:/a.py", "C:a.py", "a.py:stream", "a\0.py", "a\n.py"),
        *("a./b.py", "a /b.py", "a.py.", "nul?.py", "a\u202eyp.exe", "\udc80.py"),
        *("a" * 256, "é" * 128, "/".join("a" * 51), "/".join(["a" * 200] * 6)),
        *("x-1.data/purelib/../../b.py", "x-1.data/scripts/../b.py", "a/__pycache__/../../b.pyc"),
    ],
)
def test_unsafe_paths(member: str) -> None:
    with pytest.raises(UnsafePathError):
        place(member)


@given(st.lists(st.sampled_from([*ODD, "/"]) | st.text(max_size=5), max_size=12).map("".join))
def test_no_path_leads_out(member: str) -> None:
    try:
        path = place(member)
    except UnsafePathError:
        return
    if path is None:
        return
    for system in (posixpath, ntpath):
        assert not system.isabs(path)
        assert not system.splitdrive(path)[0]
        whole = system.normpath(system.join("top", path))
        assert whole.split(system.sep) == ["top", *path.split("/")]


def test_the_same_path_twice() -> None:
    places = Places()
    assert places.take("a/__init__.py", "one 1") is None
    assert places.take("a/__init__.py", "two 2") == "one 1"
    assert places.take("a/other.py", "two 2") is None


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("a/b.py", "a/B.py", "differs only in case from 'a/b.py' of one 1"),
        ("a/b.py", "A/c.py", "differs only in case from 'a' of one 1"),
        ("stra\N{LATIN SMALL LETTER SHARP S}e", "strasse", "differs only in case"),
        ("caf\u00e9.py", "cafe\u0301.py", "differs only in case"),
        ("a", "a/b.py", "lies below a file of one 1"),
        ("a", "A/b/c.py", "lies below a file of one 1"),
        ("a/b.py", "a", "is a folder in one 1"),
        ("a/b/c.py", "A/b", "is a folder in one 1"),
    ],
)
def test_paths_that_cannot_be_there_together(first: str, second: str, problem: str) -> None:
    places = Places()
    places.take(first, "one 1")
    with pytest.raises(UnsafePathError) as caught:
        places.take(second, "two 2")
    assert problem in str(caught.value)


@given(st.lists(st.text("aAbB/", min_size=1, max_size=6), max_size=8))
def test_taken_paths_are_all_files_of_one_tree(paths: list[str]) -> None:
    places = Places()
    taken = set()
    for path in paths:
        try:
            places.take(place(path) or "", "one 1")
        except UnsafePathError:
            continue
        taken.add(path)
    folded = {path.casefold() for path in taken}
    assert len(folded) == len(taken)
    assert not any(one.startswith(f"{other}/") for one in folded for other in folded)
