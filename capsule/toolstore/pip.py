"""The user's own pip: which programs can be it, and in what environment they run.

Their pip (or uv) has the index, mirror, proxy, certificates and credentials that are right for
their machine; capsule has none of its own.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# uv's names for what pip calls otherwise. uv wants spaces between indexes as pip does, and commas
# between folders with wheels where pip wants spaces.
_UV_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_UV_EXTRA = ("UV_INDEX", "UV_EXTRA_INDEX_URL")


@dataclass(frozen=True, slots=True)
class Pip:
    """A way to run pip: the command in front of `download`, and how to call it in messages."""

    name: str
    command: tuple[str, ...]
    uv: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides which pips there are; the defaults are this process's own."""

    python: str
    has_pip: bool
    path: str
    bundled: tuple[Path, ...]


def surroundings(environ: Mapping[str, str] = os.environ) -> Surroundings:
    """Return what there is on this machine."""
    return Surroundings(
        python=sys.executable or "",
        has_pip=importlib.util.find_spec("pip") is not None,
        path=environ.get("PATH", ""),
        bundled=_bundled(),
    )


def candidates(around: Surroundings) -> Iterator[Pip]:
    """Yield the ways to run pip, the most likely to be the user's own first."""
    if around.python and around.has_pip:
        # -P: a pip.py in the folder that capsule was called in is not the user's pip.
        yield Pip("python -m pip", (around.python, "-P", "-m", "pip"))
    for name in ("pip", "pip3"):
        if found := _on_path(name, around.path):
            yield Pip(name, (found,))
    if found := _on_path("uv", around.path):
        python = ("--python", around.python) if around.python else ()
        yield Pip("uv tool run pip", (found, "tool", "run", "--quiet", *python, "pip"), uv=True)
    if around.python:
        for wheel in around.bundled:
            # Python runs the folder `pip` inside the zip.
            yield Pip(f"the bundled {wheel.name}", (around.python, str(wheel / "pip")))


def environment(environ: Mapping[str, str], scratch: Path, *, uv: bool) -> dict[str, str]:
    """Return the environment for a pip that downloads.

    It keeps its partial files in `scratch`, where they can be watched and are swept. Under `uv`,
    settings of the user's that only uv understands are said again in pip's words.
    """
    child = dict(environ)
    child |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    # It guards against installing outside of an environment; nothing is installed.
    child["PIP_REQUIRE_VIRTUALENV"] = "0"
    if uv:
        said = {
            "PIP_INDEX_URL": next((environ[key] for key in _UV_INDEX if environ.get(key)), ""),
            "PIP_EXTRA_INDEX_URL": " ".join(environ[key] for key in _UV_EXTRA if environ.get(key)),
            "PIP_FIND_LINKS": environ.get("UV_FIND_LINKS", "").replace(",", " "),
        }
        for name, value in said.items():
            if value and name not in environ:
                child[name] = " ".join(_without_name(index) for index in value.split())
    return child


def _without_name(index: str) -> str:
    """Return the address of an index that uv may have under a name: "name=address"."""
    name, equals, address = index.partition("=")
    return address if equals and name.replace("-", "").replace("_", "").isalnum() else index


def _on_path(name: str, path: str) -> str | None:
    """Find a program in the absolute folders of `path`.

    Entry by entry, since `shutil.which` on Windows looks in the working folder first, and that may
    be a project of unknown origin.
    """
    for folder in path.split(os.pathsep):
        if os.path.isabs(folder):  # noqa: PTH117 - a string from the environment
            found = shutil.which(name, path=folder)
            if found and os.path.isabs(found):  # noqa: PTH117
                return found
    return None


def _bundled() -> tuple[Path, ...]:
    """Return the pip wheels that came with this Python, newest name first."""
    folders = []
    if (spec := importlib.util.find_spec("ensurepip")) and spec.origin:
        folders.append(Path(spec.origin).parent / "_bundled")
    # Where Linux distributions that split Python up keep them.
    if shared := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        folders.append(Path(shared))
    return tuple(wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))[::-1])
