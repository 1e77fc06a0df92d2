"""The toolchain of the other tests, for a real run to look at."""

from __future__ import annotations

from tests.integration.conftest import toolchain_home

__all__ = ["toolchain_home"]
