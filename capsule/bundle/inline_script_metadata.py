"""Inline script metadata (PEP 723): the `# /// script` block of a task file."""

from __future__ import annotations

from itertools import islice

from capsule.errors import UsageError
from capsule.message_text import printable, shown
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Those that exist have some hundred characters, and some thousand where tools keep theirs there.
MAX_BLOCK = 64 << 10

_START = "# /// script"
_END = "# ///"
# The first line, and all comments that follow it.
_BLOCK = rf"(?m)^{_START}\n(?P<comments>(?:#(?: [^\n]*+)?+(?:\n|\Z))*+)"


class Metadata(NamedTuple):
    """What a script says it needs, as it is written: nothing is resolved or checked yet."""

    dependencies: tuple[str, ...] = ()
    requires_python: str | None = None


def read_metadata(text: str, filename: str) -> Metadata:
    """Return the metadata of a source whose lines end in `\\n`.

    Raises `UsageError` when there are two blocks, or one that is not what the PEP describes.

    >>> read_metadata('# /// script\\n# dependencies = ["idna"]\\n# ///\\n', "t.py").dependencies
    ('idna',)
    """
    # The usual case: no block, and no reason to look at each line or to import tomllib.
    if _START not in text:
        return Metadata()
    found = list(islice(_blocks(text), 2))
    if not found:
        return Metadata()
    name = printable(filename)
    (line, content), *others = found
    if others:
        raise UsageError(
            f"{name}:{others[0][0]}: a second `{_START}` block; the first is at line {line}"
        )
    return _parse(content, f"{name}:{line}: `{_START}` block")


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and the TOML of each block; one that is never closed is none."""
    import re

    # Found in place: lines as objects of their own would take sixty times the memory of the text.
    for block in re.finditer(_BLOCK, text):
        # Comments may follow the block at once, so the last closing line among them counts.
        comments = block["comments"]
        end = f"\n{comments}\n".rfind(f"\n{_END}\n")
        if end > 0:
            yield text.count("\n", 0, block.start()) + 1, comments[: end - 1]


def _parse(comments: str, where: str) -> Metadata:
    from capsule.bounded_toml import TomlBoundError, loads

    if len(comments) > MAX_BLOCK:
        raise UsageError(
            f"{where}: {len(comments):,} characters; at most {MAX_BLOCK:,} are read",
            hint="keep data in a file, not in the source",
        )
    try:
        table = loads("\n".join(line[2:] for line in comments.split("\n")))
    except TomlBoundError as wrong:
        raise UsageError(f"{where}: not TOML that is read here: {wrong}") from None
    except (ValueError, RecursionError) as wrong:  # TOMLDecodeError is a ValueError
        raise UsageError(f"{where}: not TOML: {printable(str(wrong))}") from None
    dependencies = table.get("dependencies", [])
    if not isinstance(dependencies, list) or not all(isinstance(d, str) for d in dependencies):
        raise UsageError(
            f"{where}: dependencies: {shown(dependencies)} is not a list of strings",
            hint='dependencies = ["name>=1.0"]',
        )
    requires_python = table.get("requires-python")
    if requires_python is not None and not isinstance(requires_python, str):
        raise UsageError(
            f"{where}: requires-python: {shown(requires_python)} is not a string",
            hint='requires-python = ">=3.11"',
        )
    return Metadata(tuple(dependencies), requires_python)
