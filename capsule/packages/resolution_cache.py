"""Resolutions that are kept: the same question gets the same answer, without an index."""

from __future__ import annotations

import json

from capsule.namedtuples import NamedTuple
from capsule.packages import builtin_table
from capsule.packages.target import PYTHON
from capsule.toolstore import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from capsule.packages.dependency_types import DependencySpec

# Higher whenever the same question would get another answer.
RECIPE = 1
_KEY = 32


class Answer(NamedTuple):
    """What a question came to: the digest of the content, what was fetched, what is imported."""

    digest: str
    distributions: tuple[tuple[str, str], ...]
    imports: tuple[str, ...]


def key(spec: DependencySpec) -> str:
    """Return the name of a question, the same in whatever order it is asked.

    The texts are taken as they are: to read them costs more than the rest of a start, and what is
    written otherwise is only asked once more.
    """
    dependencies = sorted({" ".join(text.split()) for text in spec.dependencies})
    return _hash([RECIPE, PYTHON, builtin_table.LIBRARY, dependencies, spec.requires_python])[:_KEY]


def read(folder: Path, name: str) -> Answer | None:
    """Return the answer to the question `name`, None when there is none that can be believed."""
    try:
        document = json.loads((folder / f"{name}.json").read_bytes())
        if document["sha256"] != _hash([name, document["answer"]]):
            return None
        return _decoded(document["answer"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write(folder: Path, name: str, answer: Answer) -> None:
    """Keep an answer; whoever calls holds the lock. Raises `OSError`."""
    files.make_private(folder)
    content = answer._asdict()
    document = {"answer": content, "sha256": _hash([name, content])}
    files.write_whole(folder / f"{name}.json", json.dumps(document, indent=1).encode() + b"\n")


def _decoded(answer: dict[str, Any]) -> Answer:
    return Answer(
        str(answer["digest"]),
        tuple((str(name), str(version)) for name, version in answer["distributions"]),
        tuple(str(name) for name in answer["imports"]),
    )


def _hash(document: object) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
