"""A task's code, where it comes from, and the project that it belongs to."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from capsule.bundle.collect import collect, collect_text
from capsule.errors import UsageError
from capsule.policy.config import find_project
from capsule.policy.guarded import places
from capsule.policy.options import Options
from capsule.policy.source import read_source, with_modules
from capsule.policy.statements import CAPSULE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capsule.artifact.description import Description
    from capsule.bundle.contents import Bundle
    from capsule.policy.project import Project
    from capsule.policy.source import Declarations, Declared
    from capsule.snapshot.pages import PageRun


class Exported(NamedTuple):
    """What an artifact holds besides its sources; `digest` stands for all of it."""

    name: str
    description: Description
    packages: Mapping[str, bytes]
    memory: int
    pages: list[PageRun]
    digest: str


class Source(NamedTuple):
    """A task's code, with what an artifact adds where it comes from one."""

    declarations: Declarations
    bundle: Bundle
    project: Project
    exported: Exported | None = None


def read_file(path: Path | None, working: Path) -> Source:
    """Read a task file, or the entry point of the project in `working` when there is no `path`.

    Raises `UsageError`, `PolicyError` or `ConfigError`.
    """
    own: list[Path] = []
    if path is None:
        path = entrypoint(working)
        own.append(Path(os.path.realpath(working)))  # where capsule.toml is looked for
    named, path = path, working / path
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UsageError(f"the task file {str(named)!r} {what}", hint="capsule run FILE.py")
    project = find_project(path.parent, working=working)
    bundle = collect(path, root=project.root)
    declarations = read_source(bundle.files[bundle.entry_file], path.name)
    folder = Path(os.path.realpath(path)).parent
    for file in (path, *(folder / name for name in bundle.files if name != bundle.entry_file)):
        own += places(file)
    project = replace(project, own=tuple(own))
    return Source(with_modules(declarations, _beside(bundle)), bundle, project)


def _beside(bundle: Bundle) -> Iterator[Declared]:
    """Yield the tasks of the modules that travel with the task file."""
    for path, content in bundle.files.items():
        # Whatever declares a task has to name the package that the decorator comes from.
        if path != bundle.entry_file and path.endswith(".py") and CAPSULE.encode() in content:
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            try:
                declared = read_source(content, path).tasks
            except UsageError:
                continue  # the interpreter inside may be newer, and has the last word
            yield from (replace(task, module=module) for task in declared)


def read_text(source: bytes, working: Path) -> Source:
    """Read a task from its text, as it came on stdin.

    Raises `UsageError`, `PolicyError` or `ConfigError`.
    """
    project = replace(
        find_project(working, working=working), own=(Path(os.path.realpath(working)),)
    )
    return Source(read_source(source, "<stdin>"), collect_text(source), project)


def read_artifact(path: Path, working: Path) -> Source:
    """Read an exported task; it is untrusted, and nothing of it but data is used.

    Its policies are those that it was built with: the defaults of a project do not add to them. The
    ceilings of the project in `working` bind them, and its folders are those of that project: a
    capsule.toml beside the artifact may be a stranger's too.

    Raises `ArtifactError` or `ConfigError`.
    """
    from capsule.artifact import description, read
    from capsule.artifact.errors import ArtifactError
    from capsule.bundle.contents import Bundle, digest_of

    parts = read.read(working / path, str(path))
    described = description.decode(parts.manifest, str(path))
    if f"{described.entry}.py" not in parts.sources:
        raise ArtifactError(f"{path}: it has no module {described.entry}")
    project = find_project(working, working=working)
    bundle = Bundle(
        files=parts.sources,
        entry=described.entry,
        imports=described.imports,
        digest=digest_of(parts.sources, described.entry),
    )
    own = (Path(os.path.realpath(working)), *places(working / path))
    return Source(
        described.declarations,
        bundle,
        replace(project, defaults=Options(), own=own),
        Exported(str(path), described, parts.packages, parts.memory, parts.pages, parts.digest),
    )


def entrypoint(working: Path) -> Path:
    """Return the entry point of the project in `working`. Raises `UsageError` or `ConfigError`."""
    project = find_project(working, working=working)
    if project.entrypoint is not None:
        return project.entrypoint
    if project.config is None:
        raise UsageError(
            "no task file was named, and there is no capsule.toml", hint="capsule run FILE.py"
        )
    raise UsageError(
        f"no task file was named, and {project.config} has no entrypoint",
        hint='entrypoint = "main.py" under [workflow]',
    )
