"""What `capsule doctor` looks at, one function for each thing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile

from capsule import __version__, state_folder
from capsule.cli import handover
from capsule.cli.commands.trial_run import trial_run
from capsule.cli.render.part_list import said_of
from capsule.cli.worker import probe
from capsule.confine import isolation_layers
from capsule.errors import CapsuleError
from capsule.lifecycle import health
from capsule.lifecycle.recorder import VARIABLE
from capsule.message_text import printable
from capsule.namedtuples import NamedTuple
from capsule.paths import HOME_VARIABLE, make_private, state_root
from capsule.progress import Silent
from capsule.snapshot import eviction
from capsule.toolstore import manage, pip
from capsule.toolstore.inventory import IN_USE
from capsule.toolstore.layout import WASMTIME_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal


# The toolchain with one interpreter compiled, and room to unpack it.
_NEEDED = 1_000_000_000
_RESTART = "end it, and start it here: capsule worker --listen"


class Row(NamedTuple):
    """What one check found, and the next step where something is wrong."""

    name: str
    state: Literal["ok", "warning", "failed"]
    found: str
    remedy: str = ""


def look(check: Callable[[], Row]) -> Row:
    """Run a check; an error of it is its finding."""
    try:
        return check()
    except CapsuleError as error:
        return Row(check.__name__, "failed", error.message, error.hint or "")
    except OSError as error:
        return Row(check.__name__, "failed", str(error))


def version() -> Row:
    """Say what runs on what."""
    system = f"{platform.system()} {platform.machine()}"
    return Row("version", "ok", f"capsule {__version__}, Python {sys.version.split()[0]}, {system}")


def state() -> Row:
    """Try to write where all state is kept, and see whose that is."""
    root = state_root()
    state_folder.check(root)
    try:
        make_private(root)
        with tempfile.NamedTemporaryFile(dir=root):
            free = shutil.disk_usage(root).free
    except OSError as error:
        return Row(
            "state",
            "failed",
            f"{root} cannot be written: {error.strerror}",
            f"set {HOME_VARIABLE} to a folder that you can write to",
        )
    if free < _NEEDED and not _installed():
        return Row(
            "state",
            "warning",
            f"{root} has {free / 1e9:.1f} GB left, and the toolchain takes about 0.5 GB",
            f"free some space, or set {HOME_VARIABLE} to a folder on another disk",
        )
    return Row("state", "ok", f"{root}, {free / 1e9:.1f} GB free")


def installer() -> Row:
    """Look for the program that downloads."""
    found = next(pip.candidates(pip.surroundings()), None)
    if found is not None:
        return Row("installer", "ok", found.name)
    return Row(
        "installer",
        "ok" if _installed() else "warning",
        "there is neither pip nor uv here",
        "" if _installed() else "install pip, or capsule toolchain import FILE",
    )


def toolchain() -> Row:
    """Look at the pinned parts."""
    parts = manage.list_parts(state_root())
    if any(part.state == "refused" for part in parts):
        return Row("toolchain", "warning", "not looked at: its wasmtime cannot be used")
    if any(part.state == "changed" for part in parts):
        # A copied or restored home has other times and the same content, which is as good.
        damaged = [found for found in manage.verify(state_root()) if found.state == "damaged"]
    else:
        damaged = []
    if damaged:
        return Row(
            "toolchain",
            "failed",
            f"{damaged[0].path} is not as it was installed",
            "capsule toolchain install",
        )
    if not _installed():
        return Row(
            "toolchain",
            "warning",
            "it is not installed yet; the first run does it",
            "capsule toolchain install",
        )
    size = sum(part.size for part in parts)
    return Row("toolchain", "ok", f"ready, {size / 1e6:.0f} MB")


def wasmtime() -> Row:
    """Say which program runs the sandboxes, and what is published against it."""
    used = next((part for part in manage.list_parts(state_root()) if part.name == IN_USE), None)
    if used is None:
        return Row(
            "wasmtime", "failed", "none is pinned for this machine", f"set {WASMTIME_VARIABLE}"
        )
    if used.trouble is not None:
        return Row("wasmtime", "failed", used.trouble.message, used.trouble.hint or "")
    names = ", ".join(each.name for each in used.advisories)
    found = f"{used.version}, {used.note}; {said_of(used.advisories)}"
    if names:
        found += f": {names}"
    unsafe = next((each for each in used.advisories if each.unsafe), None)
    if unsafe is None:
        return Row("wasmtime", "ok", found)
    remedy = (
        f"capsule toolchain install --wasmtime FILE, with one of {', '.join(unsafe.fixed)} or newer"
    )
    return Row("wasmtime", "warning", found, remedy)


def confinement() -> Row:
    """Say which walls the operating system adds to the sandbox's own."""
    standing = isolation_layers.standing()
    if standing.landlock and standing.seccomp:
        found = (
            f"WebAssembly, the guard, Landlock ABI {standing.landlock}, a filter of system calls"
        )
        return Row("confinement", "ok", found)
    lacking = "Landlock" if not standing.landlock else "seccomp"
    return Row(
        "confinement",
        "warning",
        f"this system has no {lacking}: WebAssembly and the guard stand around files without it",
        "Linux 5.13 or newer, on x86_64 or aarch64, adds walls",
    )


