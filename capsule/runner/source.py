"""A task's code, where it comes from, and the project that it belongs to."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

from capsule.errors import TooCostlyError, UsageError
from capsule.message_text import printable, shown
from capsule.namedtuples import NamedTuple
from capsule.policy import CAPSULE
from capsule.policy.config import find_project
from capsule.policy.declaration_types import with_modules
from capsule.policy.entry_point import entry_task
from capsule.policy.options import Options
from capsule.policy.protected_paths import places
from capsule.runner.source_analysis import SourceAnalysis, toml_reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.bundle.contents import Bundle
    from capsule.policy.declaration_types import Declarations, TaskDeclaration
    from capsule.policy.project import Project
    from capsule.process.cancel import Cancellation
    from capsule.runner.artifact_source import ArtifactSource


class Source(NamedTuple):
    """A task's code, with what an artifact adds where it comes from one.

    `named` is the file as the user named it, "-" for stdin. `script` is the file of the bundle that
    is run as a program: see `capsule.runner.script`; empty where a task is called. `task` is
    the name of the one that is called, empty for the one that runs when nobody names one.
    """

    declarations: Declarations
    bundle: Bundle
    project: Project
    artifact: ArtifactSource | None = None
    named: str | None = None
    script: str = ""
    task: str = ""


def callable_tasks(source: Source) -> tuple[TaskDeclaration, ...]:
    """Return the tasks of a source that can be called by their names."""
    main = source.declarations.plain_main
    tasks = source.declarations.tasks
    if main is None or any(task.name == main.name for task in tasks):
        return tasks
    return (*tasks, main)


def entry_of(source: Source) -> TaskDeclaration:
    """Return the task of a source that is named, or the one that runs when nobody names one.

    Raises `UsageError` when the file leaves the choice open.
    """
    if source.task:
        return next(task for task in callable_tasks(source) if task.name == source.task)
    main = source.declarations.plain_main
    return main if source.script and main is not None else entry_task(source.declarations)


def read_file(
    path: Path | None,
    working: Path,
    home: Path | None = None,
    cancellation: Cancellation | None = None,
    package: str = "",
) -> Source:
    """Read a task file, or the entry point of the project in `working` when there is no `path`.

    With `home`, what parsing gave is remembered there. `cancellation` ends what takes long.
    `package` is the dotted name of the package that the file is a module of, and that travels too.

    Raises `UsageError`, `PolicyError` or `ConfigError`.
    """
    own: list[Path] = []
    if path is None:
        path = entrypoint(working, home)
        own.append(Path(os.path.realpath(working)))  # where capsule.toml is looked for
    # Here and below: of no use for an artifact.
    from capsule.bundle.collect import collect

    named, path = path, working / path
    _check_name(path, str(named))
    if not path.is_file():
        raise _no_file(path, str(named))
    project = find_project(path.parent, working=working, parse=toml_reader(home), file=path)
    reader = SourceAnalysis(home, str(path), cancellation)
    with _refusing_excess(path.name):
        bundle = collect(path, root=project.root, imports=reader.imports, package=package)
        declarations = reader.declarations(bundle.files[bundle.entry_file], path.name)
    folder = Path(os.path.realpath(path)).parent
    for file in (path, *(folder / name for name in bundle.files if name != bundle.entry_file)):
        own += places(file)
    project = project._replace(own=tuple(own))
    with _refusing_excess(path.name):
        declarations = with_modules(declarations, _beside(bundle, reader))
    source = Source(declarations, bundle, project, named=str(named))
    reader.finish()
    return source


def _check_name(path: Path, named: str) -> None:
    """Refuse what can be no file's name before the system is asked, which answers in its own ways.

    Raises `UsageError`.
    """
    try:
        path.lstat()
    except (OSError, ValueError) as wrong:
        # UnicodeEncodeError is a ValueError, as is that for a NUL.
        if not isinstance(wrong, (FileNotFoundError, NotADirectoryError)):
            problem = wrong.strerror if isinstance(wrong, OSError) else "no file can have that name"
            raise UsageError(f"the task file {shown(named)}: {problem}") from None


@contextmanager
def _refusing_excess(name: str) -> Iterator[None]:
    """Turn a text for which there is no memory, or no depth of calls, into one that is refused."""
    try:
        yield
    except (MemoryError, RecursionError):
        raise UsageError(
            f"{printable(name)}: reading it, and what it imports, takes too much memory"
        ) from None


def _no_file(path: Path, named: str) -> UsageError:
    what: str = "does not exist"
    hint: str | None = None
    if path.is_dir():
        what, hint = "is a folder", "the file in it that has the task"
    elif path.exists():
        # As what a shell makes of <(...): it can be read once, and from the beginning only.
        what, hint = "is no regular file", "capsule run - < FILE.py"
    else:
        from capsule.bundle.collect import meant_file

        hint = meant_file(path)
    return UsageError(f"the task file {shown(named)} {what}", hint=hint)


def _beside(bundle: Bundle, reader: SourceAnalysis) -> Iterator[TaskDeclaration]:
    """Yield the tasks of the modules that travel with the task file."""
    for path, content in bundle.files.items():
        # Whatever declares a task has to name the package that the decorator comes from.
        if path != bundle.entry_file and path.endswith(".py") and CAPSULE.encode() in content:
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            try:
                declared = reader.declarations(content, path).tasks
            except TooCostlyError:
                raise  # what a run may do must not depend on how fast this machine reads
            except UsageError:
                continue  # the interpreter inside may be newer, and has the last word
            yield from (task._replace(module=module) for task in declared)


def read_module(name: str, working: Path, home: Path | None = None) -> Source:
    """Read a module of the folder that one is in, or the `__main__` of a package there.

    Raises `UsageError`, `PolicyError` or `ConfigError`.
    """
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise UsageError(
            f"-m {shown(name)}: not the name of a module", hint="-m package.module, without .py"
        )
    module, package = Path(*parts).with_suffix(".py"), Path(*parts, "__main__.py")
    for path in (package, module):
        if (working / path).is_file():
            return read_file(path, working, home, package=".".join(path.parts[:-1]))
    raise UsageError(
        f"-m {name}: there is no {module} and no {package} in {printable(str(working))}",
        hint=_other_module(name, module, package, working),
    )


def _other_module(name: str, module: Path, package: Path, working: Path) -> str:
    """Say what may be meant by a module that is not in this folder."""
    import shlex  # for a refusal alone
    import sys

    for folder in (*working.parents, working / "src", working / "lib"):
        if (folder / module).is_file() or (folder / package).is_file():
            place = printable(shlex.quote(os.path.relpath(folder, working)))
            return f"cd {place}, where it is, and run this again"
    first = working / package.parts[0]
    if package.parent.name == name and (first / "__init__.py").is_file():
        return f"-m {name}.MODULE, as this package has no __main__.py of its own"
    if name.partition(".")[0] in sys.stdlib_module_names:
        run = f"runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
        return f'capsule run -c "import runpy; {run}; None", as -m is for modules of your folder'
    return "cd to the folder that the module is imported from"


def read_text(
    source: bytes,
    working: Path,
    home: Path | None = None,
    cancellation: Cancellation | None = None,
    named: str = "-",
) -> Source:
    """Read a task from its text, as it came on stdin, or with `-c`.

    With `home`, what parsing gave is remembered there. `cancellation` ends what takes long.

    Raises `UsageError`, `PolicyError` or `ConfigError`.
    """
    from capsule.bundle.collect import collect_text

    project = find_project(working, working=working, parse=toml_reader(home))
    project = project._replace(own=(Path(os.path.realpath(working)),))
    name = "command" if named == "-c" else "stdin"
    reader = SourceAnalysis(home, "", cancellation)
    with _refusing_excess(f"<{name}>"):
        declarations = reader.declarations(source, f"<{name}>")
        bundle = collect_text(source, name, imports=reader.imports)
    found = Source(declarations, bundle, project, named=named)
    reader.finish()
    return found


def read_artifact(path: Path, working: Path, home: Path | None = None) -> Source:
    """Read an exported task; it is untrusted, and nothing of it but data is used.

    Its policies are those that it was built with: the defaults of a project do not add to them. Its
    folders are those of the project in `working`, as a capsule.toml beside the artifact may be a
    stranger's too; ceilings bind it wherever they are. With `home`, what reading it gave is
    remembered there.

    Raises `ArtifactError` or `ConfigError`.
    """
    from capsule.runner.artifact_source import open_artifact

    file = working / path
    _check_name(file, str(path))
    artifact, bundle = open_artifact(working / path, str(path), home)
    project = find_project(working, working=working, parse=toml_reader(home), file=file)._replace(
        defaults=Options(), own=(Path(os.path.realpath(working)), *places(file))
    )
    return Source(artifact.task_manifest.declarations, bundle, project, artifact, str(path))


def under_ceilings(source: Source, folder: Path, home: Path | None = None) -> Source:
    """Return a source to which the ceilings around another folder apply too.

    It is that of a program that runs what others ask for. Raises `ConfigError`.
    """
    project = source.project
    more = find_project(folder, working=folder, parse=toml_reader(home)).ceilings
    ceilings = (*project.ceilings, *(each for each in more if each not in project.ceilings))
    return source._replace(project=project._replace(ceilings=ceilings))


def entrypoint(working: Path, home: Path | None = None) -> Path:
    """Return the entry point of the project in `working`. Raises `UsageError` or `ConfigError`."""
    project = find_project(working, working=working, parse=toml_reader(home))
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
