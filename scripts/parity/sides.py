"""The two sides: a sandbox, and a plain Python with the same packages."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.parity.program_files import imports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scripts.parity.program_files import Group, Program

EXECUTION = Path(__file__).with_name("execution.py")

_TASK = """{imports}
{execution}

from capsule import task


@task(compute="100000000000000", timeout="20m")
def main(request: dict) -> str:
    return answer_request(request)
"""
# One processor's order of sums, one zone, one language and encoding, one order of sets.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TZ": "UTC",
    "PYTHONUTF8": "1",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONHASHSEED": "0",
    # The same time zones as inside, from the package of that name.
    "PYTHONTZPATH": "",
}


class Answers(NamedTuple):
    """What one side said: the versions there, and each program's answer by its key."""

    versions: dict[str, str]
    answers: dict[str, str]

    def merged(self, other: Answers) -> Answers:
        """Put two runs of one side together."""
        return Answers(self.versions | other.versions, self.answers | other.answers)


class OutsideError(Exception):
    """Raised when the Python outside ends before it has answered, for want of a package, say."""


class SandboxError(Exception):
    """Raised when a sandbox gives no answer: a program ended it, or did not end."""


def task_source(groups: Sequence[Group]) -> str:
    """Write the task's file, which imports what the programs do, for the snapshot."""
    execution = EXECUTION.read_text()
    # Imports from the future come first; the docstring in front of them stays where it is.
    future = "from __future__ import annotations\n"
    head, _, rest = execution.partition(future)
    lines = "\n".join(imports(group.head for group in groups))
    return head + future + _TASK.format(imports=lines, execution=rest)


def request(groups: Sequence[Group], programs: Sequence[Program]) -> dict[str, object]:
    """Say what a side shall do."""
    return {
        "modules": sorted({*imports(group.head for group in groups).values()}),
        "heads": {group.name: group.head for group in groups},
        "programs": [[one.key, one.group, one.source] for one in programs],
    }


def outside(groups: Sequence[Group], python: Path) -> Answers:
    """Run the programs of these groups by a Python of the machine's own."""
    programs = [program for group in groups for program in group.programs]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-P", EXECUTION, "-"],
            input=json.dumps(request(groups, programs)),
            env={**_ENVIRONMENT, "PATH": os.environ.get("PATH", ""), "HOME": folder},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        needs = "it needs what `python -m scripts.parity.requirements` lists"
        raise OutsideError(f"{python} ran no programs: {last}; {needs}")
    said = json.loads(done.stdout)
    return Answers(said["versions"], said["answers"])


def inside(groups: Sequence[Group], run: Callable[[str, dict[str, object]], object]) -> Answers:
    """Run them in a sandbox; `run` takes the task's source and its argument, gives its result.

    A program that ends the interpreter is found by halving what runs together.
    """
    source = task_source(groups)
    programs = [program for group in groups for program in group.programs]
    return _in_parts(groups, programs, lambda asked: run(source, asked))


def _in_parts(
    groups: Sequence[Group],
    programs: Sequence[Program],
    run: Callable[[dict[str, object]], object],
) -> Answers:
    try:
        said = json.loads(str(run(request(groups, programs))))
    except SandboxError as error:
        if len(programs) < 2:
            answers = {one.key: json.dumps({"error": f"{error}"}) for one in programs}
            return Answers({}, answers)
        middle = len(programs) // 2
        first, second = (
            _in_parts(groups, one, run) for one in (programs[:middle], programs[middle:])
        )
        return first.merged(second)
    return Answers(said["versions"], said["answers"])
