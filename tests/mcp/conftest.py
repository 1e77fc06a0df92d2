"""The toolchain of the other tests: what is called here really runs."""

from __future__ import annotations

from tests.integration.conftest import toolchain_home

__all__ = ["toolchain_home"]
