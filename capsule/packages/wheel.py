"""A wheel that pip brought, read as if it were hostile: is it pure, and what does it need?"""

from __future__ import annotations

import email
import re
import struct
import zipfile
import zlib
from contextlib import contextmanager

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from capsule.errors import UsageError
from capsule.message_text import printable, shown
from capsule.namedtuples import NamedTuple
from capsule.packages.requirement import parse
from capsule.packages.target import PYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaging.requirements import Requirement

# What all packages of a task may have together.
MOST_BYTES = 512 << 20
MOST_FILES = 20_000

# The end of a zip, and what stands before it where the zip has more than the end can say.
_END = struct.Struct("<4s4H2LH")
_LOCATOR = b"PK\x06\x07"
_LOCATOR_SIZE = 20
# Bytes of the table of contents; a long path is 100 of them, and the rest of an entry 46.
_MOST_TABLE = 16 << 20
_MOST_METADATA = 4 << 20
_MOST_NEEDS = 2000

_NATIVE = re.compile(r"\.(so|pyd|dll|dylib)(\.[0-9]+)*$", re.IGNORECASE)


class Wheel(NamedTuple):
    """A pure wheel; `name` is normalized, `requires` has markers and is not evaluated.

    With `stripped`, it is one that does without its native files: they are left out of it.
    """

    path: Path
    name: str
    version: str
    requires: tuple[Requirement, ...] = ()
    stripped: bool = False

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"{self.name} {self.version}"


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a wheel whose table of contents is small enough to be read.

    Raises `UsageError` for that, and for any damage found while it is open.
    """
    try:
        _refuse_large_table(path)
        with zipfile.ZipFile(path) as archive:
            yield archive
    # What zipfile raises for damage, encryption, and methods that it does not know; a name that is
    # no UTF-8 is a ValueError.
    except (
        *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError),
        *(NotImplementedError, RuntimeError, OverflowError),
    ) as error:
        raise refused(path, f"it is damaged ({printable(str(error))})") from error


def refused(path: Path, why: str) -> UsageError:
    """Return the error for a wheel that is not used."""
    return UsageError(
        f"{printable(path.name)} is refused: {why}", hint="depend on another version, or do without"
    )


def is_native(member: str) -> bool:
    """Say whether a file of a wheel is code for processors, by its name."""
    return _NATIVE.search(member) is not None


def read(path: Path, *, stripped: bool = False) -> Wheel:
    """Return what a wheel says of itself; `stripped` says that it does without its native files.

    Raises `UsageError` when it is not pure Python, or is not what a wheel has to be.
    """
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename:
        raise refused(path, "its name is no wheel's") from None
    if not stripped and any(
        tag.abi != "none" or tag.platform != "any" or not tag.interpreter.startswith("py")
        for tag in tags
    ):
        raise refused(path, f"{name} needs a native extension")
    with opened(path) as archive:
        for member in archive.namelist():
            if is_native(member) and not stripped:
                raise refused(path, f"{name} needs a native extension: it holds {shown(member)}")
        info = _info_folder(archive, name, path)
        about = _headers(archive, f"{info}/WHEEL", path)
        pure = about.get("Root-Is-Purelib", "").strip().lower() == "true"
        if not pure and not stripped:
            raise refused(path, f"{name} needs a native extension, by its own {info}/WHEEL")
        metadata = _headers(archive, f"{info}/METADATA", path)
    if canonicalize_name(metadata.get("Name", "")) != name:
        raise refused(path, f"its METADATA is that of {shown(metadata.get('Name', ''))}")
    needs = metadata.get_all("Requires-Dist") or []
    if len(needs) > _MOST_NEEDS:
        raise refused(path, f"it requires {len(needs)} packages; allowed: {_MOST_NEEDS}")
    requires = tuple(parse(text, f"{name} {version} requires") for text in needs)
    if stripped:
        _check_python(metadata.get("Requires-Python"), path)
    return Wheel(path, name, str(version), requires, stripped)


def _check_python(versions: str | None, path: Path) -> None:
    """Hold the Python of the sandbox against what a wheel requires that was made for another."""
    try:
        fits = SpecifierSet(versions or "").contains(PYTHON, prereleases=True)
    except (InvalidSpecifier, ValueError):
        fits = False
    if not fits:
        raise refused(path, f"it needs Python {printable(versions or '')}, and this is {PYTHON}")


def _info_folder(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    """Return the folder of the metadata."""
    found = {
        top
        for member in archive.namelist()
        if (top := member.partition("/")[0]).endswith(".dist-info") and top != member
    }
    if len(found) != 1:
        raise refused(path, f"it has {len(found)} .dist-info folders")
    (folder,) = found
    if canonicalize_name(folder.removesuffix(".dist-info").partition("-")[0]) != name:
        raise refused(path, f"its metadata is in {shown(folder)}")
    return folder


def _headers(archive: zipfile.ZipFile, member: str, path: Path) -> email.message.Message:
    """Return a file of the metadata."""
    try:
        info = archive.getinfo(member)
    except KeyError:
        raise refused(path, f"it has no {shown(member)}") from None
    if info.file_size > _MOST_METADATA:
        raise refused(path, f"its {shown(member)} has {info.file_size:,} bytes")
    with archive.open(info) as reader:
        content = reader.read(_MOST_METADATA)
    return email.message_from_string(content.decode("utf-8", "replace"))


def _refuse_large_table(path: Path) -> None:
    """Look at the end of a zip before zipfile reads its table of contents into memory.

    The end has to be the last bytes: with a comment behind it, there can be two ends, and another
    reader might believe the other one.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END.size - _LOCATOR_SIZE))
        tail = file.read()
    if len(tail) < _END.size:
        raise refused(path, "it is no zip")
    sign, _, _, _, entries, table, _, _ = _END.unpack(tail[-_END.size :])
    if sign != b"PK\x05\x06":
        raise refused(path, "it is no plain zip")
    if tail.startswith(_LOCATOR) or entries > MOST_FILES or table > _MOST_TABLE:
        raise refused(path, f"it has too many files; allowed: {MOST_FILES:,}")
