"""The examples in the docstrings of the policy layer are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import capsule.policy

MODULES = [module.name for module in pkgutil.iter_modules(capsule.policy.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"capsule.policy.{name}")).failed == 0


def test_there_are_examples() -> None:
    examples = [
        test
        for name in MODULES
        for test in doctest.DocTestFinder().find(importlib.import_module(f"capsule.policy.{name}"))
        if test.examples
    ]
    assert len(examples) >= 15
