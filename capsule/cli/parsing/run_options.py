"""What the command line of `run` and `exec` can say."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple


class Options(NamedTuple):
    """What the command line says, as text; `artifact` is whether `file` is an exported task.

    `code` is a source itself and `module` names one, in place of `file`. `allow_hosts`, `env_names`
    and `packages` are granted to such a source, or to one on stdin. `state_file` has the
    session that it is a turn of.
    """

    file: str | None
    args: list[str]
    args_file: str | None = None
    args_json: str | None = None
    code: str | None = None
    module: str | None = None
    allow_hosts: tuple[str, ...] = ()
    env_names: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    stdin: bool = False
    spread: bool = False
    json: bool = False
    result: bool = False
    verbose: bool = False
    quiet: bool = False
    max_fuel: str | None = None
    max_ram: str | None = None
    timeout: str | None = None
    no_net: bool = False
    no_files: bool = False
    no_env: bool = False
    untrusted: bool = False
    mounts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    artifact: bool = False
    map_file: str | None = None
    concurrency: str | None = None
    resume: str | None = None
    engine: str | None = None
    state_file: str | None = None
