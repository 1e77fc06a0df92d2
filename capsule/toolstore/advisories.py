"""What has been published against wasmtime: which of it concerns a version, and is it unsafe here.

The file lies beside the pins and is no part of them: a new advisory has to compile nothing anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from capsule.errors import ToolchainError
from capsule.toolstore.digests import read_pins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from capsule.toolstore.platform_tag import Machine
    from capsule.toolstore.strict_toml import Table

FORMAT = 1
Version = tuple[int, int, int]
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Advisory:
    """One advisory. `fixed` has the first whole version of each release line.

    `systems` and `machines` are empty where all are meant. `unsafe` is for what lets a task out of
    its sandbox here; `means` says what it means here.
    """

    id: str
    title: str
    fixed: tuple[str, ...]
    unsafe: bool
    means: str
    systems: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The id, or the releases that mend it where none was found."""
        return self.id or f"fixed in {', '.join(self.fixed)}"


def parse(version: str) -> Version:
    """Return a version as numbers; what follows the third is not looked at.

    Raises `ValueError` when it does not begin with three numbers.

    >>> parse("49.0.10"), parse("51.0.0-dev")
    ((49, 0, 10), (51, 0, 0))
    """
    match = _VERSION.match(version)
    if match is None:
        raise ValueError(version)
    return (int(match[1]), int(match[2]), int(match[3]))


def affects(advisory: Advisory, version: str, machine: Machine) -> bool:
    """Say whether an advisory concerns a version on a kind of machine.

    One is affected if it is older than what mends its own release line; a line that nothing mends
    is affected if it is older than the newest that is.
    """
    if advisory.systems and machine.system not in advisory.systems:
        return False
    if advisory.machines and machine.machine not in advisory.machines:
        return False
    asked = parse(version)
    mended = {fix[0]: fix for fix in map(parse, advisory.fixed)}
    if (fix := mended.get(asked[0])) is not None:
        return asked < fix
    return asked[0] < max(mended)


def concerning(known: Iterable[Advisory], version: str, machine: Machine) -> list[Advisory]:
    """Return the advisories that concern a version, those that are unsafe here first."""
    found = [each for each in known if affects(each, version, machine)]
    return sorted(found, key=lambda each: not each.unsafe)


def refuse(found: Iterable[Advisory], version: str, who: str) -> None:
    """Raise `ToolchainError` where one of these makes a version unsafe; `who` begins the message.

    `who` is a program of this version, as in "CAPSULE_WASMTIME names x, which".
    """
    for each in found:
        if each.unsafe:
            *older, newest = each.fixed
            oldest = f"{', '.join(older)} or {newest}" if older else newest
            raise ToolchainError(
                f"{who} is wasmtime {version}: it is unsafe here by {each.name} ({each.title})",
                hint=f"take wasmtime {oldest}, or newer",
            )


def load(file: Path) -> tuple[Advisory, ...]:
    """Read the advisories in `file`.

    Raises `ToolchainError` when it cannot be read or says something that is not understood.
    """
    import tomllib

    from capsule.toolstore.strict_toml import Table, damaged

    try:
        document = tomllib.loads(read_pins(file, "advisories").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise damaged(file.name, f"not TOML: {error}") from error
    top = Table(document, file.name)
    if (found := top.whole("format")) != FORMAT:
        raise damaged(file.name, f"format is {found}, this capsule reads {FORMAT}")
    advisories = tuple(_advisory(entry, file.name) for entry in top.tables("advisory"))
    top.done()
    return advisories


def _advisory(table: Table, where: str) -> Advisory:
    from capsule.toolstore.strict_toml import damaged

    read = Advisory(
        id=table.text("id", default=""),
        title=table.text("title"),
        fixed=table.texts("fixed"),
        unsafe=table.flag("unsafe"),
        means=table.text("means"),
        systems=table.texts("systems", default=()),
        machines=table.texts("machines", default=()),
    )
    table.done()
    for version in read.fixed:
        if _VERSION.fullmatch(version) is None:
            raise damaged(where, f"fixed has {version!r}, not a version of three numbers")
    return read
