"""What no sandbox may be shown, and what no task may write to: that decides over later runs."""

from __future__ import annotations

import os
from pathlib import Path

from capsule.message_text import printable, shown
from capsule.policy.folders import PROJECT, is_inside
from capsule.policy.invalid_value import InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capsule.policy.folders import FolderGrant


_VENV, _REPOSITORY = "pyvenv.cfg", ".git"
# What git takes for a repository of its own wherever these lie beside each other.
_BARE = ("HEAD", "config", "objects")
# How many entries of its writable folders are looked at, for each task: at most some 3 ms.
MOST_ENTRIES = 2000
_RUNS = "by which the host could run programs"


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
        if grant.guest == PROJECT and _is_hidden_in(state, grant.host):
            continue  # the view of a project leaves it out
        if is_inside(state, grant.host) or is_inside(grant.host, state):
            relation = "holds" if is_inside(state, grant.host) else "is part of"
            raise InvalidValueError(
                shown(f".{grant.guest}"),
                f"{relation} capsule's own state, {printable(str(state))}, which no task may see",
                "folders apart from it",
                hint="CAPSULE_HOME=... names another place for the state",
            )


def _is_hidden_in(path: Path, folder: Path) -> bool:
    return is_inside(path, folder) and any(
        name.startswith(".") for name in path.relative_to(folder).parts
    )


def check_hidden(
    grants: Iterable[FolderGrant], root: Path, mounted: Sequence[FolderGrant] = ()
) -> None:
    """Refuse folders that a task file may not ask for: hidden ones, and programs of the host.

    In `.git`, in `.ssh` and in a virtual environment lie keys, and files that make the host run a
    program. Only the caller, with a mount, may grant them: what lies in one of `mounted`, and asks
    for no more than that gives, has been.
    """
    left = MOST_ENTRIES
    for grant in grants:
        if any(
            is_inside(grant.host, mount.host) and mount.writable >= grant.writable
            for mount in mounted
        ):
            continue
        problem = _problem(grant, root)
        if problem is None and grant.writable:
            problem, left = _problem_below(grant, left)
        if problem is not None:
            raise InvalidValueError(
                shown(f".{grant.guest}"),
                problem,
                "other folders of the project",
                hint=_hint(grant, root),
            )


def _problem_below(grant: FolderGrant, left: int) -> tuple[str | None, int]:
    """Return why only the caller may grant a writable folder for what lies in it, if so.

    At most `left` entries are looked at, those nearest to the folder first, and links are not
    followed. What is left of them comes second.
    """
    level = [str(grant.host)]  # not paths, each of which costs more than looking at an entry
    while level:
        deeper: list[str] = []
        for folder in level:
            names: set[str] = set()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if left <= 0:
                            return None, 0
                        left -= 1
                        names.add(entry.name)
                        if entry.is_dir(follow_symlinks=False):
                            deeper.append(entry.path)
            except OSError:
                continue  # what nobody can list, the task cannot either
            found = _held(names)
            if found is not None:
                place = "".join(f"/{part}" for part in Path(folder).relative_to(grant.host).parts)
                kind, name = found
                held = printable(f".{grant.guest}{place}{name}")
                return f"is writable and holds {held}, {kind}{_RUNS}", left
        level = deeper
    return None, left


def _held(names: set[str]) -> tuple[str, str] | None:
    """Return what makes a folder with such names a danger: its kind, and what of it to name."""
    if _REPOSITORY in names:
        return "", f"/{_REPOSITORY}"
    if _VENV in names:
        return "a virtual environment, ", ""
    if names.issuperset(_BARE):
        return "a git repository, ", ""
    return None


def _problem(grant: FolderGrant, root: Path) -> str | None:
    """Return why only the caller may grant a folder, if so."""
    below = grant.host.relative_to(root).parts
    hidden = "has a name that begins with a dot"
    if any(name.startswith(".") for name in grant.guest.split("/")):
        return f"{hidden}, and only the caller grants such a folder"
    # The name alone does not show it where it is a link.
    leads = "/" + "/".join(below)
    via = "" if leads == grant.guest else f"leads to {printable(f'.{leads}')}, which "
    if any(name.startswith(".") for name in below):
        return f"{via}{hidden}, and only the caller grants such a folder"
    if any((root.joinpath(*below[:end]) / _VENV).exists() for end in range(1, len(below) + 1)):
        return f"{via}is a virtual environment, and only the caller grants such a folder"
    if grant.writable and os.path.lexists(grant.host / _REPOSITORY):
        return f"{via}is writable and holds {_REPOSITORY}, {_RUNS}"
    inside = (root.joinpath(*below[:end]) for end in range(1, len(below) + 1))
    if grant.writable and any(
        all(os.path.lexists(folder / name) for name in _BARE) for folder in inside
    ):
        return f"{via}is writable and part of a git repository, {_RUNS}"
    return None


def _hint(grant: FolderGrant, root: Path) -> str:
    """Return what grants the folder as it was asked for, to who is in this folder."""
    import shlex  # for a refusal alone

    path = f".{grant.guest}" if str(root) == os.path.realpath(os.curdir) else f"{root}{grant.guest}"
    # Without a place inside, it is that of the last name.
    place = f"::{grant.guest}" if grant.guest.count("/") > 1 else ""
    mount = printable(f"{path}{place}{'' if grant.writable else ':ro'}")
    return f"--mount {shlex.quote(mount)}, or mounts= from Python"


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
