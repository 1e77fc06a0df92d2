"""The command line of a sandbox: a pure function, so that what a run may do can be read off it."""

from __future__ import annotations

from capsule.confine import guard_words
from capsule.confine.scratch import TEMPORARY, WORKING
from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.confine.scratch import Scratch

# The interpreter uses WebAssembly exceptions, and its native code counts fuel; compile and run must
# agree on both.
FEATURES = "exceptions=y,fuel={fuel}"

# The stack of native code, which grows beside the C stack in memory: CPython stops recursion by
# the latter, 4 MiB of it (see `interpreter.patch` in the pins), and not by this one, whose end
# would end the sandbox. Of what recurses in C and is stopped, nested JSON arrays take most here:
# some ten bytes for each there. Only what is used takes memory.
WASM_STACK = 64 << 20
# wasmtime runs WebAssembly on a stack of its own, with what a call of WASI takes besides.
ASYNC_STACK = WASM_STACK + (2 << 20)

# The arguments that the driver and the guard read, and nobody else: the program's name, then the
# budget in hexadecimal
ARGV0 = "python"
# and the seal, a random text of the run's own that its closing frame has to bear; and behind it
# what the guard has to know, see `capsule.confine.guard_words`.
BUDGET_DIGITS = 16
SEAL_DIGITS = 16

# What the guest calls the folder with the standard library's archive.
STDLIB_GUEST = "/usr/local/lib"


class Mount(NamedTuple):
    """A folder of the host and the absolute path that the sandbox sees it under.

    No link is on the path of a `nofollow` one when the policy is made, nor may one be when it is
    mounted: a folder of the user's, which another sandbox may be writing around. A file is shown as
    a copy in a folder of its own: a sandbox sees folders alone. A `private` one is the run's own,
    and what may be in there is bounded.
    """

    host: Path
    guest: str
    writable: bool
    nofollow: bool = False
    is_file: bool = False
    private: bool = False


def private_mounts(scratch: Scratch) -> tuple[Mount, Mount]:
    """Return the mounts of a run's private folders, `/` and `/tmp`."""
    return (
        Mount(scratch.working, WORKING, writable=True, private=True),
        Mount(scratch.temporary, TEMPORARY, writable=True, private=True),
    )


class Launch(NamedTuple):
    """All that decides what a sandbox process is and may do.

    `image` is the memory that it begins with, a compiled module like the others, and `codegen` what
    all of them were compiled with: wasmtime takes no others. `fuel` is the
    whole allowance in units, start-up included, and `budget` the part of it that is the task's own;
    `memory` is in bytes, None for no limit but WebAssembly's 4 GiB. `names` is by which rules the
    guard judges names.
    """

    wasmtime: Path
    image: Path
    guard: Path
    host_module: Path
    interpreter: Path
    driver: Path
    codegen: str
    fuel: int
    budget: int = 0
    seal: str = "0" * SEAL_DIGITS
    memory: int | None = None
    mounts: tuple[Mount, ...] = ()
    names: str = guard_words.name_rules()

    @property
    def modules(self) -> tuple[Path, ...]:
        """The compiled modules that the program loads."""
        return self.image, self.guard, self.host_module, self.interpreter, self.driver


def command_line(launch: Launch) -> list[str]:
    """Return the argument vector of `launch`.

    Raises `UsageError` for a folder whose path cannot be said on wasmtime's command line.
    """
    wasm = f"{FEATURES.format(fuel=launch.fuel)},max-wasm-stack={WASM_STACK}"
    wasm += f",async-stack-size={ASYNC_STACK}"
    if launch.memory is not None:
        wasm += f",max-memory-size={launch.memory}"
    argv = [str(launch.wasmtime), "run", "-C", launch.codegen, "-W", wasm, "--allow-precompiled"]
    argv += ["--argv0", ARGV0]
    for mount in launch.mounts:
        if "::" in f"{mount.host}":
            raise UsageError(
                f"the folder {str(mount.host)!r} cannot be mounted: its path contains '::'",
                hint="rename the folder, or move it",
            )
        argv += ["--dir", f"{mount.host}::{mount.guest}"]
    # Each imports what those before it export.
    argv += ["--preload", f"memory={launch.image}"]
    argv += ["--preload", f"guard={launch.guard}"]
    argv += ["--preload", f"host={launch.host_module}"]
    argv += ["--preload", f"python={launch.interpreter}"]
    words = f"{launch.budget:0{BUDGET_DIGITS}x}{launch.seal}{launch.names}"
    return [*argv, str(launch.driver), words + "".join(map(_folder_word, launch.mounts))]


def _folder_word(mount: Mount) -> str:
    if not mount.writable:
        return guard_words.READ_ONLY
    return guard_words.PRIVATE if mount.private else guard_words.WRITABLE
