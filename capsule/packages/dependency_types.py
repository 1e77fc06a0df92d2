"""What a task file asks for, and what it gets."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


class DependencySpec(NamedTuple):
    """What a task file says it needs, as it is written; nobody has looked at it yet."""

    dependencies: tuple[str, ...] = ()
    requires_python: str | None = None


class Packages(NamedTuple):
    """What a task can import beside its own modules.

    `folder` holds what was fetched, laid out like site-packages; None when nothing had to be.
    `digest` is the SHA-256 of its paths and contents, the same on every machine. `distributions`
    are the names and versions of what was fetched. `imports` are the top-level names of what the
    task depends on and the interpreter brings.
    """

    folder: Path | None
    digest: str
    distributions: tuple[tuple[str, str], ...]
    imports: frozenset[str]


# For a task that asks for nothing. The digest is that of no bytes, as for every empty set of files.
NOTHING = Packages(
    None, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", (), frozenset()
)
