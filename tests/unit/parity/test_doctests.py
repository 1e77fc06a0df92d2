"""The examples in the parity suite's docstrings."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from scripts import parity

MODULES = sorted(path.stem for path in Path(str(parity.__file__)).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(f"scripts.parity.{name}"))
    assert failures == 0
