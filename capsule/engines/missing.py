"""The error where an engine's library is not installed: what installs it."""

from __future__ import annotations

from importlib.util import find_spec

from capsule.errors import EngineError

# By the extra: what is looked for, and what it brings. A test holds pyproject.toml to it.
REQUIREMENTS = {
    "dask": ("distributed", "distributed>=2025.1"),
    "ray": ("ray", "ray>=2.50,<3"),
}


def check_installed(extra: str) -> None:
    """Raise `EngineError` where the library of an engine is not there."""
    module, requirement = REQUIREMENTS[extra]
    if find_spec(module) is None:
        raise EngineError(
            f"the engine {extra} needs the package {module}, which is not installed",
            hint=f"pip install '{requirement}', or pip install '.[{extra}]' in a checkout of"
            " capsule",
        )
