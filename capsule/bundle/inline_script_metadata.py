"""Inline script metadata (PEP 723): the `# /// script` block of a task file."""

from __future__ import annotations

from capsule.errors import UsageError
from capsule.message_text import printable, shown
from capsule.namedtuples import NamedTuple

_START = "# /// script"
_END = "# ///"


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
    blocks = _blocks(text.split("\n"))
    if not blocks:
        return Metadata()
    name = printable(filename)
    if len(blocks) > 1:
        raise UsageError(
            f"{name}:{blocks[1][0]}: a second `{_START}` block; the first is at line {blocks[0][0]}"
        )
    line, content = blocks[0]
    return _parse(content, f"{name}:{line}: `{_START}` block")


def _blocks(lines: list[str]) -> list[tuple[int, str]]:
    """Return the line number and the TOML of each block; one that is never closed is none."""
    found = []
    at = 0
    while at < len(lines):
        start = at
        at += 1
        if lines[start] != _START:
            continue
        end = start + 1
        while end < len(lines) and (lines[end] == "#" or lines[end].startswith("# ")):
            end += 1
        # Comments may follow the block at once, so the last closing line among them counts.
        closing = next((i for i in range(end - 1, start + 1, -1) if lines[i] == _END), None)
        if closing is not None:
            found.append((start + 1, "\n".join(line[2:] for line in lines[start + 1 : closing])))
            at = closing + 1
        else:
            at = end
    return found


def _parse(content: str, where: str) -> Metadata:
    import tomllib

    try:
        table = tomllib.loads(content)
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
