"""What is imported in a sandbox: the code of one task."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.process.argv import Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Where a sandbox sees the packages that its task depends on: no folder of a project can be there.
PACKAGES_GUEST = "/usr/local/packages"
# And where the code of their modules: they are imported in a fifth of the time.
COMPILED_GUEST = "/usr/local/compiled"

_MODULE = "capsule_libraries"
# Modules of libraries that are imported with them.
_MOST_PARTS = 64
# One that is missing is the task's own matter. One that fails leaves parts of itself behind, and
# would be found half done by the task: no snapshot is taken then.
_LIBRARIES = """for name in {}:
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise"""


class Code(NamedTuple):
    """A task's code: the bundle's files by path, the module to import, and what stands for both.

    `packages` is the folder of the packages that it depends on, None where there is none.
    `compiled` is the folder with the code of these, None where they are compiled when they are
    imported. `shown` is what the file of the entry is called, where its module cannot be called so.
    `libraries` are modules, not of the bundle, that it imports and that take long to
    import.
    """

    files: Mapping[str, bytes]
    entry: str
    digest: str
    packages: Path | None = None
    packages_digest: str = ""
    libraries: frozenset[str] = frozenset()
    compiled: Path | None = None
    shown: str = ""


def mounts_of(code: Code) -> tuple[Mount, ...]:
    """Return the mounts of the packages that a task depends on, if there are any."""
    places = ((code.packages, PACKAGES_GUEST), (code.compiled, COMPILED_GUEST))
    return tuple(Mount(host, guest, writable=False) for host, guest in places if host is not None)


def libraries_of(code: Code) -> Code | None:
    """Return code that imports the libraries of `code` and no more, None where it has none.

    >>> code = Code({}, "task", "", libraries=frozenset(["numpy"]))
    >>> print(libraries_of(code).files["capsule_libraries.py"].decode())
    for name in ['numpy']:
        try:
            __import__(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    """
    if not code.libraries:
        return None
    names = sorted({*code.libraries, *_parts_named(code)})
    source = _LIBRARIES.format(names).encode()
    return code._replace(
        files={f"{_MODULE}.py": source},
        entry=_MODULE,
        digest=f"{names}",
        libraries=frozenset(),
        shown="",
    )


def _parts_named(code: Code) -> list[str]:
    """Return the modules of the libraries that the sources seem to import, as `scipy.stats`.

    A name that is no module is passed over where it is imported.
    """
    import re  # for tasks without a snapshot of their own alone

    above = b"|".join(re.escape(name.encode()) for name in sorted(code.libraries))
    begin = rb"(?:^|;)[ \t]*"
    dotted = re.compile(begin + rb"(?:import|from)[ \t]+((?:%b)(?:\.\w+)+)" % above, re.MULTILINE)
    of_one = re.compile(
        begin + rb"from[ \t]+(%b)[ \t]+import[ \t]+\(?([\w, \t]+)" % above, re.MULTILINE
    )
    found: dict[str, None] = {}
    for content in code.files.values():
        for match in dotted.finditer(content):
            found[match[1].decode("ascii", "replace")] = None
        for match in of_one.finditer(content):
            for name in match[2].split(b","):
                if part := name.split(b" as ")[0].strip():
                    found[(match[1] + b"." + part).decode("ascii", "replace")] = None
        if len(found) > _MOST_PARTS:
            break
    return [name for name in found if name.replace(".", "").isidentifier()][:_MOST_PARTS]
