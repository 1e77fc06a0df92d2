"""Download a wheel with the user's own pip.

pip says little while it works and nothing that a program should read, so progress is the size of
the file that grows in the staging folder.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.errors import ToolchainError
from capsule.progress import Step
from capsule.toolstore import files, pip, run_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.progress import Progress
    from capsule.toolstore.pins import Wheel

OFFLINE = (
    "capsule toolchain import FILE, "
    "with a file that `capsule toolchain export FILE` wrote on a machine that has an index"
)

# Exit statuses by which a shell, or a version manager's shim, says that there is no such program.
_NOT_THERE = {126, 127}


@dataclass(frozen=True, slots=True)
class Means:
    """How to run a pip; `pips` is None for those that are found on this machine."""

    pips: tuple[pip.Pip, ...] | None = None
    run: run_program.Runner = run_program.run
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


def fetch(wheel: Wheel, staging: Path, progress: Progress, means: Means | None = None) -> Path:
    """Download `wheel` into a new folder below `staging` and return the file, not yet checked.

    Raises `ToolchainError` when no pip can be run, when pip fails, and when it brings another file.
    """
    with progress.step(
        Step(f"downloading {wheel.distribution} {wheel.version}", wheel.size, "bytes")
    ) as tracker:
        folder = Path(tempfile.mkdtemp(dir=staging))

        def watch() -> None:
            # The largest alone: pip may write its cache's copy beside it.
            tracker.update(min(max(files.sizes(folder), default=0), wheel.size))

        brought = download(wheel, folder, means or Means(), watch)
        if [file.name for file in brought] != [wheel.file]:
            names = ", ".join(file.name for file in brought) or "nothing"
            raise ToolchainError(
                f"pip was asked for {wheel.file} and brought {names}",
                hint=f"see that your package index has {wheel.file}; else {OFFLINE}",
            )
        watch()
    return brought[0]


def download(
    wheel: Wheel, folder: Path, means: Means, watch: run_program.Watch | None = None
) -> list[Path]:
    """Have pip put into `folder` what the index has for `wheel`; return the wheels it brought.

    Raises `ToolchainError` when no pip can be run, and when pip fails.
    """
    scratch, target = folder / "partial", folder / "whole"
    scratch.mkdir()
    target.mkdir()
    pips = pip.candidates(pip.surroundings(means.environ)) if means.pips is None else means.pips
    absent = []
    for found in pips:
        argv = command(found, wheel, target)
        try:
            outcome = means.run(argv, pip.environment(means.environ, scratch, uv=found.uv), watch)
        except OSError as error:
            absent.append(f"{found.name}: {error.strerror or error}")
            continue
        if outcome.status == 0:
            return sorted(target.glob("*.whl"))
        if outcome.status in _NOT_THERE or "No module named pip" in outcome.stderr:
            absent.append(f"{found.name}: {run_program.tail(outcome.stderr, 1)}")
            continue
        raise ToolchainError(
            f"{found.name} could not download {wheel.distribution} {wheel.version} "
            f"(exit status {outcome.status}): "
            f"{run_program.tail(outcome.stderr) or 'it gave no reason'}",
            hint=f"look at pip's settings for index and proxy; without an index: {OFFLINE}",
        )
    raise ToolchainError(
        f"no pip and no uv is there to download {wheel.distribution} {wheel.version}"
        + (f" ({'; '.join(absent)})" if absent else ""),
        hint=f"install pip or uv; without an index: {OFFLINE}",
    )


def command(found: pip.Pip, wheel: Wheel, target: Path) -> list[str]:
    """Return the command that downloads `wheel` to `target`, for every kind of machine alike."""
    return [
        *found.command,
        "download",
        "--no-deps",
        "--only-binary=:all:",
        # Which file to take. Without these, pip would look for one for the Python that it runs on.
        *("--platform", wheel.platform),
        *("--python-version", wheel.python),
        *("--implementation", "py"),
        *("--abi", "none"),
        *("--dest", str(target)),
        "--disable-pip-version-check",
        "--no-input",
        f"{wheel.distribution}=={wheel.version}",
    ]
