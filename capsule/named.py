"""Named tuples that are cheap to define: a start of capsule defines some sixty of them.

`typing.NamedTuple` compiles the text of every annotation, for which nobody asks. That was 8 ms of a
start that takes 50. To a type checker, this one is that one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]

if TYPE_CHECKING or sys.version_info >= (3, 14):  # where annotations wait until someone asks
    from typing import NamedTuple
else:
    from collections import namedtuple

    class _Definition(type):
        """Makes the class statement of a named tuple define one."""

        def __new__(cls, name: str, _: tuple[type, ...], body: dict[str, Any]) -> type:
            fields = body.pop("__annotations__", {})
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            made.__annotations__ = fields
            for key, value in body.items():
                setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Definition, "NamedTuple", (), {})
