"""`capsule inspect`: what a file asks for and would get, before anything of it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.cli.parsing.run_request import read_request
from capsule.cli.render.rights import rights_json, rights_lines
from capsule.runner.inspection import inspect

if TYPE_CHECKING:
    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import Context

# As for a run: what is refused is a mistake before the run.
_REFUSED = 2


def command(options: Options, context: Context) -> int:
    """Print the rights of each task; the exit code says whether the file could run.

    Raises `CapsuleError` for a file that cannot be read at all.
    """
    request = read_request(options, context)
    found = inspect(request.source, request.call, request.home)
    console = context.console
    if options.json:
        console.json(rights_json(found))
    else:
        for line in rights_lines(found, console.size[0]):
            console.out(line)
    return _REFUSED if any(task.refused for task in found.tasks) else 0
