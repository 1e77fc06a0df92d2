"""`capsule inspect`: what a file asks for and would get, before anything of it runs."""

from __future__ import annotations

import stat

from capsule.cli.parsing.run_request import read_request
from capsule.cli.render.rights import rights_json, rights_lines
from capsule.runner.inspection import inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import Context

_BEGIN = b"\0asm"
# As for a run: what is refused is a mistake before the run.
_REFUSED = 2


def command(options: Options, context: Context) -> int:
    """Print the rights of each task; the exit code says whether the file could run.

    Raises `CapsuleError` for a file that cannot be read at all.
    """
    artifact = options.file is not None and _is_artifact(options.file, context.working_folder())
    request = read_request(options._replace(artifact=artifact), context, "capsule inspect")
    found = inspect(request.source, request.call, request.home)
    console = context.console
    if options.json:
        console.json(rights_json(found))
    else:
        for line in rights_lines(found, console.size[0]):
            console.out(line)
    return _REFUSED if any(task.refused for task in found.tasks) else 0


def _is_artifact(named: str, working: Path) -> bool:
    """Return whether `exec` would run the file: by its name, or by how it begins.

    `exec` takes any name, and no source begins like this.
    """
    if named.endswith(".wasm") or named == "-":
        return named != "-"
    path = working / named
    try:
        # Looked at before it is opened: opening a pipe would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return file.read(len(_BEGIN)) == _BEGIN
    except (OSError, ValueError):
        return False  # reading it says what is wrong
