"""A project: its root folder, and what its capsule.toml says; without one, nothing is said."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.policy.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.policy.folders import FolderRule
    from capsule.policy.secret_rules import SecretRule

CONFIG_NAME = "capsule.toml"


class Limits(NamedTuple):
    """What one [limits] says; `None` is no ceiling, an empty list allows nothing.

    `max_compute` is in fuel units, `max_ram` in bytes, `max_timeout` in milliseconds. Those with
    `run_` bound a task together with all that it calls. `untrusted` takes away what files ask for.
    """

    max_compute: int | None = None
    max_ram: int | None = None
    max_timeout: int | None = None
    allowed_files: tuple[FolderRule, ...] | None = None
    allowed_hosts: tuple[str, ...] | None = None
    env_variables: tuple[str, ...] | None = None
    run_compute: int | None = None
    run_tasks: int | None = None
    run_timeout: int | None = None
    untrusted: bool = False


class Ceiling(NamedTuple):
    """The [limits] of the capsule.toml at `config`; `root` is its folder, free of links.

    Paths in it are relative to that folder, whatever the project is.
    """

    config: Path
    root: Path
    limits: Limits


_NOTHING_SAID = Options()


class Project(NamedTuple):
    """Where a task belongs, and the rules there.

    `root` is absolute and without symlinks: every folder of a policy is inside it. `config` is the
    capsule.toml that was read, or `None`. `entrypoint` is absolute and may not exist. `ceilings`
    all hold together: those of the files around the task, and around its caller.

    `own` is what policies are read from, besides what lies in the root itself: no task may write
    there. `state` is where capsule keeps its own files, which no task may see. `secrets` are those
    of the files around the caller, and never of those around the task alone.
    """

    root: Path
    config: Path | None = None
    name: str | None = None
    version: str | None = None
    entrypoint: Path | None = None
    defaults: Options = _NOTHING_SAID
    ceilings: tuple[Ceiling, ...] = ()
    own: tuple[Path, ...] = ()
    state: Path | None = None
    secrets: tuple[SecretRule, ...] = ()
