"""The wasmtime that `CAPSULE_WASMTIME` names, in place of the pinned one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from capsule.errors import ToolchainError
from capsule.toolstore import file_index, run_program, verify_hash
from capsule.toolstore.layout import WASMTIME_VARIABLE as VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = re.compile(r"wasmtime(?:-cli)? (\d+)\.(\d+)\.(\d+)\S*")


def inspect(
    path: Path, oldest: int, run: run_program.Runner = run_program.run
) -> file_index.Binary:
    """Ask the program at `path` for its version, and hash it.

    Raises `ToolchainError` when it is not a wasmtime of major version `oldest` or newer: older ones
    let a guest with a writable folder reach other files.
    """
    hint = f"set {VARIABLE} to the full path of a wasmtime {oldest} or newer, or unset it"
    try:
        outcome = run([str(path), "--version"], run_program.bare_environment())
        known = file_index.Binary("", verify_hash.digest(path), file_index.signature(path))
    except OSError as error:
        raise ToolchainError(
            f"{VARIABLE} names {path}, which cannot be started: {error.strerror or error}",
            hint=hint,
        ) from error
    match = _VERSION.match(outcome.stdout)
    if outcome.status != 0 or match is None:
        said = run_program.tail(outcome.stdout or outcome.stderr, 1) or f"status {outcome.status}"
        raise ToolchainError(
            f"{VARIABLE} names {path}, which is not wasmtime: its --version is {said}",
            hint=hint,
        )
    version = ".".join(match.groups())
    if int(match[1]) < oldest:
        raise ToolchainError(
            f"{VARIABLE} names {path}, which is wasmtime {version}; "
            f"the oldest that can hold a sandbox is {oldest}",
            hint=hint,
        )
    return file_index.Binary(version, known.sha256, known.signature)
