"""A source that is run as a program, as `__main__`: its last expression is the result.

A source on stdin, of `-c` and of `-m` is one where it ends with an expression, and where it has
nothing that could be called. It runs as a whole, in each run, with what its policy grants.
"""

from __future__ import annotations

from capsule.bundle.contents import digest_of
from capsule.errors import TooCostlyError, UsageError
from capsule.policy.declaration_types import TaskDeclaration
from capsule.policy.entry_point import entry_task
from capsule.policy.source_decoding import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.policy.declaration_types import Declarations
    from capsule.runner.source import Source

# The guest takes the source from there. Under its own name lies what tasks in it import that run in
# other sandboxes: without the last expression, which would call them again.
SOURCE = "__main__.py"
_NAMES = ("main", "__main__")


def as_script(source: Source) -> Source:
    """Return the source as it is run: as a program, where it is one."""
    declared, bundle = source.declarations, source.bundle
    if declared.value_at is None and _has_entry(declared):
        return source
    taken = {task.name for task in declared.tasks}
    name = next((name for name in _NAMES if name not in taken), None)
    if name is None:
        raise UsageError(f"{declared.filename} has tasks with the names main and __main__")
    content = bundle.files[bundle.entry_file]
    imported = content
    if declared.value_at is not None and declared.tasks:
        imported = _until(content, declared.value_at)
    files = {**bundle.files, bundle.entry_file: imported, SOURCE: content}
    main = TaskDeclaration(name, "", declared.filename, 1, is_async=False, options={})
    return source._replace(
        declarations=declared._replace(plain_main=main),
        bundle=bundle._replace(files=files, digest=digest_of(files, bundle.entry)),
        script=bundle.entry_file,
    )


def _has_entry(declared: Declarations) -> bool:
    try:
        entry_task(declared)
    except TooCostlyError:
        raise
    except UsageError:
        return False
    return True


def _until(content: bytes, place: tuple[int, int]) -> bytes:
    """Return a source up to a place in it: a line, from 1, and a column in bytes."""
    text = decode(content, "")
    if text.encode() != content:
        return content  # of another encoding, which a comment in it names
    line, column = place
    lines = content.split(b"\n")
    return b"\n".join([*lines[: line - 1], lines[line - 1][:column]]) + b"\n"
