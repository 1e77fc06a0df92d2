"""What no sandbox may be shown, and what no task may write to: that decides over later runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.message_text import printable, shown
from capsule.policy.folders import is_inside
from capsule.policy.invalid_value import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capsule.policy.folders import FolderGrant


def places(path: Path) -> tuple[Path, ...]:
    """Return where something lies: by its own name, and what that is a link to."""
    return (Path(os.path.realpath(path.parent), path.name), Path(os.path.realpath(path)))


def check_state(grants: Iterable[FolderGrant], state: Path | None) -> None:
    """Refuse a folder that holds capsule's own state, or is a part of it.

    There is native code in it that nothing checks again, and what other tasks left.
    """
    if state is None:
        return
    state = Path(os.path.realpath(state))
    for grant in grants:
        if is_inside(state, grant.host) or is_inside(grant.host, state):
            relation = "holds" if is_inside(state, grant.host) else "is part of"
            raise InvalidValueError(
                shown(f".{grant.guest}"),
                f"{relation} capsule's own state, {printable(str(state))}, which no task may see",
                "folders apart from it",
                hint="CAPSULE_HOME=... names another place for the state",
            )


def check_own(grants: Iterable[FolderGrant], own: Sequence[Path]) -> None:
    """Refuse a writable folder that holds one of `own`: what a task's policy is read from.

    Around a task file a capsule.toml could be written too, nearer to it than the one with the
    ceilings.
    """
    for grant in grants:
        held = [path for path in own if grant.writable and is_inside(path, grant.host)]
        if held:
            folder = shown(f".{grant.guest}")
            raise InvalidValueError(
                folder,
                f"is writable and holds {printable(str(held[0]))}, by which the task could change"
                " its policy for the next run",
                "writable folders without the task's own code, capsule.toml and .env",
                hint=f'{{"path": {folder}, "mode": "read-only"}}',
            )
