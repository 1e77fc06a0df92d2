"""What an artifact says of its task: the caller's part of the manifest, checked as a stranger's."""

from __future__ import annotations

from capsule.artifact.errors import ArtifactError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.policy.declaration_types import (
    MAX_NAME,
    MAX_TASKS,
    Declarations,
    Parameter,
    TaskDeclaration,
    parameter_rows,
    parameters_from,
)
from capsule.shared.task_options import OPTIONS
from capsule.snapshot.task_snapshot import is_names
from capsule.toolstore.flavours import FLAVOURS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from capsule.toolstore.flavours import Flavour

_MAX_IMPORTS = 10_000


class TaskManifest(NamedTuple):
    """What has to be known of a task besides its files and pages.

    `interpreter` and `runtime` stand for what the pages were made with. `entry` is the module to
    import, `imports` what the files import besides each other; `asyncio` says whether that module
    was loaded before. `files` is where the import looked at files, if it did, `variables` the names
    of those that it looked up, and `plain` why there are no pages. `capsule` is the version that
    wrote it.
    """

    capsule: str
    interpreter: str
    runtime: str
    flavour: Flavour
    entry: str
    imports: frozenset[str]
    asyncio: bool
    files: str | None
    plain: str | None
    declarations: Declarations
    variables: tuple[str, ...] = ()


def encode(described: TaskManifest) -> dict[str, Any]:
    """Return the manifest's values."""
    declarations = described.declarations
    return {
        "capsule": described.capsule,
        "interpreter": described.interpreter,
        "runtime": described.runtime,
        "flavour": described.flavour,
        "entry": described.entry,
        "imports": sorted(described.imports),
        "asyncio": described.asyncio,
        "files": described.files,
        "plain": described.plain,
        "variables": list(described.variables),
        "tasks": [_encode_task(task) for task in declarations.tasks],
        "main": None if declarations.plain_main is None else _encode_task(declarations.plain_main),
    }


def decode(values: Mapping[str, Any], name: str) -> TaskManifest:
    """Read the manifest's values; `name` is what messages call the artifact.

    The options of tasks are literals that nobody has looked at: resolving the policy does, as it
    does for a source. Raises `ArtifactError`.
    """
    try:
        return _decoded(_Table(values, "manifest"), name)
    except ArtifactError as error:
        raise error.of(name) from None


def _encode_task(task: TaskDeclaration) -> dict[str, Any]:
    return {
        "name": task.name,
        "function": task.function,
        "module": task.module,
        "async": task.is_async,
        "options": dict(task.options),
        "parameters": parameter_rows(task.parameters),
    }


def _decoded(table: _Table, name: str) -> TaskManifest:
    flavour = table.text("flavour")
    known = [one for one in FLAVOURS if one == flavour]
    if not known:
        raise ArtifactError(
            f"manifest: flavour is {shown(flavour)}, and not {' or '.join(FLAVOURS)}"
        )
    tasks = table.take("tasks", list)
    if len(tasks) > MAX_TASKS:
        raise ArtifactError(f"manifest: it has {len(tasks):,} tasks; at most {MAX_TASKS:,} may be")
    main = table.take("main", dict, type(None))
    declared = tuple(_decode_task(task, name) for task in tasks)
    if len({task.name for task in declared}) != len(declared):
        raise ArtifactError("manifest: two of its tasks have one name")
    described = TaskManifest(
        capsule=table.text("capsule"),
        interpreter=table.text("interpreter"),
        runtime=table.text("runtime"),
        flavour=known[0],
        entry=_identifier(table.text("entry"), "entry"),
        imports=_imports(table.take("imports", list)),
        asyncio=table.take("asyncio", bool),
        files=table.take("files", str, type(None)),
        plain=table.take("plain", str, type(None)),
        declarations=Declarations(
            name, declared, None if main is None else _decode_task(main, name)
        ),
        # 0.9.0 did not say.
        variables=_names(table.take_if_there("variables", list) or []),
    )
    table.done()
    return described


def _decode_task(value: object, filename: str) -> TaskDeclaration:
    if not isinstance(value, dict):
        raise ArtifactError(f"manifest: a task is {shown(value)}, and not an object")
    table = _Table(value, "a task of the manifest")
    options = table.take("options", dict)
    unknown = sorted(options.keys() - (set(OPTIONS) - {"name"}))
    if unknown:
        raise ArtifactError(f"manifest: a task has an unknown option {shown(unknown[0])}")
    task = TaskDeclaration(
        name=table.text("name"),
        function=_identifier(table.text("function"), "function"),
        filename=filename,
        line=0,
        module=_dotted(table.take("module", str)),
        is_async=table.take("async", bool),
        options=options,
        # 0.9.0 did not say: words stay text then.
        parameters=_parameters(table.take_if_there("parameters", list) or []),
    )
    table.done()
    return task


def _parameters(rows: list[Any]) -> tuple[Parameter, ...]:
    try:
        return parameters_from(rows)
    except (TypeError, ValueError):
        raise ArtifactError("manifest: the parameters of a task are none") from None


def _dotted(text: str) -> str:
    if text and not all(part.isidentifier() for part in text.split(".")):
        raise ArtifactError(f"manifest: module is {shown(text)}, and not a name of Python's")
    return text


def _names(values: list[object]) -> tuple[str, ...]:
    if not is_names(values):
        raise ArtifactError("manifest: variables are not at most a thousand names")
    return tuple(map(str, values))


def _imports(names: list[object]) -> frozenset[str]:
    if len(names) > _MAX_IMPORTS:
        raise ArtifactError(f"manifest: it imports {len(names):,} modules")
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) != len(names):
        raise ArtifactError("manifest: imports are not all names")
    return frozenset(_identifier(text, "imports") for text in texts)


def _identifier(text: str, key: str) -> str:
    if not text.isidentifier():
        raise ArtifactError(f"manifest: {key} is {shown(text)}, and not a name of Python's")
    return text


class _Table:
    """An object of a stranger's: each key is asked for once, with the type that it must have."""

    def __init__(self, values: Mapping[str, Any], what: str) -> None:
        self._left = dict(values)
        self._what = what

    def take(self, key: str, *types: type) -> Any:
        if key not in self._left:
            raise ArtifactError(f"{self._what} has no {key!r}")
        value = self._left.pop(key)
        if type(value) not in types:
            raise ArtifactError(f"{self._what}: {key} is {shown(value)}, which it cannot be")
        return value

    def take_if_there(self, key: str, *types: type) -> Any:
        return self.take(key, *types) if key in self._left else None

    def text(self, key: str) -> str:
        value = self.take(key, str)
        if not 0 < len(value) <= MAX_NAME or not value.isprintable():
            raise ArtifactError(f"{self._what}: {key} is {shown(value)}, which it cannot be")
        return str(value)

    def done(self) -> None:
        if self._left:
            raise ArtifactError(f"{self._what} has an unknown key {shown(min(self._left))}")
