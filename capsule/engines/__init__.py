"""Batches beyond one machine: `engine=` of `Sandbox.map`, and `--engine` of `capsule run --map`.

`Dask` and `Ray` take clusters that run already, and need the extra of their name. `Local` is this
machine, by the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capsule.engines.dask import Dask
    from capsule.engines.local import Local
    from capsule.engines.ray import Ray

__all__ = ["Dask", "Local", "Ray"]

_HOMES = {"Dask": "dask", "Local": "local", "Ray": "ray"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
