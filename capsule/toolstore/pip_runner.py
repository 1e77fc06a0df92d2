"""Running the first pip that is really there, out of those that this machine may have."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from capsule.toolstore import pip, run_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Exit statuses by which a shell, or a version manager's shim, says that there is no such program.
_NOT_THERE = {126, 127}
# What makes a pip say more or less than usual, and colour it.
_TALK = {"PIP_QUIET", "PIP_VERBOSE", "FORCE_COLOR", "PIP_REQUIREMENT"}


_PURE = ("--implementation", "py", "--abi", "none")


@dataclass(frozen=True, slots=True)
class Means:
    """How to run a pip; `pips` is None for those that are found on this machine."""

    pips: tuple[pip.Pip, ...] | None = None
    run: run_program.Runner = run_program.run
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


class NoPipError(Exception):
    """Raised when no pip can be run; its text says what became of each that was tried."""


def run_pip(
    means: Means,
    arguments: Sequence[str],
    scratch: Path,
    watch: run_program.Watch | None = None,
    *,
    plain: bool = False,
) -> tuple[pip.Pip, run_program.ProgramResult]:
    """Run a pip to its end, and return which one it was and how it ended.

    Its partial files go to `scratch`. `plain` is for one whose words are read: all of them, and no
    colours. Raises `NoPipError`, and what `watch` raises.
    """
    pips = pip.candidates(pip.surroundings(means.environ)) if means.pips is None else means.pips
    absent = []
    for found in pips:
        environ = pip.environment(means.environ, scratch, uv=found.uv)
        if plain:
            environ = _without_talk(environ)
        try:
            result = means.run([*found.command, *arguments], environ, watch)
        except OSError as error:
            absent.append(f"{found.name}: {error.strerror or error}")
            continue
        if result.status in _NOT_THERE or "No module named pip" in result.stderr:
            absent.append(f"{found.name}: {run_program.tail(result.stderr, 1)}")
            continue
        return found, result
    raise NoPipError("; ".join(absent))


def download_arguments(
    target: Path,
    *options: str,
    platform: str = "any",
    python: str,
    tags: Sequence[str] = _PURE,
) -> list[str]:
    """Return the arguments that download wheels to `target`, in front of their names.

    `platform`, `python` and `tags` say which files to take: without them, pip would look for those
    of the Python that it runs on.
    """
    return [
        "download",
        *options,
        "--no-deps",
        "--only-binary=:all:",
        *("--platform", platform),
        *("--python-version", python),
        *tags,
        *("--dest", str(target)),
        "--disable-pip-version-check",
        "--no-input",
        # What follows are names, whatever they look like.
        "--",
    ]


def _without_talk(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in _TALK}
    return {**kept, "NO_COLOR": "1", "PIP_NO_COLOR": "1"}
