"""wine with a prefix of our own: found or installed, set up once, and ended afterwards."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKAGES = ("wine", "wine64", "gcc-mingw-w64-x86-64")
COMPILER = "x86_64-w64-mingw32-gcc"
INSTALL = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"
_SOURCE = Path(__file__).with_name("bcryptprimitives.c")
_APT = ("apt-get", "-qq", "-o", "APT::Sandbox::User=root")
# wine leaves it to the kernel to keep what may only be read, and root may write that. Without this
# right, root is held to the modes of files: so Windows holds everybody.
_HELD = ("setpriv", "--bounding-set=-dac_override")
# What pip and its kind go by, in this environment as in that of Windows. Not CI: where that is set,
# the tests prepare the largest interpreter.
_PASSED = ("PIP_", "SSL_CERT_", "REQUESTS_CA_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# How often to look whether a program has ended that has left others; of what it says, at once.
_LOOK_SECONDS, _READ = 1.0, 1 << 16
# No word of wine's own, and no offer to install what nothing here needs.
_QUIET = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree=;mshtml="}


def lacking() -> list[str]:
    """Return the programs that are not on this machine."""
    return [name for name in ("wine", "wineserver", COMPILER) if shutil.which(name) is None]


def install() -> str | None:
    """Install what is lacking, where that can be done; return why not."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return f"{', '.join(lacking())} not found; as root on Debian: {INSTALL}"
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (("update",), ("install", "-y", "--no-install-recommends", *PACKAGES)):
        done = subprocess.run([*_APT, *words], env=environ, capture_output=True, check=False)
        if done.returncode:
            return f"apt-get {words[0]} failed: {done.stderr.decode()[-500:]}"
    return None


class Wine:
    """Runs Windows programs, with all that they keep in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._prefix = folder / "prefix"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "WINEPREFIX": str(self._prefix),
            # By it wine writes the names of files.
            "LC_ALL": "C.UTF-8",
            **_QUIET,
            **{name: value for name, value in os.environ.items() if name.startswith(_PASSED)},
        }

    def prepare(self) -> None:
        """Make the prefix, and the library that wine lacks, unless both are there."""
        # Its services, which stay, get nothing of ours: a pipe that they hold has no end.
        self._silent("wine", "wineboot")
        library = self._prefix / "drive_c" / "windows" / "system32" / "bcryptprimitives.dll"
        if not library.exists() or library.stat().st_mtime < _SOURCE.stat().st_mtime:
            words = ("-shared", "-O1", "-s", "-o", str(library), str(_SOURCE), "-ladvapi32")
            subprocess.run([COMPILER, *words], check=True)

    def started(
        self, words: Sequence[str], environ: Mapping[str, str], folder: Path
    ) -> subprocess.Popen[bytes]:
        """Start a Windows program in a folder, with all that it writes in its stdout.

        That is a pipe: Python does not start where it is a plain file.
        """
        return subprocess.Popen(
            [*self._found("wine"), *words],
            env={**self.environ, **environ},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, words: Sequence[str], environ: Mapping[str, str], folder: Path) -> int:
        """Run a Windows program in a folder, showing what it writes; return its exit status.

        What it has started and left holds its pipe, and is not waited for.
        """
        with self.started(words, environ, folder) as process:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            pipe = process.stdout.fileno()
            while True:
                if select.select([pipe], [], [], _LOOK_SECONDS)[0]:
                    if not (said := os.read(pipe, _READ)):
                        break
                    sys.stdout.write(said.decode(errors="replace"))
                    sys.stdout.flush()
                elif process.poll() is not None:
                    break
        return process.returncode

    def end_programs(self) -> None:
        """End all that runs, and serve again."""
        self._silent("wineserver", "-k")
        self._silent("wineserver", "-p")
        self._silent("wine", "wineboot")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Keep wine's server inside the block: without one, each program begins one, in seconds."""
        self._silent("wineserver", "-p")
        try:
            yield
        finally:
            self._silent("wineserver", "-k")

    def _silent(self, name: str, *words: str) -> None:
        nowhere, command = subprocess.DEVNULL, [*self._found(name), *words]
        subprocess.run(
            command, env=self.environ, stdin=nowhere, stdout=nowhere, stderr=nowhere, check=False
        )

    @staticmethod
    def _found(name: str) -> tuple[str, ...]:
        return (*(_HELD if os.geteuid() == 0 else ()), shutil.which(name) or name)


def windows_path(path: Path) -> str:
    """Return how a Windows program calls a file of this machine.

    >>> windows_path(Path("/tmp/x"))
    'Z:\\\\tmp\\\\x'
    """
    return "Z:" + str(path).replace("/", "\\")
