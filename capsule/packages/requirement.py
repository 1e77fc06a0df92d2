"""Requirements as untrusted text: which of them may be asked of a package index, and how.

What passes here is a name, extras and versions, nothing else. pip would also take options, paths,
addresses and archives that happen to lie in the working folder; some of those run code.
"""

from __future__ import annotations

import re

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion

from capsule.errors import UsageError
from capsule.message_text import printable, shown
from capsule.packages.target import ENVIRONMENT, PYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from capsule.packages.dependency_types import DependencySpec

# Far above any honest task; each of them costs work.
_MOST = 500
_LONG = 2000

_ONLY = 'names from the package index, such as "requests>=2"'
# "foo==1+a.zip" would be a file to pip, if the working folder has one of that name.
_ARCHIVE = re.compile(r"\.(whl|zip|tar|gz|tgz|bz2|tbz|xz|txz|lz|tlz|lzma)$", re.IGNORECASE)


def check_python(requires_python: str | None) -> None:
    """Hold `requires-python` against the Python in the sandbox.

    Raises `UsageError` when it does not fit, and when it cannot be understood.
    """
    if requires_python is None:
        return
    wrong = UsageError(
        f"requires-python: {shown(requires_python)} is no set of versions",
        hint='requires-python = ">=3.11"',
    )
    if len(requires_python) > _LONG:
        raise wrong
    try:
        versions = SpecifierSet(requires_python)
        fits = versions.contains(PYTHON, prereleases=True)
    except (InvalidSpecifier, ValueError):  # a number with thousands of digits
        raise wrong from None
    if not fits:
        raise UsageError(
            f"the task requires Python {printable(str(versions))}, and the sandbox has {PYTHON}",
            hint="change requires-python in the task file",
        )


def roots(spec: DependencySpec) -> tuple[Requirement, ...]:
    """Return what a task asks for in the sandbox, without markers.

    Raises `UsageError` for what cannot be understood, and for all that is no name from an index.
    """
    if len(spec.dependencies) > _MOST:
        raise UsageError(f"{len(spec.dependencies)} dependencies are too many; allowed: {_MOST}")
    parsed = (parse(text, "dependencies") for text in spec.dependencies)
    return tuple(bare(each) for each in parsed if applies(each, ""))


def parse(text: str, where: str) -> Requirement:
    """Return a requirement that is a name, extras, versions and a marker.

    Raises `UsageError`, which says `where` it stands, for everything else.
    """
    text = text.strip()
    problem = f"{where}: {shown(text)}"
    if text.startswith("-"):
        raise UsageError(f"{problem} is an option; allowed: {_ONLY}")
    if text.startswith((".", "/", "\\", "~")) or "://" in text.partition("@")[0]:
        raise UsageError(f"{problem} is a path or an address; allowed: {_ONLY}")
    if len(text) > _LONG:
        raise UsageError(f"{problem} is too long; allowed: {_LONG} characters")
    try:
        found = Requirement(text)
    except (InvalidRequirement, RecursionError):
        raise UsageError(f"{problem} is no requirement; allowed: {_ONLY}") from None
    if found.url is not None:
        raise UsageError(f"{problem} is fetched from an address; allowed: {_ONLY}")
    for versions in found.specifier:
        if versions.operator == "===" or _ARCHIVE.search(versions.version):
            raise UsageError(f"{problem} can be read as a file; allowed: {_ONLY}")
    try:
        # What parses may still be no name: "0_" does, and no index has that.
        found.name = canonicalize_name(found.name, validate=True)
    except InvalidName:
        raise UsageError(f"{problem} is no requirement; allowed: {_ONLY}") from None
    return found


def bare(requirement: Requirement) -> Requirement:
    """Return a copy without the marker."""
    copy = Requirement(str(requirement))
    copy.marker = None
    return copy


def applies(requirement: Requirement, extra: str) -> bool:
    """Say whether the marker of a requirement holds in the sandbox.

    Raises `UsageError` when the marker compares what cannot be compared.
    """
    if requirement.marker is None:
        return True
    try:
        return requirement.marker.evaluate({**ENVIRONMENT, "extra": extra})
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion, RecursionError) as wrong:
        raise UsageError(
            f"the marker of {shown(str(requirement))} says nothing: {printable(str(wrong))}"
        ) from None


def merged(name: str, requirements: Iterable[Requirement]) -> Requirement:
    """Return one requirement for `name`, without extras, that asks for what all of these ask."""
    versions = SpecifierSet()
    for each in requirements:
        versions &= each.specifier
    return Requirement(f"{name}{versions}")