def cache() -> Row:
    """Say how much the cache holds."""
    found = eviction.contents(state_root() / "cache")
    size = sum(kept.size for kept in found)
    most = eviction.Bounds().size
    text = f"{len(found)} entries, {size / 1e6:.0f} MB; up to {most / 1e6:,.0f} MB are kept"
    if size > 2 * most:
        return Row("cache", "warning", text, "capsule cache prune")
    return Row("cache", "ok", text)


def record() -> Row:
    """Try whether runs can be recorded."""
    if os.environ.get(VARIABLE) == "0":
        return Row("record", "ok", f"off, by {VARIABLE}=0")
    found = health.look(state_root())
    if found.trouble:
        text = f"runs are not recorded: {found.trouble}"
        return Row("record", "warning", text, found.remedy)
    if not found.size:
        return Row("record", "ok", "no run is recorded yet")
    attempts = "1 attempt" if found.attempts == 1 else f"{found.attempts:,} attempts"
    return Row("record", "ok", f"{attempts}, {found.size / 1e6:.1f} MB")


def worker() -> Row:
    """Ask the worker that `run` and `exec` hand over to."""
    if sys.platform == "win32":
        return Row("worker", "ok", "there are no Unix sockets here, so none can listen")
    path = probe.listening_place(state_root())
    if not path.exists():
        return Row("worker", "ok", "none listens; with one, commands start at once")
    if not handover.is_private(str(path)):
        text = f"{path} is not yours alone, so commands are not handed over"
        return Row("worker", "warning", text, "CAPSULE_SOCKET in a folder of your own")
    found = probe.listener(path)
    if found is None:
        return Row("worker", "warning", f"none answers at {path}", _RESTART)
    if found.takes:
        return Row("worker", "ok", f"one listens at {path}, of this version")
    if found.version == __version__:
        text = "one listens with other variables than here, or limits, so it takes no commands"
    else:
        text = f"one listens of version {printable(found.version) or 'unknown'}, which takes none"
    return Row("worker", "warning", text, _RESTART)


def run() -> Row:
    """Run a task."""
    if not _installed():
        return Row("run", "warning", "not tried: the toolchain is not installed")
    try:
        took = trial_run(Silent())
    except CapsuleError as error:
        return Row("run", "failed", error.message, error.hint or "")
    return Row("run", "ok", f"a task answered in {took} ms")


CHECKS: tuple[Callable[[], Row], ...] = (
    version,
    state,
    installer,
    toolchain,
    wasmtime,
    confinement,
    cache,
    record,
    worker,
    run,
)


def _installed() -> bool:
    parts = {part.name: part.state for part in manage.list_parts(state_root())}
    return parts.get("compiled core") in ("ready", "changed")
