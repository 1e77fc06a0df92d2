"""A strict reader of TOML tables: every key is asked for by type, and none may be left over."""

from __future__ import annotations

from capsule.errors import ToolchainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEX = frozenset("0123456789abcdef")


def damaged(where: str, what: str) -> ToolchainError:
    """Return the error for pins that say `what` at `where`."""
    return ToolchainError(f"{where}: {what}", hint="install capsule again: its data is damaged")


class Table:
    """A TOML table; `where` is how errors call it. Every method raises `ToolchainError`."""

    def __init__(self, values: dict[str, Any], where: str) -> None:
        self._values = dict(values)
        self._where = where

    def __repr__(self) -> str:
        return f"<Table {self._where}: unread {sorted(self._values)}>"

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; it may be empty only where there is a default."""
        value: str = self._take(key, str, default)
        if not value and default is None:
            raise damaged(self._where, f"{key} is empty")
        return value

    def whole(self, key: str) -> int:
        """Return a number that counts something."""
        value: int = self._take(key, int)
        if value < 0:
            raise damaged(self._where, f"{key} is {value}, it cannot be negative")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value: bool = self._take(key, bool)
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return an array of strings, none of them empty; it is empty only by its default."""
        values = self._take(key, list, None if default is None else list(default))
        if not values and default is None:
            raise damaged(self._where, f"{key} is empty")
        for value in values:
            if type(value) is not str or not value:
                raise damaged(self._where, f"{key} has {value!r}, not a text")
        return tuple(values)

    def sha256(self, key: str) -> str:
        """Return a SHA-256 in hex."""
        value = self.text(key)
        if len(value) != 64 or not _HEX.issuperset(value):
            raise damaged(self._where, f"{key} is {value!r}, not 64 lower-case hex digits")
        return value

    def hexadecimal(self, key: str) -> bytes:
        """Return bytes that are written in hex."""
        value = self.text(key)
        if len(value) % 2 or not _HEX.issuperset(value):
            raise damaged(self._where, f"{key} is {value!r}, not pairs of lower-case hex digits")
        return bytes.fromhex(value)

    def path(self, key: str) -> str:
        """Return a relative path with forward slashes that stays where it is put."""
        value = self.text(key)
        if any(sign in value for sign in "\\:\0") or {"", ".", ".."} & set(value.split("/")):
            raise damaged(self._where, f"{key} is {value!r}, not a plain relative path")
        return value

    def file(self, key: str) -> str:
        """Return the name of a file, without a folder."""
        value = self.path(key)
        if "/" in value:
            raise damaged(self._where, f"{key} is {value!r}, not a bare file name")
        return value

    def table(self, key: str) -> Table:
        """Return a table inside this one."""
        return Table(self._take(key, dict), f"{self._where}: {key}")

    def tables(self, key: str) -> list[Table]:
        """Return an array of tables."""
        found = []
        for number, entry in enumerate(self._take(key, list), start=1):
            where = f"{self._where}: {key} {number}"
            if not isinstance(entry, dict):
                raise damaged(where, f"{entry!r} is not a table")
            found.append(Table(entry, where))
        return found

    def wrong(self, what: str) -> ToolchainError:
        """Return the error that says `what` of this table."""
        return damaged(self._where, what)

    def done(self) -> None:
        """Say that all keys were read that there may be."""
        if self._values:
            unknown = ", ".join(repr(key) for key in sorted(self._values))
            raise damaged(self._where, f"unknown: {unknown}")

    def _take(self, key: str, kind: type, default: object = None) -> Any:
        value = self._values.pop(key, default)
        if value is None:
            raise damaged(self._where, f"the key {key!r} is missing")
        # Not isinstance: TOML's true is an int to Python.
        if type(value) is not kind:
            raise damaged(self._where, f"{key} is {value!r}, not of type {kind.__name__}")
        return value
