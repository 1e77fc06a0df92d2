"""Sessions for agent frameworks, in the frameworks' own types: a module for each, behind an extra.

`code_tool` needs none of them: most frameworks take a function that is typed and documented.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.adapters.code_function import code_tool

__all__ = ["code_tool"]


def __getattr__(name: str) -> object:
    if name != "code_tool":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from capsule.adapters.code_function import code_tool

    return code_tool
