"""`python -m scripts.parity`: run all programs on both sides and print where they stand."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from capsule import run_sync
from scripts import write_differences_page
from scripts.parity import measured, outcome, sides, stored_answers
from scripts.parity.differences import differences
from scripts.parity.program_files import groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.parity.outcome import Result
    from scripts.parity.program_files import Group


def main() -> int:
    """Compare, print, and say by the exit code whether all that differs is documented."""
    said = _arguments()
    python = Path(shutil.which(said.outside) or said.outside).absolute()
    every = groups()
    part = [group for group in every if not said.only or group.name in said.only]
    known = {key for one in differences() for key in one.programs}
    inside, outside = sides.Answers({}, {}), sides.Answers({}, {})
    results: list[Result] = []
    for group in part:
        print(f"{group.name}: {len(group.programs)} programs", file=sys.stderr)
        ours = sides.inside([group], _in_a_sandbox)
        theirs = sides.outside([group], python)
        inside, outside = inside.merged(ours), outside.merged(theirs)
        judged = [
            outcome.judge(one, ours.answers[one.key], theirs.answers[one.key], known)
            for one in group.programs
        ]
        results += judged
        if said.show:
            _show(group, judged)
    print(outcome.aligned(outcome.table(outcome.counts(results))))
    if said.write:
        found = measured.measured(inside.versions, outside.versions, results)
        if part == every:
            measured.write(found)
            stored_answers.write(outside.answers, stored_answers.chosen(results))
        else:
            measured.write(measured.replaced(measured.read(), found))
            stored_answers.refresh(outside.answers)
        write_differences_page.PAGE.write_text(write_differences_page.page())
    names = {group.name for group in part}
    complaints = [
        *_versions(inside.versions, outside.versions),
        *_silent(results),
        *_unfounded(results, [key for key in known if key.partition("/")[0] in names]),
    ]
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.parity", description=__doc__)
    parser.add_argument(
        "--outside", default=sys.executable, help="the Python outside, which has the packages"
    )
    parser.add_argument("--only", nargs="+", default=[], help="run these files of programs alone")
    parser.add_argument("--show", action="store_true", help="print both answers where they differ")
    parser.add_argument(
        "--write", action="store_true", help="keep what was measured, and write the page"
    )
    return parser.parse_args()


def _in_a_sandbox(source: str, request: dict[str, object]) -> object:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "programs.py")
        file.write_text(source)
        envelope = run_sync(file, [request], cwd=folder)
    if envelope.error is not None:
        raise sides.SandboxError(f"{envelope.error.error_type}: {envelope.error.message}")
    return envelope.result


def _versions(inside: dict[str, str], outside: dict[str, str]) -> list[str]:
    return [
        f"{name} is {inside.get(name)} inside and {version} outside: compare the same versions"
        for name, version in outside.items()
        if name != "python" and inside.get(name) != version
    ]


def _silent(results: Sequence[Result]) -> list[str]:
    return [
        f"{one.key} differs ({one.figure}): mend it, or document it in differences.toml"
        for one in results
        if one.outcome is outcome.Outcome.SILENT
    ]


def _unfounded(results: Sequence[Result], known: Sequence[str]) -> list[str]:
    return [
        f"{key} is documented as different, and is not: take it out of differences.toml"
        for key in outcome.unfounded(results, known)
    ]


def _show(group: Group, found: Sequence[Result]) -> None:
    sources = {one.key: one.source for one in group.programs}
    for one in found:
        if one.outcome is not outcome.Outcome.EQUAL:
            print(f"{one.key}: {one.outcome.value}, {one.figure}")
            print("".join(f"    {line}\n" for line in sources[one.key].splitlines()), end="")
            print(f"  inside   {one.inside}\n  outside  {one.outside}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except sides.OutsideError as error:
        sys.exit(f"{error}")
