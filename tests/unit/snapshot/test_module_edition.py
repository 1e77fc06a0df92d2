"""Keys hold what stands for capsule's own modules, and it is written down."""

from __future__ import annotations

from capsule.snapshot import fuel_meter
from capsule.snapshot.driver import RECIPE
from capsule.snapshot.guard_module import guard_module
from capsule.snapshot.module_edition import EDITION
from capsule.toolstore.digests import short_id


def test_the_edition_is_that_of_the_modules() -> None:
    made = short_id(guard_module(), RECIPE, fuel_meter.recipe()).encode()
    assert made == EDITION, "write the first to module_edition.py"
