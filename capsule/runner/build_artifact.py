"""Building ahead of time: a task's snapshot, and the artifact that carries it elsewhere."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from capsule import __version__
from capsule.artifact import task_manifest
from capsule.artifact.contents import ArtifactContents
from capsule.artifact.write import write
from capsule.confine import isolation_layers as confine
from capsule.errors import GivenUpError, UsageError
from capsule.namedtuples import NamedTuple
from capsule.policy.options import overlay, parse_options, written
from capsule.policy.resolve import resolve_all
from capsule.runner import interpreter_choice
from capsule.runner.run_inputs import gather
from capsule.runner.snapshot_choice import looks_up
from capsule.runner.source import entry_of
from capsule.snapshot import task_snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.policy.declaration_types import Declarations, TaskDeclaration
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.runner.sandbox_inputs import RunInputs
    from capsule.runner.source import Source


class Built(NamedTuple):
    """A task that is ready to start: `plain` says why it has no snapshot, if it has none."""

    inputs: RunInputs
    settings: task_snapshot.SnapshotSettings
    plain: str | None


def build(source: Source, home: Path, progress: Progress, cancellation: Cancellation) -> Built:
    """Do what the first run of a task does before it runs: nothing of it is left to do then.

    Raises `CapsuleError` when the task could not run, and when it is cancelled.
    """
    entry = entry_of(source)
    policy = resolve_all(source.declarations, source.project._replace(state=home))[entry.name]
    layers = confine.standing()
    inputs = gather(source, entry, home, layers, progress)
    settings = task_snapshot.SnapshotSettings(
        layers, policy.timeout_ms, policy.ram, cancellation, progress
    )
    found = task_snapshot.open_task(home, inputs.base, inputs.code, settings)
    while isinstance(found, task_snapshot.Unfrozen):
        wider = interpreter_choice.with_package(inputs, found.needs, layers, progress)
        if wider is None:
            break
        inputs = wider
        found = task_snapshot.open_task(home, inputs.base, inputs.code, settings)
    if not isinstance(found, task_snapshot.Unfrozen):
        name = found.looks_up(policy.env_variables)
        return Built(inputs, settings, None if name is None else looks_up(name))
    _go_on(cancellation)
    if found.timed_out:
        raise UsageError(
            f"task {entry.name!r}: its import takes longer than the task's timeout",
            hint="a longer timeout, or less work while the module is imported",
        )
    return Built(inputs, settings, found.reason)


def export(source: Source, built: Built) -> bytes:
    """Return the artifact of a task that was built.

    Raises `ArtifactError` when it holds more than an artifact may, `GivenUpError` when it is
    cancelled.
    """
    base, code = built.inputs.base, built.inputs.code
    taken = None if built.plain is not None else task_snapshot.take(base, code, built.settings)
    _go_on(built.settings.cancellation)
    plain = taken.reason if isinstance(taken, task_snapshot.Unfrozen) else built.plain
    content = (
        taken
        if isinstance(taken, task_snapshot.SnapshotContent)
        else task_snapshot.SnapshotContent([], 0, None)
    )
    described = task_manifest.TaskManifest(
        capsule=__version__,
        interpreter=base.runtime.interpreter,
        runtime=base.runtime.key,
        flavour=base.runtime.flavour,
        entry=code.entry,
        imports=source.bundle.imports,
        asyncio=base.runtime.asyncio,
        files=content.files,
        variables=content.variables,
        plain=plain,
        declarations=settled(source),
    )
    packages = {} if code.packages is None else _content(code.packages)
    parts = ArtifactContents(
        task_manifest.encode(described),
        dict(code.files),
        packages,
        content.memory,
        content.pages,
    )
    return write(task_snapshot.module_of(content, base), parts)


def save(artifact: bytes, target: Path) -> None:
    """Write an artifact to `target`, which is there whole afterwards, or as it was before.

    Raises `UsageError` for a place that no file can be put in.
    """
    if not target.parent.is_dir():
        raise UsageError(f"cannot write {target}: there is no folder {target.parent}")
    if (target.exists() or target.is_symlink()) and not target.is_file():
        raise UsageError(f"{target} is there and is no file that can be replaced")
    try:
        handle, name = tempfile.mkstemp(".part", ".capsule-", target.parent)
        made = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(artifact)
            made.chmod(0o644)  # unlike what is kept for this user alone, it is to be passed on
            made.replace(target)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None


def _go_on(cancellation: Cancellation) -> None:
    if cancellation.cancelled:
        raise GivenUpError("what was built was cancelled")


def settled(source: Source) -> Declarations:
    """Return what the source declares, with the project's defaults written into each task."""

    def with_defaults(declared: TaskDeclaration) -> TaskDeclaration:
        own = parse_options(declared.options, declared.blame)
        return declared._replace(options=written(overlay(own, source.project.defaults)))

    declarations = source.declarations
    main = declarations.plain_main
    return declarations._replace(
        tasks=tuple(with_defaults(declared) for declared in declarations.tasks),
        plain_main=None if main is None else with_defaults(main),
    )


def _content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
