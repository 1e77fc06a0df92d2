"""A worker's private socket: who connects to it, and commands that are handed over to it.

The socket is for programs of the same user: its folder and it are closed to others, and whoever
connects is asked who it is where the system can tell. See `capsule.cli.handover` for the message.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import struct
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from capsule import __version__
from capsule.cli.handover import ACCEPTED, GO_ON, KIND, REFUSED
from capsule.cli.parsing import fast_parser
from capsule.cli.parsing.run_request import read_request
from capsule.cli.runtime.context import Context
from capsule.cli.runtime.exit_codes import exit_code, run_with_exit_code
from capsule.cli.terminal.console import Console
from capsule.cli.terminal.grant_notice import note_grants
from capsule.cli.terminal.progress_bars import progress_for
from capsule.cli.terminal.run_display import observer_for, show
from capsule.cli.worker.descriptor_watch import watch_descriptor
from capsule.cli.worker.json_lines import JsonLines
from capsule.errors import UsageError
from capsule.file_lock import try_lock
from capsule.namedtuples import NamedTuple
from capsule.paths import make_private
from capsule.policy.resolve import UNLIMITED
from capsule.process.cancel import Cancellation
from capsule.runner.cancellable_progress import CancellableProgress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, TextIO

    from capsule.cli.parsing.run_options import Options
    from capsule.cli.worker.json_lines import Terms

# Words and variables together are bounded by the system; this is above what Linux allows.
_MAX_MESSAGE = 8 << 20
_DESCRIPTORS = 3
# Version, folder and the number of words, which has at most so many digits.
_HEAD, _DIGITS = 3, 7
# What a run here would take from its own surroundings, pip and uv too; where they differ it does
# not run here.
_DECIDING = {"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "TMPDIR", "TEMP", "TMP", "NETRC"}
_DECIDING |= {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"}
_DECIDING_KINDS = ("CAPSULE_", "PIP_", "UV_")
# Where both found each other, and what holds for all of one program.
_UNDECIDING = {"CAPSULE_SOCKET", "CAPSULE_MAX_RUNNING"}
# So many connections at once; each has a thread, and more than one descriptor. A command that is
# not served runs by itself.
_MOST_OPEN = 128
# What is over when others have given back what they hold, and after how many seconds to look.
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED)
_AGAIN = 0.05
# How long those that are served may take to end.
_LAST_WORDS = 5.0
_CREDENTIALS = struct.Struct("3i")


class Handed(NamedTuple):
    """A command that was handed over."""

    words: list[str]
    working: Path
    environ: dict[str, str]


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Listen at `path` inside the block; the socket is gone afterwards.

    Raises `UsageError` when a worker listens there already, and when there is no such place.
    """
    with ExitStack() as owned:
        try:
            make_private(path.parent)
            folder = path.parent.stat()
            if folder.st_mode & 0o022 or folder.st_uid != os.getuid():
                raise UsageError(
                    f"{path.parent} can be written by others, so anybody could listen there",
                    hint="a socket in a folder of your own",
                )
            # Held as long as this worker lives: a socket without its holder is left over.
            lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            owned.callback(os.close, lock)
            if not try_lock(lock):
                raise UsageError(f"a worker listens at {path} already")
            with suppress(FileNotFoundError):
                if not stat.S_ISSOCK(path.lstat().st_mode):
                    raise UsageError(f"{path} is there, and is no socket")
                path.unlink()
            server = owned.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            server.bind(str(path))
            path.chmod(0o600)
            owned.callback(path.unlink, missing_ok=True)
            server.listen(64)
        except OSError as error:
            raise UsageError(
                f"cannot listen at {path}: {error.strerror or error}",
                hint="--socket PATH, with a short path in a folder of your own",
            ) from None
        yield server


