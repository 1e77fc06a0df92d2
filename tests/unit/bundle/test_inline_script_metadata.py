"""Inline metadata: the blocks that the PEP describes, and clear errors for all others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.bundle.inline_script_metadata import MAX_BLOCK, Metadata, read_metadata
from capsule.errors import UsageError

# The reference implementation of PEP 723 finds blocks with this.
REFERENCE = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


@pytest.mark.parametrize(
    ("text", "metadata"),
    [
        ("", Metadata()),
        ("x = 1", Metadata()),
        ("# /// script\n# ///\n", Metadata()),
        ("# /// script\n# dependencies = []\n# ///\n", Metadata()),
        ("# /// script\n# dependencies = ['a>=1', 'b']\n# ///", Metadata(("a>=1", "b"))),
        ("#!/usr/bin/env capsule\n# /// script\n#\n# requires-python='>=3.11'\n# ///\n# more",
         Metadata((), ">=3.11")),
        ("# /// script\n# dependencies = [\n#   'a', # why\n# ]\n# [tool.x]\n# y = 1\n# ///\n",
         Metadata(("a",))),
        ("# /// script\n# dependencies = ['a']\nx = 1\n# ///\n", Metadata()),
        ("# /// script\n# dependencies = ['a']", Metadata()),
        (" # /// script\n# dependencies = ['a']\n# ///", Metadata()),
        ("# /// other\n# dependencies = ['a']\n# ///", Metadata()),
        ("# /// scripts\n# dependencies = ['a']\n# ///", Metadata()),
        ("'''\n# /// script\n# dependencies = ['a']\n# ///\n'''", Metadata(("a",))),
    ],
)  # fmt: skip
def test_blocks(text: str, metadata: Metadata) -> None:
    assert read_metadata(text, "t.py") == metadata


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n# /// script\n# a =\n# ///", "t.py:2: `# /// script` block: not TOML: "),
        (
            "# /// script\n# a = " + "[" * 50_000 + "\n# ///",
            "t.py:1: `# /// script` block: not TOML",
        ),
        (
            "# /// script\n# " + ".".join("abcd" * 10) + " = 1\n# ///",
            "block: not TOML that is read here: line 1: a dotted key of more than 32 parts",
        ),
        (
            f"# /// script\n# x = '{'x' * MAX_BLOCK}'\n# ///",
            "block: 65,544 characters; at most 65,536 are read",
        ),
        ("# /// script\n# a = 1\n# ///\nx\n# /// script\n# a = 1\n# ///", "t.py:5: a second"),
        ("# /// script\n# dependencies = 'a'\n# ///", "dependencies: 'a' is not a list of strings"),
        ("# /// script\n# dependencies = [1]\n# ///", "dependencies: [1] is not a list of strings"),
        ("# /// script\n# requires-python = 3.11\n# ///", "requires-python: 3.11 is not a string"),
    ],
)
def test_wrong_blocks(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_metadata(text, "t.py")
    assert message in caught.value.message


LINES = st.sampled_from(
    ["# /// script", "# ///", "#", "# requires-python = '1'", "x = 1", "", "#x", "# /// script "]
)


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_blocks_are_those_of_the_reference(text: str) -> None:
    found = [one for one in REFERENCE.finditer(text) if one["type"] == "script"]
    if len(found) > 1:
        with pytest.raises(UsageError, match="a second"):
            read_metadata(text, "t.py")
        return
    content = found[0]["content"] if found else ""
    toml = "\n".join(line[2:] for line in content.splitlines())
    valid = toml.count("requires-python") <= 1 and "///" not in toml
    if not valid:
        with pytest.raises(UsageError, match="not TOML"):
            read_metadata(text, "t.py")
        return
    assert read_metadata(text, "t.py").requires_python == (
        "1" if "requires-python" in toml else None
    )
