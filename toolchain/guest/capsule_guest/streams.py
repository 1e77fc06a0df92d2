"""`sys.stdin`, `sys.stdout` and `sys.stderr` of a task: prints travel as frames."""

from __future__ import annotations

import builtins
import functools
import io
import sys
from contextlib import contextmanager

from capsule.shared.frames import MAX_OUTPUT, STDERR, STDOUT
from capsule_guest.channel import send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# What a module may print while a snapshot is taken of it: more makes no snapshot.
_KEPT_MOST = 1 << 20

# What was printed then, said again by every run from the snapshot; and whether it goes there now.
_printed: list[tuple[int, bytes]] = []
_stdin = io.BytesIO()
_keeping: list[bool] = []


class FrameWriter(io.RawIOBase):
    """A binary stream whose bytes become frames of one kind, at once."""

    def __init__(self, kind: int) -> None:
        super().__init__()
        self.kind = kind
        self.name = "<stdout>" if kind == STDOUT else "<stderr>"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise io.UnsupportedOperation("this stream has no descriptor of its own")

    def write(self, data) -> int:  # type: ignore[no-untyped-def, override]
        if _keeping:
            _keep(self.kind, bytes(data))
            return len(data)
        if len(data) <= MAX_OUTPUT and type(data) is bytes:
            send(self.kind, data)
            return len(data)
        view = memoryview(data).cast("B")
        for start in range(0, len(view), MAX_OUTPUT):
            send(self.kind, view[start : start + MAX_OUTPUT])
        return len(view)


class FrameText(io.TextIOWrapper):
    """The text stream over a `FrameWriter`: each write is sent at once, whatever ends the run then.

    `TextIOWrapper` itself searches and copies what it is given; this spends a tenth of its fuel.
    """

    def __init__(self, kind: int, errors: str) -> None:
        super().__init__(FrameWriter(kind), "utf-8", errors, "\n", write_through=True)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self.buffer.write(text.encode("utf-8", self.errors or "strict"))
        return len(text)


_print = print


@functools.wraps(print)
def joined_print(*values, sep=" ", end="\n", file=None, flush=False):  # type: ignore[no-untyped-def]
    out = sys.stdout if file is None else file
    # The usual case in one piece, and so in one frame; everything else, errors too, as ever.
    if type(out) is FrameText and type(sep) is str and type(end) is str:
        out.write(sep.join(map(str, values)) + end)
    else:
        _print(*values, sep=sep, end=end, file=file, flush=flush)


def install() -> None:
    """Give the task its streams; stdin is empty, for the channel behind it is not the task's."""
    streams = {
        "stdin": io.TextIOWrapper(_stdin, "utf-8"),
        "stdout": FrameText(STDOUT, "surrogateescape"),
        "stderr": FrameText(STDERR, "backslashreplace"),
    }
    for name, stream in streams.items():
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    builtins.print = joined_print


def feed(data: bytes) -> None:
    """Have the task read `data` from its stdin, whoever has that stream already."""
    _stdin.write(data)
    _stdin.seek(0)


def read_input(most: int) -> bytes:
    """Read what `sys.stdin` has not read yet."""
    stream = sys.__stdin__
    return b"" if stream is None or stream.closed else bytes(stream.buffer.read(most))


@contextmanager
def kept() -> Iterator[list[tuple[int, bytes]]]:
    """Keep what is printed inside, to be said again by `repeat`."""
    _keeping.append(True)
    try:
        yield _printed
    finally:
        _keeping.clear()


def _keep(kind: int, data: bytes) -> None:
    if sum(len(kept) for _, kept in _printed) < _KEPT_MOST:
        _printed.append((kind, data))


def repeat() -> None:
    """Print what the import printed when the snapshot was taken."""
    for kind, data in _printed:
        for start in range(0, len(data), MAX_OUTPUT):
            send(kind, data[start : start + MAX_OUTPUT])
    _printed.clear()


def flush() -> None:
    """Send what is still buffered; a task may have closed or replaced its streams."""
    names = "stdout", "stderr", "__stdout__", "__stderr__"
    found: list = [getattr(sys, name, None) for name in names]
    for stream in {id(stream): stream for stream in found}.values():
        try:
            stream.flush()
        except BaseException:  # whatever a stream of the task's own does
            continue
