"""Handing a command over to a worker that listens: it runs there, and looks as if it ran here.

The worker gets this program's words, folder, variables and three standard descriptors, and answers
with the exit code. It writes to the descriptors itself, so nothing is copied and nothing waits.
What cannot be handed over for whatever reason runs here, and nobody is told.

A message is one byte that says what it is, the length of the rest (four bytes, little-endian), and
texts with NUL between them, which none can hold: version, folder, the number of words, the words,
and the variables. The worker accepts or refuses; only when this program has said to go on, with the
descriptors, a task begins: a worker that is too slow to accept never runs what was given up here.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Mapping, Sequence

SOCKET_VARIABLE = "CAPSULE_SOCKET"
NAME = "worker.sock"
KIND = b"\0"
ACCEPTED, REFUSED = b"\1", b"\0"
GO_ON = b"\0"
# A worker that does not answer within so many seconds is not there.
_PATIENCE = 2.0
INTERRUPTED, _LOST = 130, 1
_STANDARD = (0, 1, 2)
# What a worker takes, and what is imported with the fewest detours.
COMMANDS = ("run", "exec")


def socket_path(environ: Mapping[str, str]) -> str | None:
    """Return where a worker of this user listens: in the folder with all of capsule's state.

    `CAPSULE_SOCKET` names another place. None where only `capsule.paths` knows that folder.

    >>> socket_path({"CAPSULE_HOME": "/srv/capsule"}), socket_path({"HOME": "/home/me"})
    ('/srv/capsule/worker.sock', '/home/me/.local/share/capsule/worker.sock')
    """
    if named := environ.get(SOCKET_VARIABLE):
        return named
    root = state_root(environ)
    return root and f"{root}/{NAME}"


def state_root(environ: Mapping[str, str]) -> str | None:
    """Return what `capsule.paths.state_root` does, without the imports, for the usual cases.

    >>> state_root({"CAPSULE_HOME": "~/capsule"}), state_root({"HOME": "/home/me"})
    (None, '/home/me/.local/share/capsule')
    """
    if sys.platform == "win32" or "ANDROID_DATA" in environ:
        return None
    if home := environ.get("CAPSULE_HOME"):
        return home if home[0] == "/" else None
    data, user = environ.get("XDG_DATA_HOME", ""), environ.get("HOME", "")
    if sys.platform == "darwin":
        data = f"{user}/Library/Application Support"
    elif data[:1] != "/":
        data = f"{user}/.local/share"
    return f"{data}/capsule" if data[0] == "/" else None


def is_private(path: str) -> bool:
    """Say whether only this user can put a socket at `path`, and did."""
    try:
        folder, there = os.stat(os.path.dirname(path) or "."), os.lstat(path)
    except OSError:
        return False
    user = os.getuid()
    return folder.st_uid == there.st_uid == user and not folder.st_mode & 0o022


def attempt(words: Sequence[str]) -> int | None:
    """Have a worker run the command; return its exit code, None when it is to run here."""
    if not words or words[0] not in COMMANDS or sys.platform == "win32":
        return None
    path = socket_path(os.environ)
    if path is None or not is_private(path):
        return None
    if ("-" in words or "--stdin" in words) and os.isatty(0):
        return None  # only who is in its foreground can read from a terminal
    connection = _taken(words, path)
    return None if connection is None else _code(connection)


def _taken(words: Sequence[str], path: str) -> _socket.socket | None:
    """Give the command to the worker and return the connection; None when it does not take it."""
    # The module `socket` takes longer to import than all of this.
    import _socket

    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    if connection.fileno() in _STANDARD:
        # One of those is closed here: what the task prints there would go to the worker.
        return None
    try:
        connection.settimeout(_PATIENCE)
        connection.connect(path)
        connection.sendall(message(words))
        if connection.recv(1) != ACCEPTED:
            return None
        # Only now: descriptors that nobody takes would stay open as long as he lives.
        rights = b"".join(number.to_bytes(4, sys.byteorder) for number in _STANDARD)
        connection.sendmsg([GO_ON], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
        connection.settimeout(None)
    except OSError:
        return None
    return connection


def _code(connection: _socket.socket) -> int:
    """Wait for the exit code, and pass signals on meanwhile."""
    with _passed_on(connection.send):
        try:
            code = connection.recv(1)
        except OSError:
            code = b""
    if code:
        return code[0]
    os.write(
        2, b"capsule: the worker ended before it answered; whether the task ran is not known\n"
    )
    return _LOST


def message(words: Sequence[str]) -> bytes:
    """Return what is sent to a worker, with this program's folder and variables."""
    from capsule import __version__

    texts = [__version__.encode(), os.getcwdb(), b"%d" % len(words), *map(os.fsencode, words)]
    texts += [name + b"=" + value for name, value in os.environb.items()]
    body = b"\0".join(texts)
    return KIND + len(body).to_bytes(4, "little") + body


class _passed_on:  # noqa: N801 - a context manager, without the import of contextlib
    """Pass signals on to the worker inside the block; who insists is let go."""

    def __init__(self, send: Callable[[bytes], int]) -> None:
        self._send = send
        self._told = False

    def __enter__(self) -> None:
        # The module `signal` makes enumerations of what is in here.
        import _signal  # type: ignore[import-not-found]

        for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
            # What was ignored when this program began stays ignored, as by `nohup`.
            if _signal.getsignal(number) != _signal.SIG_IGN:
                _signal.signal(number, self._tell)

    def _tell(self, number: int, _frame: object) -> None:
        import _signal

        if self._told and number == _signal.SIGINT:
            os._exit(INTERRUPTED)
        self._told = True
        try:
            self._send(bytes([number]))
        except OSError:
            return

    def __exit__(self, *exc: object) -> None:
        """Leave the handlers: this program is about to end."""
