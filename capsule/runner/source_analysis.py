"""Reading sources: what they import and declare, remembered by their content.

Nothing but the bytes of a file, and the Python that parses them, decides what reading it gives. So
it is kept under the hash of the bytes, and which files there are is looked at anew each time.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager

from capsule import direct_json
from capsule.message_text import printable
from capsule.policy.declaration_types import decode, encode
from capsule.runner import parse_cache
from capsule.toolstore.digests import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from capsule.policy.declaration_types import Declarations
    from capsule.process.cancel import Cancellation
    from capsule.runner.parser_process import Findings

# Seconds; from then on it is asked whether the budget is spent.
_MOST_HERE = 1.0

_IMPORTS, _DECLARED = "imports", "declared"


class SourceAnalysis:
    """Reads the sources of one task; the first one that it is asked about is the task file.

    `home` is where it remembers, None for nowhere. Sources of the same bytes in two places, with
    other modules beside them, are told apart by `place`. All of them together have one budget of
    time; what may be costly is read in a process of its own, which `cancellation` ends.
    """

    def __init__(
        self, home: Path | None, place: str, cancellation: Cancellation | None = None
    ) -> None:
        self._home, self._place, self._cancellation = home, place, cancellation
        self._spent = 0.0
        self._findings: dict[str, Findings] = {}
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
            found = self._imports(content, filename)
            self._note(entry, _IMPORTS, found)
        return found

    def declarations(self, content: bytes, filename: str) -> Declarations:
        """Return what a source declares, as `policy.source.read_source` does."""
        entry = self._entry(content)
        try:
            return decode(entry[_DECLARED], printable(filename))
        except (KeyError, TypeError, ValueError):
            found = self._declarations(content, filename)
        encoded = encode(found)
        if _is_json(encoded):
            self._note(entry, _DECLARED, encoded)
        return found

    def _imports(self, content: bytes, filename: str) -> Sequence[str]:
        if (findings := self._elsewhere(content, filename)) is not None:
            return findings.imports(filename)
        from capsule.bundle.imports import imports_of

        with self._measured(filename):
            return imports_of(content, filename)

    def _declarations(self, content: bytes, filename: str) -> Declarations:
        if (findings := self._elsewhere(content, filename)) is not None:
            return findings.declarations(filename)
        from capsule.policy.task_declarations import read_source

        with self._measured(filename):
            return read_source(content, filename)

    @contextmanager
    def _measured(self, filename: str) -> Iterator[None]:
        """Count what is parsed here: a folder may hold thousands of small modules."""
        begin = time.thread_time()
        try:
            yield
        finally:
            self._spent += time.thread_time() - begin
        if self._spent > _MOST_HERE:
            self._refuse_excess(filename)

    def _refuse_excess(self, filename: str) -> None:
        from capsule.runner.parser_process import MAX_SECONDS, too_costly

        if self._spent > MAX_SECONDS:
            raise too_costly(filename)

    def _elsewhere(self, content: bytes, filename: str) -> Findings | None:
        """Return what a process of its own finds in a source; None where it can be read here."""
        from capsule.policy.parse_cost import is_cheap

        if is_cheap(content):
            return None
        from capsule.runner.parser_process import MAX_SECONDS, can_start, read

        if not can_start():
            return None
        digest = sha256(content)
        if digest not in self._findings:
            left = MAX_SECONDS - self._spent
            findings = read(content, filename, left, self._cancellation)
            self._findings[digest] = findings
            self._spent += findings.seconds
        return self._findings[digest]

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
        return bool(direct_json.loads(direct_json.dumps(value)) == value)
    except (TypeError, ValueError, RecursionError):
        return False
