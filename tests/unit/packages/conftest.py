"""An index in a folder: wheels of a few bytes, the user's real pip, and one that is scripted."""

from __future__ import annotations

import os
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from capsule.packages.dependency_types import DependencySpec, Packages
from capsule.packages.provision import provision
from capsule.progress import Silent
from capsule.toolstore import pip, run_program
from capsule.toolstore.pip_runner import Means

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from capsule.packages.fetch_clock import FetchClock
    from capsule.progress import Progress, Step

# This Python's own pip, or the one that is bundled with it; there are Pythons without either.
REAL = next(iter(pip.candidates(pip.surroundings({"PATH": ""}))), None)
SCRIPTED = pip.Pip("scripted", ("/opt/scripted/pip",))

Member = tuple[str | zipfile.ZipInfo, bytes]


def build(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: Iterable[str] = (),
    headers: Iterable[str] = (),
    files: Mapping[str, bytes] | None = None,
    members: Iterable[Member] = (),
    tag: str = "py3-none-any",
    purelib: str = "true",
) -> Path:
    """Write a wheel to `folder`; without `files`, it holds one module of its own name."""
    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers]
    lines += [f"Requires-Dist: {each}" for each in requires]
    content: list[Member] = [
        *(
            {f"{stem}.py": b"version = '%s'\n" % version.encode()} if files is None else files
        ).items(),
        *members,
        (f"{info}/METADATA", "\n".join([*lines, "", "About.\n"]).encode()),
        (f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: {purelib}\nTag: {tag}\n".encode()),
        (f"{info}/RECORD", b""),
    ]
    path = folder / f"{stem}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in content:
            # A fixed date (1980, the format's first): the same members are the same wheel.
            entry = zipfile.ZipInfo(member) if isinstance(member, str) else member
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return path


def sources(folder: Path, name: str, version: str = "1.0") -> Path:
    """Write what pip takes for a source distribution by its name; nothing may open it."""
    path = folder / f"{name}-{version}.tar.gz"
    path.write_bytes(b"")
    return path


@dataclass
class Watcher(Silent):
    """A `Progress` that remembers what it was told."""

    notes: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)
    noted: threading.Event = field(default_factory=threading.Event)

    def step(self, step: Step) -> Watcher:
        self.steps.append(step)
        return self

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.noted.set()

    def update(self, done: float) -> None:
        self.updates.append(done)


@dataclass
class Index:
    """A folder of wheels, and pips that look there and nowhere else."""

    folder: Path
    runs: list[list[str]] = field(default_factory=list)
    environs: list[dict[str, str]] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    def add(self, name: str, version: str = "1.0", **details: object) -> Path:
        return build(self.folder, name, version, **details)  # type: ignore[arg-type]

    @property
    def asked(self) -> list[list[str]]:
        """The names that each run was asked for."""
        return [argv[argv.index("--") + 1 :] for argv in self.runs]

    @property
    def scripted(self) -> Means:
        """A pip that copies the newest wheel that fits, and says what pip says if there is none."""
        return Means(pips=(SCRIPTED,), run=self._scripted, environ={})

    @property
    def real(self) -> Means:
        if REAL is None:
            pytest.skip("this Python has no pip")
        environ = {
            **os.environ,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder),
            "PIP_CONFIG_FILE": os.devnull,
        }
        return Means(pips=(REAL,), run=self._real, environ=environ)

    def _note(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self.runs.append(list(argv))
        self.environs.append(dict(environ))
        self.before()

    def _real(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        watch: run_program.Watch | None = None,
    ) -> run_program.ProgramResult:
        self._note(argv, environ)
        return run_program.run(argv, environ, watch)

    def _scripted(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        watch: run_program.Watch | None = None,
    ) -> run_program.ProgramResult:
        self._note(argv, environ)
        target = Path(argv[argv.index("--dest") + 1])
        for asked in map(Requirement, self.asked[-1]):
            fitting = [
                (parse_wheel_filename(path.name)[1], path)
                for path in self.folder.glob("*.whl")
                if parse_wheel_filename(path.name)[0] == canonicalize_name(asked.name)
                and asked.specifier.contains(parse_wheel_filename(path.name)[1])
            ]
            if not fitting:
                said = f"ERROR: No matching distribution found for {asked}\n"
                return run_program.ProgramResult(1, "", said)
            path = max(fitting)[1]
            (target / path.name).write_bytes(path.read_bytes())
            if watch:
                watch()
        return run_program.ProgramResult(0, "", "")


@dataclass
class Bench:
    """A home, an index, and a short way to ask."""

    home: Path
    index: Index
    watcher: Watcher = field(default_factory=Watcher)

    def provision(
        self,
        *dependencies: str,
        python: str | None = None,
        means: Means | None = None,
        progress: Progress | None = None,
        clock: FetchClock | None = None,
    ) -> Packages:
        return provision(
            self.home,
            DependencySpec(dependencies, python),
            progress or self.watcher,
            means or self.index.scripted,
            clock,
        )

    def files(self, found: Packages) -> set[str]:
        assert found.folder is not None
        return {
            path.relative_to(found.folder).as_posix()
            for path in found.folder.rglob("*")
            if not path.is_dir()
        }


@pytest.fixture
def index(tmp_path: Path) -> Index:
    folder = tmp_path / "index"
    folder.mkdir()
    return Index(folder)


@pytest.fixture
def bench(tmp_path: Path, index: Index) -> Bench:
    return Bench(tmp_path / "home", index)
