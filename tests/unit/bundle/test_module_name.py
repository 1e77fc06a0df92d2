"""Names of entry modules."""

from __future__ import annotations

import keyword
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.bundle.module_name import module_name


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("hello", "hello"),
        ("_private", "_private"),
        ("caf\u00e9", "caf\u00e9"),
        ("my-task", "my_task"),
        ("my task.v2", "my_task_v2"),
        ("2nd", "_2nd"),
        ("\u00b2nd", "task__nd"),
        ("", "_"),
        ("\ud800", "_"),
        ("class", "class_"),
        ("json", "json_"),
        ("capsule", "capsule_"),
        ("__main__", "__main___"),
        ("__init__", "__init___"),
    ],
)
def test_module_name(stem: str, name: str) -> None:
    assert module_name(stem) == name


@given(st.text())
def test_any_stem_makes_a_name_that_can_be_imported(stem: str) -> None:
    name = module_name(stem)
    assert name.isidentifier()
    assert not keyword.iskeyword(name)
    assert name not in sys.stdlib_module_names
    name.encode()
