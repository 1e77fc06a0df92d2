"""How capsule's command is run with one build of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class BuildSide(NamedTuple):
    """`command` is what stands before the command's own words; `environ` names the program."""

    command: tuple[str, ...]
    environ: Mapping[str, str]
