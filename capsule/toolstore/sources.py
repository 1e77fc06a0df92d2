"""Where the parts of a toolchain come from. The defaults are the real places."""

from __future__ import annotations

import os

from capsule.namedtuples import NamedTuple
from capsule.paths import toolchain_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Protocol

    from capsule.progress import Progress
    from capsule.toolstore.pins import Wheel
    from capsule.toolstore.platform_tag import Machine
else:
    Protocol = object


class Fetch(Protocol):
    """What brings a wheel: `fetch.fetch`, or something that stands in for an index."""

    def __call__(self, wheel: Wheel, staging: Path, progress: Progress) -> Path:
        """Put the wheel into a new folder below `staging` and return the file."""


class ToolchainSources(NamedTuple):
    """The pins and advisories to go by, the environment, and the kind of machine.

    `fetch` is None for the user's own pip; `machine` is None for the one that this process is on.
    """

    pins: Path = toolchain_data() / "pins.toml"
    environ: Mapping[str, str] = os.environ
    fetch: Fetch | None = None
    machine: Machine | None = None
    advisories: Path = toolchain_data() / "advisories.toml"
