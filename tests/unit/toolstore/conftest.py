"""A whole toolchain in small: wheels of a few bytes, pins for them, and a wasmtime in shell.

Everything but the size is real: the store runs the program, hashes the files and takes the lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback
import warnings
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from capsule import wasm
from capsule.progress import Silent
from capsule.toolstore.flavours import FLAVOURS, KEEPS
from capsule.toolstore.open_toolchain import layout_of, open_toolchain
from capsule.toolstore.pins import Natives, Range
from capsule.toolstore.platform_tag import Machine
from capsule.toolstore.sources import ToolchainSources
from capsule.toolstore.strip_functions import strip_functions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from capsule.progress import Progress, Step
    from capsule.toolstore.flavours import Flavour
    from capsule.toolstore.layout import Layout
    from capsule.toolstore.pins import Wheel
    from capsule.toolstore.toolchain import Toolchain

HERE = Machine("linux", "x86_64", "glibc")

# As `wasmtime compile -C CODEGEN -W FLAGS SOURCE -o TARGET`: the target is the source behind a line of ours.
# The environment is empty, so programs go by their full paths.
WASMTIME = """\
#!/bin/sh
if [ "$1" = --version ]; then echo "wasmtime {version} (abc 2026-01-01)"; exit 0; fi
case "$2 $3" in "-C cache=n,native-unwind-info=n"*) ;; *) exit 2 ;; esac
echo "compile $(/usr/bin/basename "$6")" >> "{log}"
{trouble}
{{ echo "compiled by {version} with $4 $5"; /bin/cat "$6"; }} > "$8"
"""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def toml(value: object) -> str:
    """Return a value as TOML; tables stand in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)  # strings and numbers are written alike


def interpreter_module(functions: int = 6) -> bytes:
    """Return a module whose functions f0, f1... each return their number, with a name section.

    It has a memory, and imports nothing.
    """
    bodies = [b"\x00\x41" + wasm.sleb(number) + b"\x0b" for number in range(functions)]
    names = [wasm.uleb(number) + wasm.name(f"f{number}") for number in range(functions)]
    return (
        wasm.HEADER
        + wasm.section(wasm.TYPE, wasm.vector([b"\x60\x00\x01\x7f"]))
        + wasm.section(wasm.IMPORT, wasm.vector([]))
        + wasm.section(wasm.FUNCTION, wasm.vector([b"\x00"] * functions))
        + wasm.section(wasm.MEMORY, b"\x01\x00\x01")
        + wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in bodies]))
        + wasm.section(wasm.CUSTOM, wasm.name("name") + b"\x01" + wasm.sized(wasm.vector(names)))
    )


def wheel_file(path: Path, members: dict[str, bytes]) -> None:
    """Write a wheel that pip takes for one."""
    name, version, *_ = path.name.split("-")
    info = f"{name}-{version}.dist-info"
    tag = path.name.removesuffix(".whl").split("-", 2)[2]
    files = members | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in files.items():
            # A fixed date (1980, the format's first): the same members are the same wheel.
            archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)


@dataclass
class Watcher(Silent):
    """A `Progress` that remembers what it was told."""

    notes: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)

    def step(self, step: Step) -> Watcher:
        self.steps.append(step)
        return self

    def note(self, text: str) -> None:
        self.notes.append(text)

    def update(self, done: float) -> None:
        self.updates.append(done)


