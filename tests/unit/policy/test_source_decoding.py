"""Bytes as text: what Python would read, and nothing that shows a reader another program."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.errors import UsageError
from capsule.policy.source_decoding import MAX_SOURCE, decode


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"x = '\xc3\xa9'", "x = '\u00e9'"),
        (b"\xef\xbb\xbfx = 1", "x = 1"),
        ("\ufeffx = 1", "x = 1"),
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"# coding: latin-1\n'\xe9'", "# coding: latin-1\n'\u00e9'"),
        (b"#!/usr/bin/env capsule\n# -*- coding: ISO-8859-1 -*-\n'\xe9'", None),
        (b"\xef\xbb\xbf# coding: utf-8\nx", "# coding: utf-8\nx"),
        (b"# vim: set fileencoding=utf8 :\nx", "# vim: set fileencoding=utf8 :\nx"),
        (b"x = 1\ny = 2\n# coding: utf-7\n", "x = 1\ny = 2\n# coding: utf-7\n"),
        (b"", ""),
    ],
)
def test_text_is_what_python_reads(source: bytes | str, text: str | None) -> None:
    decoded = decode(source, "t.py")
    assert decoded == text if text is not None else decoded.endswith("'\u00e9'")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"a\nb\0", "t.py:2: a NUL character"),
        ("a\nb\0", "t.py:2: a NUL character"),
        ("x = 1".encode("utf-16"), "t.py:1: byte 0xff is not utf-8"),
        (b"a\n\xff", "t.py:2: byte 0xff is not utf-8 (invalid start byte)"),
        (b"# coding: ascii\n\xe9", "t.py:2: byte 0xe9 is not"),
        (b"# coding: utf-7\nx", "a coding comment names utf-7"),
        (b"# coding: rot13\nx", "rot13"),
        (b"# coding: no-such\nx", "unknown encoding: no-such"),
        (b"\n# coding: cp1252\nx", "a coding comment names cp1252"),
        (b"\xef\xbb\xbf# coding: latin-1\nx", "t.py:1: encoding problem"),
        ("a\n'\ud800'", "t.py:2: half of a surrogate pair"),
    ],
)
def test_other_text_is_refused(source: bytes | str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        decode(source, "t.py")
    assert message in caught.value.message


def test_size_is_bounded() -> None:
    assert len(decode(b"#" * MAX_SOURCE, "t.py")) == MAX_SOURCE
    with pytest.raises(UsageError, match=r"t.py has 10,485,761 characters"):
        decode(b"#" * (MAX_SOURCE + 1), "t.py")


def test_names_cannot_write_to_the_terminal() -> None:
    with pytest.raises(UsageError) as caught:
        decode(b"\0", "\x1b[2Jt.py")
    assert "\x1b" not in str(caught.value)


@given(st.binary() | st.binary().map(lambda tail: b"# coding: " + tail))
def test_any_bytes_are_text_or_refused(source: bytes) -> None:
    try:
        text = decode(source, "t.py")
    except UsageError:
        return
    assert "\0" not in text
    assert "\r" not in text
    text.encode()
