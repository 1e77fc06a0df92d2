"""The second wall on Linux: what a process gives up as it starts, and its limits after that."""

from __future__ import annotations

import _thread
import os
import resource
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from capsule.confine import capabilities, landlock, scratch_reserve, seccomp
from capsule.confine.elf import loader_of
from capsule.signal_calls import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.confine.access import Access

# Where shared libraries lie; reading them is allowed, running a program in there is not.
_LIBRARIES = tuple(map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64")))
# What is written anew when libraries come: where glibc's loader looks, and where musl's does, to
# which one that it may not read means nowhere.
_INDEXES = (
    Path("/etc/ld.so.cache"),
    *(Path(f"/etc/ld-musl-{machine}.path") for machine in ("x86_64", "aarch64")),
)
_LIBRARY_RULES = tuple(landlock.Rule(path, landlock.READ) for path in (*_LIBRARIES, *_INDEXES))
_FIXED = frozenset(_LIBRARIES)
# What wasmtime holds open itself, the folders, and the files that the guard lets be open.
_OPEN_FILES = 256


def rules_for(access: Access) -> list[landlock.Rule]:
    """Return the Landlock rules that leave just `access`."""
    rules = [landlock.Rule(access.program, landlock.EXECUTE | landlock.READ_FILE)]
    if loader := _loader(access):
        # The kernel opens the loader for execution on behalf of the program.
        rules.append(landlock.Rule(loader, landlock.EXECUTE | landlock.READ_FILE))
    rules += _LIBRARY_RULES
    for paths, rights in ((access.read, landlock.READ), (access.write, landlock.WRITE)):
        rules += [landlock.Rule(path, rights, path in access.nofollow) for path in paths]
    return rules


def _ruleset(access: Access, loader: Path | None, version: int) -> landlock.Ruleset:
    if access.nofollow or not scratch_reserve.is_kept():
        return landlock.Ruleset(rules_for(access), version)
    # For programs that run many.
    from capsule.confine import kept_rulesets

    key = access.program, access.read, access.write, loader, version
    return kept_rulesets.ruleset(key, lambda: rules_for(access), version, _FIXED)


def _loader(access: Access) -> Path | None:
    return _loader_of(access.program, access.program.stat().st_mtime_ns)


@lru_cache
def _loader_of(program: Path, _changed: int) -> Path | None:
    """Return what `loader_of` does, read once for a program as it is since it was changed."""
    return loader_of(program)


def spawn_confined(
    access: Access, spawn: Callable[[], int], *, version: int, filtered: bool, traced: bool = True
) -> int:
    """Call `spawn` in a thread that has restricted itself to `access`, and return its answer.

    `version` is Landlock's, 0 for none; `filtered` is whether system calls are closed, and `traced`
    whether those that the program asks for are known.

    All walls hold for the calling thread and what it starts, so a thread that ends right after
    keeps the rest of the program free. Capabilities are given up in any case. Raises what `spawn`
    raises, and `OSError` when the kernel refuses a wall; nothing is started then.
    """
    loader = _loader(access) if version or traced else None
    ruleset = _ruleset(access, loader, version) if version else None
    of_program = loader if traced else None
    code = seccomp.program(os.uname().machine, of_program) if filtered else b""
    kept = capabilities.needed(access)
    answer: list[int] = []
    trouble: list[BaseException] = []
    done = _thread.allocate_lock()
    done.acquire()

    def restricted() -> None:
        try:
            if ruleset is not None:
                ruleset.restrict_this_thread()
            capabilities.drop(kept)
            if filtered:
                seccomp.filter_this_thread(code)
            answer.append(spawn())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            trouble.append(error)
        finally:
            done.release()

    try:
        _thread.start_new_thread(restricted, ())
        done.acquire()
    except RuntimeError:  # there is no such thread
        raise
    except BaseException:
        # Ctrl-C in the middle: nobody would know of what is started meanwhile.
        done.acquire()
        for pid in answer:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        raise
    if trouble:
        raise trouble[0]
    return answer[0]


def limit(
    pid: int, *, cpu_seconds: int | None, file_size: int | None, memory: int | None = None
) -> None:
    """Bound what the process may use of the machine beside memory: the last resort.

    No core files, few descriptors, and where the caller knows them, no larger file than so many
    bytes, no more CPU time than so many seconds and no more addresses than so many bytes. A process
    that is gone already needs no limits.
    """
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    if file_size is not None:
        bounds[resource.RLIMIT_FSIZE] = file_size
    if cpu_seconds is not None:
        bounds[resource.RLIMIT_CPU] = cpu_seconds
    if memory is not None:
        bounds[resource.RLIMIT_AS] = memory
    try:
        for kind, bound in bounds.items():
            _, hard = resource.prlimit(pid, kind)
            # A limit that is there already can be lowered only.
            least = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
            resource.prlimit(pid, kind, (least, least))
    except ProcessLookupError:
        return
