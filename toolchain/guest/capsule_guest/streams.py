"""`sys.stdin`, `sys.stdout` and `sys.stderr` of a task: prints travel as frames."""

from __future__ import annotations

import io
import sys

from capsule.shared.frames import MAX_OUTPUT, STDERR, STDOUT
from capsule_guest.channel import send

_LONG = 8 << 10


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
        if len(data) <= MAX_OUTPUT and type(data) is bytes:
            send(self.kind, data)
            return len(data)
        view = memoryview(data).cast("B")
        for start in range(0, len(view), MAX_OUTPUT):
            send(self.kind, view[start : start + MAX_OUTPUT])
        return len(view)


class FrameText(io.TextIOWrapper):
    """The text stream over a `FrameWriter`: sent at every line end, so that it is seen at once.

    `TextIOWrapper` itself searches and copies what it is given; this spends a tenth of its fuel.
    """

    def __init__(self, kind: int, errors: str) -> None:
        super().__init__(FrameWriter(kind), "utf-8", errors, "\n", write_through=True)
        self._kept: list[str] = []

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._kept.append(text)
        if len(text) > _LONG or "\n" in text or len(self._kept) > 1000:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self._kept:
            text = "".join(self._kept)
            self._kept.clear()
            self.buffer.write(text.encode("utf-8", self.errors or "strict"))


def install() -> None:
    """Give the task its streams; stdin is empty, for the channel behind it is not the task's."""
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(), "utf-8"),
        "stdout": FrameText(STDOUT, "surrogateescape"),
        "stderr": FrameText(STDERR, "backslashreplace"),
    }
    for name, stream in streams.items():
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def flush() -> None:
    """Send what is still buffered; a task may have closed or replaced its streams."""
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        try:
            getattr(sys, name).flush()
        except Exception:
            continue