class Server:
    """Serves what connects to a socket, each connection in a thread of its own."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()

    def serve(self, server: socket.socket) -> None:
        """Take connections until an exception ends it."""
        while True:
            try:
                connection, _ = server.accept()
            except OSError as error:
                if error.errno not in _PASSING:
                    raise
                # Whoever waits is served when others have gone.
                time.sleep(_AGAIN)
                continue
            with self._lock:
                full = len(self._open) >= _MOST_OPEN
            if full or not _is_mine(connection):
                connection.close()
                continue
            thread = threading.Thread(target=self._attend, args=(connection,), daemon=True)
            with self._lock:
                self._open.add(connection)
                self._threads.add(thread)
            thread.start()

    def close(self) -> None:
        """End every connection, which ends what runs for it, and wait for that."""
        with self._lock:
            connections, threads = tuple(self._open), tuple(self._threads)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + _LAST_WORDS
        for thread in threads:
            # One may be stuck in the other program's streams, which nobody reads or feeds; this
            # program is about to end, and no sandbox runs any more for it.
            thread.join(max(until - time.monotonic(), 0))

    def _attend(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):
                first = connection.recv(1)
                if first == KIND:
                    self._take_over(connection)
                elif first:
                    self._follow_lines(connection, first)
        finally:
            with self._lock:
                self._open.discard(connection)
                self._threads.discard(threading.current_thread())

    def _follow_lines(self, connection: socket.socket, first: bytes) -> None:
        source, output = connection.makefile("rb"), connection.makefile("wb")
        with source, output, JsonLines(self._terms, Path.cwd(), output) as lines:
            lines.follow(_After(first, source))  # type: ignore[arg-type]

    def _take_over(self, connection: socket.socket) -> None:
        handed = _message(connection)
        options = None
        if handed is not None and not _differs(handed.environ):
            options = fast_parser.parse(handed.words)
        # What it allows is for lines: no command may go past that, nor be narrowed by surprise.
        limited = self._terms.limits._replace(flags=False) != UNLIMITED
        # A batch and a session have processes of their own.
        alone = options is None or options.map_file or options.state_file
        if handed is None or options is None or alone or limited:
            # With the version, for those who want to know why.
            connection.sendall(REFUSED + __version__.encode())
            return
        connection.sendall(ACCEPTED)
        with _streams(connection) as (stdin, stdout, stderr):
            console = Console(stdout, stderr, handed.environ.get("TERM", ""))
            context = Context(console, stdin, handed.working, handed.environ)
            code = run_with_exit_code(
                handed.words, console, lambda: self._run(options, context, connection)
            )
        # Only now: what was printed is where it belongs when the other program ends.
        connection.sendall(bytes([code]))

    def _run(self, options: Options, context: Context, connection: socket.socket) -> int:
        console = context.console
        with (
            Cancellation() as cancellation,
            watch_descriptor(connection.fileno(), select.POLLIN, cancellation.cancel),
        ):
            asked = read_request(options, context)
            if console.stderr_is_terminal and not (options.quiet or options.json):
                note_grants(asked.source, asked.call, asked.home, console)
            with observer_for(console, cancellation, verbose=options.verbose) as observer:
                envelope = self._terms.prepared_tasks.run(
                    asked.source,
                    asked.call,
                    observer,
                    cancellation,
                    CancellableProgress(progress_for(console, quiet=options.quiet), cancellation),
                )
        show(envelope, console, json=options.json, result=options.result, quiet=options.quiet)
        return exit_code(envelope)


class _After:
    """A stream of lines whose first byte was read already."""

    def __init__(self, first: bytes, rest: object) -> None:
        self._first, self._rest = first, rest

    def readline(self, most: int) -> bytes:
        """Return the next line, or at most so many bytes of it."""
        first, self._first = self._first, b""
        if first == b"\n":
            return first
        line: bytes = self._rest.readline(most - len(first))  # type: ignore[attr-defined]
        return first + line


@contextmanager
def _streams(connection: socket.socket) -> Iterator[tuple[BinaryIO, TextIO, TextIO]]:
    """Give the standard streams of the other program, which come when it says to go on.

    Raises `OSError` when it does not.
    """
    # No sandbox that is started meanwhile may inherit them.
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    said, descriptors, _, _ = socket.recv_fds(connection, 1, _DESCRIPTORS, flags)
    with ExitStack() as owned:
        for number in descriptors:
            owned.callback(_close, number)
            os.set_inheritable(number, False)
        if said != GO_ON or len(descriptors) != _DESCRIPTORS:
            raise ConnectionError("the other program did not go on")
        stdin = owned.enter_context(os.fdopen(descriptors[0], "rb", closefd=False))
        stdout, stderr = (
            owned.enter_context(os.fdopen(number, "w", closefd=False)) for number in descriptors[1:]
        )
        yield stdin, stdout, stderr


def _message(connection: socket.socket) -> Handed | None:
    size = int.from_bytes(_exactly(connection, 4), "little")
    if size > _MAX_MESSAGE:
        return None
    texts = _exactly(connection, size).split(b"\0")
    if len(texts) < _HEAD or texts[0] != __version__.encode():
        return None
    _, working, count, *texts = texts
    if not count.isdigit() or len(count) > _DIGITS or int(count) > len(texts):
        return None
    words = list(map(os.fsdecode, texts[: int(count)]))
    pairs = (os.fsdecode(text).partition("=") for text in texts[int(count) :])
    environ = {name: value for name, equals, value in pairs if equals}
    return Handed(words, Path(os.fsdecode(working)), environ)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = connection.recv(min(size - len(data), 1 << 16))
        if not more:
            raise ConnectionError("the other program is gone")
        data += more
    return bytes(data)


def _differs(environ: dict[str, str]) -> bool:
    return any(
        environ.get(name) != os.environ.get(name)
        for name in environ.keys() | os.environ.keys()
        if _decides(name)
    )


def _decides(name: str) -> bool:
    if name in _DECIDING or name.lower().endswith("_proxy"):
        return True
    return name.startswith(_DECIDING_KINDS) and name not in _UNDECIDING


def _is_mine(connection: socket.socket) -> bool:
    """Say whether the other end is of this user; where nobody can tell, the folder is private."""
    if sys.platform != "linux":
        return True
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(found)[1] == os.getuid())


def _close(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)
