"""What the command line of `run` and `exec` can say."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple


class Options(NamedTuple):
    """What the command line says, as text; `artifact` is whether `file` is an exported task."""

    file: str | None
    args: list[str]
    args_file: str | None = None
    args_json: str | None = None
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
    artifact: bool = False
    map_file: str | None = None
    concurrency: str | None = None
    resume: str | None = None
