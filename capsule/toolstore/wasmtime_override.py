"""A wasmtime in place of the pinned one: does it run, and what does it say that it is.

`CAPSULE_WASMTIME` names one for some commands, `capsule toolchain install --wasmtime` takes one for
all of them.
"""

from __future__ import annotations

import re

from capsule.errors import ToolchainError
from capsule.toolstore import file_index, run_program, verify_hash
from capsule.toolstore.layout import WASMTIME_VARIABLE as VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_VERSION = re.compile(r"wasmtime(?:-cli)? (\d+)\.(\d+)\.(\d+)\S*")


def inspect(
    path: Path,
    oldest: int,
    run: run_program.Runner = run_program.run,
    *,
    who: str = "",
    hint: str = "",
) -> file_index.Binary:
    """Ask the program at `path` for its version, and hash it.

    `who` begins messages; where it is empty, they are about the program that the variable names.
    Raises `ToolchainError` when it is not a wasmtime of major version `oldest` or newer: older ones
    let a guest with a writable folder reach other files.
    """
    who = who or f"{VARIABLE} names {path}, which"
    hint = hint or f"set {VARIABLE} to the full path of a wasmtime {oldest} or newer, or unset it"
    try:
        outcome = run([str(path), "--version"], run_program.bare_environment())
        known = file_index.Binary("", verify_hash.digest(path), file_index.signature(path))
    except OSError as error:
        raise ToolchainError(
            f"{who} cannot be started: {error.strerror or error}",
            hint=hint,
        ) from error
    if outcome.status and (found := run_program.loader_failure(outcome.stderr)) is not None:
        said, helps = found
        raise ToolchainError(f"{who} cannot be started: {said}", hint=helps)
    match = _VERSION.match(outcome.stdout)
    if outcome.status != 0 or match is None:
        said = run_program.tail(outcome.stdout or outcome.stderr, 1) or f"status {outcome.status}"
        raise ToolchainError(f"{who} is not wasmtime: its --version is {said}", hint=hint)
    version = ".".join(match.groups())
    if int(match[1]) < oldest:
        raise ToolchainError(
            f"{who} is wasmtime {version}; the oldest that can hold a sandbox is {oldest}",
            hint=hint,
        )
    return file_index.Binary(version, known.sha256, known.signature)
