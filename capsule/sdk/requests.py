"""From what a program names to what the runner takes: a task's source, and a call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.policy.caller_limits import caller_limits, caller_secrets, limits_of_call, mount_rules
from capsule.runner import prepare
from capsule.runner.source import read_artifact, read_file
from capsule.sdk.said_values import list_of, path_of, switch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from capsule.policy.caller_limits import Limits, Mount
    from capsule.policy.secret_rules import SecretsSaid
    from capsule.process.cancel import Cancellation
    from capsule.runner.source import Source

ARTIFACT = ".wasm"


def source_of(
    file: str | os.PathLike[str],
    cwd: str | os.PathLike[str] | None,
    home: Path,
    cancellation: Cancellation | None = None,
) -> Source:
    """Read a task file, or an artifact by its ending; relative to `cwd`, else the working folder.

    `home` is where what was read is remembered. `cancellation` ends what takes long.

    Raises `CapsuleError` when it is none, or its project's capsule.toml is wrong.
    """
    working = working_folder(cwd)
    # What can be no name at all is no folder either; `Path.is_dir` raises for a long one.
    if not os.path.isdir(working):  # noqa: PTH112
        raise UsageError(f"cwd={shown(str(cwd))} is not a folder")
    path = Path(path_of("file", file))
    if path.suffix == ARTIFACT:
        return read_artifact(path, working, home)
    return read_file(path, working, home, cancellation)


def call_of(  # noqa: PLR0913 - what a program can say
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    mounts: Sequence[Mount] = (),
    limits: Limits | Mapping[str, object] | None = None,
    *,
    cwd: str | os.PathLike[str] | None = None,
    untrusted: bool = False,
    secrets: SecretsSaid | None = None,
) -> prepare.Call:
    """Return the call that a program means; `cwd` is what its mounts are relative to.

    Raises `UsageError` for arguments, mounts, limits or secrets that are none.
    """
    if isinstance(args, Mapping):
        raise UsageError(
            f"args={shown(args)}: a list of arguments is needed", hint="kwargs= for keywords"
        )
    if not (kwargs is None or isinstance(kwargs, Mapping)):
        raise UsageError(f"kwargs={shown(kwargs)}: keywords with values are needed")
    switch("untrusted", untrusted)
    narrow = caller_limits(limits)
    narrow = narrow._replace(untrusted=narrow.untrusted or untrusted)
    # The working folder may be gone, and matters to mounts alone.
    rules = mount_rules(mounts, working_folder(cwd)) if mounts else ()
    hidden = caller_secrets(secrets, working_folder(cwd)) if secrets else ()
    given = list_of("args", args, "arguments")
    return prepare.Call(given, kwargs, narrow, rules, secrets=hidden)


def with_own(shared: prepare.Call, own: prepare.Call) -> prepare.Call:
    """Return a call with limits, mounts and secrets of its own, beside those that all calls share.

    A mount at the same place inside is in place of the shared one, and so is a secret of the name.
    """
    secrets = shared.secrets
    if own.secrets:
        from capsule.runner.secret_values import in_force  # most calls have none

        secrets = in_force(own.secrets, secrets)
    taken = {rule.guest for rule in own.mounts}
    rules = [rule for rule in shared.mounts if rule.guest not in taken]
    return own._replace(
        limits=limits_of_call(shared.limits, own.limits),
        mounts=(*rules, *own.mounts),
        secrets=secrets,
    )


def spread_out(item: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return the arguments that an item is when it is spread: a list of them, or keywords.

    >>> spread_out([1, 2]), spread_out({"n": 1}), spread_out(3)
    (((1, 2), {}), ((), {'n': 1}), ((3,), {}))
    """
    if isinstance(item, Mapping):
        return (), item
    return (tuple(item) if isinstance(item, (list, tuple)) else (item,)), {}


def working_folder(cwd: str | os.PathLike[str] | None) -> Path:
    """Return the folder that names are relative to, absolute."""
    return Path.cwd() if cwd is None else Path(path_of("cwd", cwd)).absolute()
