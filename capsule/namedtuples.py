"""Named tuples that are cheap to define: a start of capsule defines some sixty of them.

`typing.NamedTuple` compiles the text of every annotation, for which nobody asks, and a constructor
for every class. That was 11 ms of a start that takes 50. To a type checker, this one is that one.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


__all__ = ["NamedTuple"]

if TYPE_CHECKING or sys.version_info >= (3, 14):  # where annotations wait until someone asks
    from typing import NamedTuple
else:
    from collections import _tuplegetter

    class _Tuple(tuple):
        """What every named tuple can do."""

        __slots__ = ()
        _fields: tuple[str, ...] = ()
        _field_defaults: dict[str, Any] = {}  # noqa: RUF012 - as namedtuple has it
        _defaults: tuple[Any, ...] = ()

        def __new__(cls, /, *args: Any, **named: Any) -> _Tuple:
            # Some dozens are made for each run.
            if named:
                args = _arguments(cls, args, named)
            elif missing := len(cls._fields) - len(args):
                if 0 < missing <= len(cls._defaults):
                    args += cls._defaults[-missing:]
                else:
                    args = _arguments(cls, args, named)
            return tuple.__new__(cls, args)

        @classmethod
        def _make(cls, values: Any) -> _Tuple:
            return cls(*values)

        def _replace(self, /, **changes: Any) -> _Tuple:
            values, place = list(self), self._fields.index
            try:
                for name, value in changes.items():
                    values[place(name)] = value
            except ValueError:
                unknown = sorted(changes.keys() - set(self._fields))
                raise ValueError(f"Got unexpected field names: {unknown!r}") from None
            return tuple.__new__(type(self), values)

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            shown = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({shown})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    def _arguments(
        cls: type[_Tuple], args: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[Any, ...]:
        """Return one value for each field, as a call of a function with these parameters would."""
        fields, defaults = cls._fields, cls._field_defaults
        rest, left = fields[len(args) :], dict(named)
        if missing := [name for name in rest if name not in named and name not in defaults]:
            raise TypeError(f"{cls.__name__}() needs {', '.join(missing)}")
        made = [left.pop(name) if name in left else defaults[name] for name in rest]
        if unknown := left.keys() - set(fields):
            raise TypeError(f"{cls.__name__}() has no {', '.join(sorted(unknown))}")
        if left or len(args) > len(fields):
            raise TypeError(f"{cls.__name__}() takes each of {', '.join(fields)} once")
        return (*args, *made)

    class _Definition(type):
        """Makes the class statement of a named tuple define one."""

        def __new__(cls, name: str, _: tuple[type, ...], body: dict[str, Any]) -> type:
            fields = tuple(body.get("__annotations__", ()))
            body["_field_defaults"] = {field: body[field] for field in fields if field in body}
            for place, field in enumerate(fields):
                body[field] = _tuplegetter(place, f"Alias for field number {place}")
            body["_defaults"] = tuple(body["_field_defaults"].values())
            body |= {"__slots__": (), "_fields": fields, "__match_args__": fields}
            return type(name, (_Tuple,), body)

    NamedTuple = type.__new__(_Definition, "NamedTuple", (), {})
