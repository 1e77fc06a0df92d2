"""The programs of pyperformance: where they are, what they need, and their runs."""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from capsule import CapsuleError, run_sync
from scripts.suites.case import Case, ended, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = "pyperformance"
_FOLDER = "pyperformance/data-files/benchmarks"
_INSIDE = Path(__file__).with_name("inside")
_GUEST = "/benchmark"
# decimal_pi takes most, 220 billion. It is fuel that ends one, not the speed of a machine.
_NAME = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?")
_LIMITS = {"max_fuel": 300_000_000_000, "timeout": "30m", "max_ram": "2GB"}


class Benchmark(NamedTuple):
    """A program: its folder, its options, what it requires, and the names of that alone."""

    name: str
    folder: Path
    options: list[str]
    requirements: list[str]
    names: list[str]


def benchmarks(packages: Path) -> list[Benchmark]:
    """Find them in the folder that pyperformance was installed into, by name.

    Raises `FileNotFoundError` where there are none.
    """
    folder = packages / _FOLDER
    found = [one for each in sorted(folder.glob("bm_*")) for one in _of_folder(each)]
    if not found:
        raise FileNotFoundError(f"{folder}: no programs of pyperformance")
    return sorted(found)


def _of_folder(folder: Path) -> Iterator[Benchmark]:
    listed = folder / "requirements.txt"
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    requirements = [text for line in lines if (text := line.partition("#")[0].strip())]
    main = folder / "pyproject.toml"
    declared = _table(main)["project"].get("dependencies", [])
    declared = [text for text in declared if text != "pyperf"] or requirements
    names = [found[0] for text in declared if (found := _NAME.match(text))]
    for file in (main, *sorted(folder.glob("bm_*.toml"))):
        said = _table(file)["tool"]["pyperformance"]
        yield Benchmark(said["name"], folder, said.get("extra_opts", []), requirements, names)


def _table(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def run(one: Benchmark) -> Case:
    """Run a program once in a sandbox, with what it needs fetched as a task's packages are.

    That is first what it names, and where this does not do, any versions of the same: those it
    names are of an older Python, and some of them others than the interpreter has with it.
    """
    found = _run(one, one.requirements)
    if found.outcome == "passed" or not one.requirements:
        return found
    again = _run(one, one.names)
    return again._replace(said=f"{again.said} (with any versions; as it says: {found.said})")


def _run(one: Benchmark, requirements: list[str]) -> Case:
    key = f"{SUITE}/{one.name}"
    with tempfile.TemporaryDirectory(prefix="capsule-suites-") as folder:
        file = Path(folder, "benchmark_task.py")
        body = (_INSIDE / file.name).read_text(encoding="utf-8")
        file.write_text(_metadata(requirements) + body, encoding="utf-8")
        shutil.copy(_INSIDE / "pyperf.py", folder)
        mounts = [f"{one.folder}::{_GUEST}:ro"]
        try:
            envelope = run_sync(file, [_GUEST, one.options], mounts=mounts, limits=_LIMITS)
        except CapsuleError as error:
            return Case(key, "refused", first_line(str(error)))
    if envelope.error is None and not envelope.result:
        return Case(key, "failed", "it ran no benchmark")
    fuel = envelope.execution.fuel_consumed
    return ended(key, envelope, "" if fuel is None else f"{fuel:,} fuel")


def _metadata(requirements: list[str]) -> str:
    r"""Write the metadata of a script that asks for `requirements`.

    >>> print(_metadata(["six==1.16.0"]), end="")
    # /// script
    # dependencies = ["six==1.16.0"]
    # ///
    """
    if not requirements:
        return ""
    listed = ", ".join(f'"{one}"' for one in requirements)
    return f"# /// script\n# dependencies = [{listed}]\n# ///\n"
