"""Bring capsule/packages/builtin_table.py up to date: what the pinned interpreter brings to import.

    python scripts/refresh_packages.py             print what differs; exit 1 if anything does
    python scripts/refresh_packages.py --write     write it

It reads the metadata in the interpreter's library, and imports every package once on the `core`
interpreter, with the toolchain below CAPSULE_HOME. Run it after scripts/refresh_pins.py.
"""

from __future__ import annotations

import argparse
import difflib
import email
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from capsule.errors import CapsuleError, ToolchainError
from capsule.packages.target import ENVIRONMENT
from capsule.paths import state_root
from capsule.progress import Silent
from capsule.toolstore import pins
from capsule.toolstore.layout import STDLIB
from capsule.toolstore.open_toolchain import layout_of, open_toolchain
from capsule.toolstore.sources import ToolchainSources

FILE = Path(__file__).resolve().parent.parent / "capsule" / "packages" / "builtin_table.py"

# The metadata does not tell what a distribution is imported as; these have other names than theirs.
IMPORTS = {
    "attrs": ("attr", "attrs"),
    "beautifulsoup4": ("bs4",),
    "fonttools": ("fontTools",),
    "matplotlib": ("matplotlib", "mpl_toolkits", "pylab"),
    "pillow": ("PIL",),
    "python-dateutil": ("dateutil",),
    "pyyaml": ("yaml", "_yaml"),
    "reportlab": ("reportlab", "reportlab_mods", "reportlab_settings"),
    "scikit-learn": ("sklearn",),
    "sympy": ("isympy", "sympy"),
    "toolz": ("tlz", "toolz"),
}
# What the interpreter brings beside the standard library and the distributions.
OWN = {"host", "capsule", "capsule_guest", "_missing_stdlib_info"}

TEMPLATE = '''\
"""What the pinned interpreter brings. Written by scripts/refresh_packages.py; do not edit."""

from __future__ import annotations

# One line for each distribution, however long.
# ruff: noqa: E501
# fmt: off

# The SHA-256 of the library that this was read from, as toolchain/pins.toml has it.
LIBRARY = "{library}"

# Normalized name, version, whether it needs `science`, import names, what it requires, and what
# its extras require.
DISTRIBUTIONS: tuple[
    tuple[
        str, str, bool, tuple[str, ...], tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]
    ],
    ...,
] = (
{rows}
)

# Top-level names that `core` cannot import.
SCIENCE = frozenset(
    {{
{science}
    }}
)
'''

PROBE = """
from capsule import task

@task(name="probe", compute="100000000000", timeout="300s", ram="1GB")
def probe(name):
    import sys
    if name == "-":
        library = list(sys.stdlib_module_names)
        return {"built_in": list(sys.builtin_module_names), "library": library}
    __import__(name)
"""

Row = tuple[
    str, str, bool, tuple[str, ...], tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]
]


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write what was found")
    options = parser.parse_args(arguments)
    try:
        found = measured(state_root())
    except CapsuleError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    before = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    print(
        "".join(
            difflib.unified_diff(
                before.splitlines(keepends=True), found.splitlines(keepends=True), "kept", "found"
            )
        ),
        end="",
    )
    if options.write:
        FILE.write_text(found, encoding="utf-8", newline="\n")
    return 1 if found != before and not options.write else 0


def measured(home: Path) -> str:
    """Return the text of the module for the pinned interpreter."""
    sources = ToolchainSources()
    open_toolchain(home, "core", progress=Silent(), sources=sources)
    about = probe(home, "-")["result"]
    with zipfile.ZipFile(layout_of(home, sources).root / STDLIB) as archive:
        messages = [
            email.message_from_bytes(archive.read(name))
            for name in sorted(archive.namelist())
            if name.endswith(".dist-info/METADATA")
        ]
        there = {name.partition("/")[0].removesuffix(".pyc") for name in archive.namelist()}
    # Native modules that stand alone are in no archive.
    there |= {name for name in about["built_in"] if "." not in name}
    packages = {
        name
        for name in there - set(about["library"]) - OWN
        if not name.endswith(".dist-info") and not name.startswith("_")
    }
    native = {name.partition(".")[0] for name in about["built_in"] if "." in name}
    science = {name for name in sorted(packages) if name in native or not imports(home, name)}
    rows = [row(message, packages, science) for message in messages]
    claimed = {name for each in rows for name in each[3]}
    if unclaimed := packages - claimed:
        raise ToolchainError(
            f"no distribution is known to bring {', '.join(sorted(unclaimed))}",
            hint="add the names to IMPORTS in scripts/refresh_packages.py",
        )
    return render(pins.load(sources.pins).interpreter.stdlib.sha256, rows, science)


def row(message: email.message.Message, packages: set[str], science: set[str]) -> Row:
    """Return what is known of one distribution."""
    name = canonicalize_name(message["Name"])
    names = IMPORTS.get(name, (name.replace("-", "_"),))
    imported = tuple(sorted(packages & set(names)))
    if not imported:
        raise ToolchainError(
            f"{message['Name']} is imported under another name",
            hint="add the name to IMPORTS in scripts/refresh_packages.py",
        )
    requirements = [Requirement(text) for text in message.get_all("Requires-Dist") or ()]
    extras = []
    for extra in message.get_all("Provides-Extra") or ():
        needed = tuple(
            sorted(
                bare(each)
                for each in requirements
                if each not in plain(requirements) and applies(each, extra)
            )
        )
        if needed:
            extras.append((str(canonicalize_name(extra)), needed))
    requires = tuple(sorted({str(canonicalize_name(each.name)) for each in plain(requirements)}))
    return (
        name,
        message["Version"],
        bool(science & set(imported)),
        imported,
        requires,
        tuple(sorted(extras)),
    )


def plain(requirements: list[Requirement]) -> list[Requirement]:
    """Return what is needed in the sandbox without any extra."""
    return [each for each in requirements if applies(each, "")]


def applies(requirement: Requirement, extra: str) -> bool:
    """Say whether a requirement counts in the sandbox when `extra` is asked for."""
    marker = requirement.marker
    return marker is None or marker.evaluate({**ENVIRONMENT, "extra": extra})


def bare(requirement: Requirement) -> str:
    """Return a requirement as a string without its marker."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{canonicalize_name(requirement.name)}{extras}{requirement.specifier}"


def imports(home: Path, name: str) -> bool:
    """Say whether the `core` interpreter can import `name`."""
    envelope = probe(home, name)
    if envelope["success"]:
        return True
    kind = envelope["error"]["error_type"]
    if kind in {"timeout", "fuel_exhausted", "memory_exceeded"}:
        raise ToolchainError(f"importing {name} took too much: {kind}", hint="raise PROBE's limits")
    return False


def probe(home: Path, name: str) -> dict[str, Any]:
    """Run the probe and return its envelope."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "probe.py")
        task.write_text(PROBE, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "capsule", "run", "--json", "--", str(task), name],
            env={**os.environ, "CAPSULE_HOME": str(home), "PYTHONPATH": str(FILE.parents[2])},
            capture_output=True,
            check=False,
        )
    try:
        envelope: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise ToolchainError(f"the probe did not run: {done.stderr.decode()}") from None
    return envelope


def render(library: str, rows: list[Row], science: set[str]) -> str:
    """Return the text of the module."""
    return TEMPLATE.format(
        library=library,
        rows="\n".join(f"    {each!r}," for each in sorted(rows)),
        science="\n".join(f'        "{name}",' for name in sorted(science)),
    )


if __name__ == "__main__":
    sys.exit(main())
