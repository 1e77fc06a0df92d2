"""The digest of a bundle: the same for the same content, another for anything else."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.bundle import collect, contents, imports, inline_script_metadata, module_name
from capsule.bundle.contents import Bundle, digest_of

FILES = st.dictionaries(st.text("ab/.", max_size=4), st.binary(max_size=4), max_size=4)


@given(FILES, FILES)
def test_digests_are_equal_exactly_when_files_are(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    assert (digest_of(one, "a") == digest_of(other, "a")) == (one == other)


def test_the_order_of_files_does_not_count() -> None:
    assert digest_of({"a": b"1", "b": b"2"}, "a") == digest_of({"b": b"2", "a": b"1"}, "a")


def test_the_entry_counts() -> None:
    files = {"a.py": b"import b", "b.py": b"import a"}
    assert digest_of(files, "a") != digest_of(files, "b")


def test_the_digest_is_stable() -> None:
    """Snapshots are kept under this: when it has to change, the format's number changes too."""
    assert digest_of({"a.py": b"x"}, "a") == (
        "cdfc6a852b2c54f82957fa2754d5542b9d5f3a77335ef401fddcc1bdbff444c6"
    )


def test_the_entry_file() -> None:
    assert Bundle({}, "my_task", frozenset(), "").entry_file == "my_task.py"


@pytest.mark.parametrize(
    "module", [collect, contents, imports, inline_script_metadata, module_name]
)
def test_examples(module: object) -> None:
    done = doctest.testmod(module)  # type: ignore[arg-type]
    assert done.attempted > 0
    assert done.failed == 0