@dataclass
class Bench:
    """A home to be filled, an index to fill it from, and a log of the work that was done."""

    folder: Path
    version: str = "1.0.0"

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.index = self.folder / "index"
        self.log = self.folder / "log"
        self.pins = self.folder / "pins.toml"
        self.index.mkdir(exist_ok=True)
        self.log.touch()
        self.release(self.version)

    def release(self, version: str, trouble: str = "", module: bytes | None = None) -> None:
        """Put wheels of a version into the index, and pin them."""
        module = module or interpreter_module()
        program = self.program(version, trouble)
        members = {
            "python/interp.wasm": module,
            "python/stdlib.zip": b"the standard library " * 100,
            "python/MANIFEST": b"python 3.15.0\npackage numpy 2\n",
        }
        interpreter = self.index / "tiny_python-1.0.0-py3-none-any.whl"
        wasmtime = self.index / f"tiny_wasmtime-{version}-py3-none-manylinux2014_x86_64.whl"
        wheel_file(interpreter, members)
        wheel_file(wasmtime, {"cli/wasmtime": program})
        packages = (("numpy", 2), ("pandas", 3), ("statsmodels", 4))
        ranges = tuple(Range(package, first, f"f{first}") for package, first in packages)
        natives = Natives(ranges, 4, "f4")
        # Function 1 returns 1; patched, it returns 9.
        at = module.index(b"\x04\x00\x41\x01\x0b") + 1
        changed = module[: at + 2] + b"\x09" + module[at + 3 :]
        self.document: dict[str, Any] = {
            "format": 1,
            "wasmtime": {
                "distribution": "tiny-wasmtime",
                "version": version,
                "reports": version,
                "oldest": 48,
                "build": [
                    {
                        "system": HERE.system,
                        "machine": HERE.machine,
                        "libc": HERE.libc,
                        "platform": "manylinux2014_x86_64",
                        **self.pin(wasmtime),
                        "binary": self.member("cli/wasmtime", program),
                    }
                ],
            },
            "interpreter": {
                "distribution": "tiny-python",
                "version": "1.0.0",
                "python": "3.15",
                "wheel": {"platform": "any", **self.pin(interpreter)},
                "wasm": self.member("python/interp.wasm", module),
                "stdlib": self.member("python/stdlib.zip", members["python/stdlib.zip"]),
                "manifest": self.member("python/MANIFEST", members["python/MANIFEST"]),
                "patched": {"sha256": digest(changed)},
                "patch": [
                    {
                        "what": "a larger one",
                        "function": "f1",
                        "offset": 1,
                        "at": at + 1,
                        "before": "4101",
                        "after": "4109",
                    }
                ],
                "natives": {
                    "last": natives.last,
                    "last_name": natives.last_name,
                    "range": [
                        {
                            "package": each.package,
                            "first": each.first,
                            "first_name": each.first_name,
                        }
                        for each in natives.ranges
                    ],
                },
                "cut": [
                    {"flavour": flavour, "size": len(small), "sha256": digest(small)}
                    for flavour in FLAVOURS[:-1]
                    for small in [
                        strip_functions(changed, natives.without(KEEPS[flavour]), natives.packages)
                    ]
                ],
            },
        }
        self.write_pins(self.document)

    def write_pins(self, tables: dict[str, Any]) -> None:
        self.pins.write_text("".join(f"{key} = {toml(value)}\n" for key, value in tables.items()))

    def program(self, version: str, trouble: str = "") -> bytes:
        return WASMTIME.format(version=version, log=self.log, trouble=trouble).encode()

    @staticmethod
    def pin(wheel: Path) -> dict[str, object]:
        content = wheel.read_bytes()
        return {"file": wheel.name, "size": len(content), "sha256": digest(content)}

    @staticmethod
    def member(path: str, content: bytes) -> dict[str, object]:
        return {"path": path, "size": len(content), "sha256": digest(content)}

    def fetch(self, wheel: Wheel, staging: Path, progress: Progress) -> Path:
        """Stand in for the index: what `ToolchainSources.fetch` is."""
        with self.log.open("a") as log:
            log.write(f"fetch {wheel.distribution}\n")
        target = staging / f"fetched-{wheel.file}"
        target.write_bytes((self.index / wheel.file).read_bytes())
        return target

    def sources(self, **changes: Any) -> ToolchainSources:
        options: dict[str, Any] = {"pins": self.pins, "environ": {}, "fetch": self.fetch}
        return ToolchainSources(**(options | {"machine": HERE} | changes))

    @property
    def silent(self) -> Progress:
        return Silent()

    @property
    def layout(self) -> Layout:
        return layout_of(self.home, self.sources())

    def open(
        self,
        flavour: Flavour = "core",
        progress: Progress | None = None,
        **changes: Any,
    ) -> Toolchain:
        return open_toolchain(
            self.home, flavour, progress=progress or Silent(), sources=self.sources(**changes)
        )

    def work(self) -> list[str]:
        """Return what was fetched and compiled since the last call."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return lines


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def fork() -> Callable[[Callable[[], object]], int]:
    """Return a function that runs another in a process of its own and returns its process id."""

    def start(job: Callable[[], object]) -> int:
        sys.stdout.flush()
        with warnings.catch_warnings():
            # Some runners have threads; the child below touches none of theirs.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if process:
            return process
        try:
            job()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child must not go on as a second pytest
            traceback.print_exc()
            os._exit(1)

    return start


@pytest.fixture
def ended() -> Callable[[int], int]:
    """Return a function that waits for a process: its exit status, or minus its signal."""
    return lambda process: os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
