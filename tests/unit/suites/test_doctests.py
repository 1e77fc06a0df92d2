"""The examples in the docstrings of the suites."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["benchmarks", "case"])
def test_examples_hold(name: str) -> None:
    failures, count = doctest.testmod(importlib.import_module(f"scripts.suites.{name}"))
    assert (failures, count > 0) == (0, True)
