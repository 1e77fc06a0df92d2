"""Reading sources: what they import and declare, remembered by their content.

Nothing but the bytes of a file, and the Python that parses them, decides what reading it gives. So
it is kept under the hash of the bytes, and which files there are is looked at anew each time.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from capsule.message_text import printable
from capsule.policy.declaration_types import Declarations, TaskDeclaration
from capsule.runner import parse_cache
from capsule.toolstore.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_IMPORTS, _DECLARED = "imports", "declared"


class SourceAnalysis:
    """Reads the sources of one task; the first one that it is asked about is the task file.

    `home` is where it remembers, None for nowhere. Sources of the same bytes in two places, with
    other modules beside them, are told apart by `place`.
    """

    def __init__(self, home: Path | None, place: str) -> None:
        self._home, self._place = home, place
        self._key: str | None = None
        self._known: dict[str, Any] = {}
        self._used: dict[str, dict[str, Any]] = {}
        self._new = False

    def __repr__(self) -> str:
        return f"<Reader of {len(self._used)} sources>"

    def imports(self, content: bytes, filename: str) -> Sequence[str]:
        """Return what a source imports, as `bundle.imports.imports_of` does."""
        entry = self._entry(content)
        found = entry.get(_IMPORTS)
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            from capsule.bundle.imports import imports_of

            found = imports_of(content, filename)
            self._note(entry, _IMPORTS, found)
        return found

    def declarations(self, content: bytes, filename: str) -> Declarations:
        """Return what a source declares, as `policy.source.read_source` does."""
        entry = self._entry(content)
        try:
            return _decoded(entry[_DECLARED], printable(filename))
        except (KeyError, TypeError, ValueError):
            from capsule.policy.task_declarations import read_source

        found = read_source(content, filename)
        encoded = _encoded(found)
        if _is_json(encoded):
            self._note(entry, _DECLARED, encoded)
        return found

    def finish(self) -> None:
        """Remember what was new."""
        if self._new and self._home is not None and self._key is not None:
            parse_cache.keep(self._home, self._key, self._used)

    def _entry(self, content: bytes) -> dict[str, Any]:
        if self._home is not None and self._key is None:
            self._key = parse_cache.key(
                "source", sys.version.encode(), os.fsencode(self._place), content
            )
            self._known = parse_cache.recall(self._home, self._key) or {}
        digest = sha256(content)
        if digest not in self._used:
            known = self._known.get(digest)
            self._used[digest] = known if isinstance(known, dict) else {}
        return self._used[digest]

    def _note(self, entry: dict[str, Any], key: str, value: object) -> None:
        entry[key] = value
        self._new = True


def toml_reader(home: Path | None) -> Callable[[str], dict[str, object]] | None:
    """Return what reads TOML and remembers it in `home`; None without one."""
    if home is None:
        return None

    def parse(text: str) -> dict[str, object]:
        key = parse_cache.key("toml", sys.version.encode(), text.encode())
        known = parse_cache.recall(home, key)
        if known is not None:
            return known
        from capsule.bounded_toml import loads

        table = loads(text)
        if _is_json(table):  # dates are not
            parse_cache.keep(home, key, table)
        return table

    return parse


def _is_json(value: object) -> bool:
    """Say whether JSON can say a value: options may hold tuples, or keys that are no texts."""
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def _encoded(found: Declarations) -> list[Any]:
    main = found.plain_main
    return [[_row(task) for task in found.tasks], None if main is None else _row(main)]


def _row(task: TaskDeclaration) -> list[Any]:
    return [task.name, task.function, task.line, task.is_async, dict(task.options)]


def _decoded(value: Any, filename: str) -> Declarations:
    tasks, main = value
    return Declarations(
        filename,
        tuple(_declared(row, filename) for row in tasks),
        None if main is None else _declared(main, filename),
    )


def _declared(row: Any, filename: str) -> TaskDeclaration:
    name, function, line, is_async, options = row
    kinds = (str, str, int, bool, dict)
    if any(type(value) is not kind for value, kind in zip(row, kinds, strict=True)):
        raise TypeError(row)
    return TaskDeclaration(name, function, filename, line, is_async, options)
