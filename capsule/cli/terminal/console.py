"""The one place that prints: results to stdout, everything else to stderr.

Output is UTF-8 whatever the locale says. On a terminal, control characters of what a task printed
are made harmless: code that nobody trusts must not drive the terminal of whoever runs it.
"""

from __future__ import annotations

import codecs
import errno
import os
import select
import sys
import time
from contextlib import contextmanager, nullcontext, suppress

from capsule import direct_json
from capsule.errors import OutputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, BinaryIO, TextIO

    from capsule.cli.terminal.live_region import LiveRegion, Part, Terminal
    from capsule.envelope import Envelope
    from capsule.errors import CapsuleError
    from capsule.process.cancel import Cancellation

# To a second screen of the terminal and back; home; clear to the end of the line, of the screen.
_ENTER, _LEAVE, _HOME, _END_OF_LINE, _REST = (
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[H",
    "\x1b[K",
    "\x1b[J",
)
# What fits where no terminal says so.
_COLUMNS, _LINES = 80, 24
# What the system says of a pipe that nobody reads; Windows' C library calls it a wrong argument.
_UNREAD = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)


class Console:
    """Where a command's output goes: this program's own streams unless others are given.

    `terminal` is what the variable TERM says of the terminal, if there is one.
    """

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        terminal: str | None = None,
    ) -> None:
        self._stdout = sys.stdout if stdout is None else stdout
        self.stderr = sys.stderr if stderr is None else stderr
        self.stdout_is_terminal = _is_terminal(self._stdout)
        self.stderr_is_terminal = _is_terminal(self.stderr)
        named = os.environ.get("TERM") if terminal is None else terminal
        # Whether what stands on stderr can be drawn anew.
        self.stderr_is_drawn = self.stderr_is_terminal and named != "dumb"
        self._live_region: LiveRegion | None = None
        # Whether something was printed to stdout, or tried to be.
        self.has_answered = False
        # Whether a task has begun a line of stderr that it has not ended.
        self._unfinished = False
        # Whether whoever read stdout has gone away.
        self.stdout_is_gone = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def size(self) -> tuple[int, int]:
        """How many columns and lines stdout shows: the usual ones where it is no terminal."""
        return _size_of(self._stdout) if self.stdout_is_terminal else (_COLUMNS, _LINES)

    @property
    def columns(self) -> int:
        """How many columns stderr shows."""
        return _size_of(self.stderr)[0]

    def envelope(self, envelope: Envelope, *, one_line: bool) -> None:
        """Print an envelope: indented on a terminal, else as one line."""
        self.document(envelope, indent=2 if self.stdout_is_terminal and not one_line else None)

    def document(self, value: Any, *, indent: int | None = None) -> None:
        """Print a value as JSON, on one line unless it is indented."""
        text = direct_json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
        try:
            text.encode()
        except UnicodeEncodeError:
            # Half of a pair, as in the name of a file that is no UTF-8: escaped, it comes whole.
            text = direct_json.dumps(value, allow_nan=False, indent=indent)
        self._print(_harmless_json(text) if self.stdout_is_terminal else text)

    def json(self, value: Any) -> None:
        """Print a value as one line of JSON, all of it in ASCII."""
        self._print(_harmless_json(direct_json.dumps(value)))

    def bare_result(self, result: Any) -> None:
        """Print a result alone, a string as it is."""
        self.out(_bare(result))

    def error(self, error: CapsuleError) -> None:
        """Print what went wrong before a run, and what to do next."""
        self.tell(f"capsule: {error}")

    def note(self, text: str) -> None:
        """Print what the user should know beside the answer."""
        self.tell(f"capsule: {text}")

    def tell(self, text: str) -> None:
        """Print words for a person to stderr, folded to the width of a terminal."""
        if self.stderr_is_terminal:
            from capsule.cli.render.message_lines import folded  # for who reads alone

            text = folded(text, self.columns)
        self.err(text)

    def out(self, text: str) -> None:
        """Print a line to stdout."""
        self._print(_harmless(text) if self.stdout_is_terminal else text)

    def _print(self, text: str) -> None:
        data = (text + "\n").encode(errors="replace")
        self.has_answered = True
        if self.stdout_is_terminal and self.stderr_is_terminal:
            self._end_line()
        try:
            with self._beside():
                self.stdout_is_gone |= not _write(self._stdout, data)
        except OSError as error:
            # What was produced is not lost for want of space: it goes where there may be some.
            self.task_output(data)
            raise OutputError(
                f"stdout cannot be written: {error.strerror}; what belongs there is on stderr",
                hint="free some space, or write to another place",
            ) from None

    @contextmanager
    def redrawn(self) -> Iterator[Callable[[Sequence[str]], None]]:
        """Give what shows lines in place of those before, on a screen that is gone afterwards."""
        self._control(_ENTER)

        def draw(lines: Sequence[str]) -> None:
            _, height = self.size
            fitting = list(lines[: height - 1])
            if len(lines) > len(fitting) > 0:
                fitting[-1] = f"({len(lines) - len(fitting) + 1} lines more)"
            # A line is cleared first: behind one that is as wide as the terminal, its last
            # character would go. A line feed behind the last one would scroll.
            clears = [*[_END_OF_LINE] * (len(fitting) - 1), _REST]
            shown = "\n".join(map("".join, zip(clears, map(_harmless, fitting), strict=False)))
            self._control(f"{_HOME}{shown or _REST}")

        try:
            yield draw
        finally:
            self._control(_LEAVE)

    def _control(self, text: str) -> None:
        with suppress(OSError):
            self.stdout_is_gone |= not _write(self._stdout, text.encode(errors="replace"))

    def wait_while_read(self, seconds: float) -> bool:
        """Wait so long, and say whether somebody still reads stdout."""
        if self._stdout is None:  # it was closed before this program began
            return False
        if not hasattr(select, "poll"):
            time.sleep(seconds)
            return not self.stdout_is_gone
        poll = select.poll()
        # Asked for nothing, the system tells of errors and of the end.
        poll.register(self._stdout.fileno(), 0)
        return not (self.stdout_is_gone or poll.poll(int(seconds * 1000)))

    @contextmanager
    def in_live_region(
        self,
        part: Part,
        last: Callable[[int], Sequence[str]],
        hurry: Callable[[], bool] = lambda: False,
    ) -> Iterator[None]:
        """Show lines below all else that is printed to stderr, drawn anew until the block ends.

        Then what `last` gives for a width stays. `hurry` says whether a terminal that takes nothing
        may be left without that.
        """
        from capsule.cli.terminal.live_region import LiveRegion

        def shown(width: int, height: int) -> Sequence[str]:
            return [_harmless(line) for line in part(width, height)]

        if self._live_region is None or not self._live_region.add(shown):
            self._live_region = LiveRegion(_drawn_on(self.stderr), lambda: _size_of(self.stderr))
            self._live_region.add(shown)
        live_region = self._live_region
        try:
            yield
        finally:
            live_region.remove(shown, [_harmless(line) for line in last(self.columns)], hurry)

    def _beside(self) -> AbstractContextManager[None]:
        """Keep the live region away from stdout, which may be the same terminal."""
        if self._live_region is None or self._live_region.is_over or not self.stdout_is_terminal:
            return nullcontext()
        return self._live_region.aside()

    def err(
        self, text: str, deadline: float | None = None, cancellation: Cancellation | None = None
    ) -> None:
        """Print a line to stderr.

        One that would go above a live region is dropped where the terminal does not take it before
        `deadline`, in the seconds of `time.monotonic`, or before the run is cancelled.
        """
        text += "\n"
        if self.stderr_is_terminal:
            text = _harmless(text)
        if self._live_region is None or not self._live_region.say(text, deadline, cancellation):
            self._end_line()
            with suppress(OSError):
                _write(self.stderr, text.encode(errors="replace"))

    def _end_line(self) -> None:
        """End the line that a task has begun, so that what is ours begins one."""
        if self._unfinished:
            self._unfinished = False
            with suppress(OSError):
                _write(self.stderr, b"\n")

    def task_output(self, data: bytes) -> None:
        """Pass on what a task printed."""
        if self.stderr_is_terminal:
            # Decoded as one stream: a control character may come in two pieces.
            text = _harmless(self._decoder.decode(data))
            # What is in the live region begins a line.
            whole = text if text.endswith("\n") or not text else f"{text}\n"
            if self._live_region is not None and self._live_region.say(whole):
                return
            data = text.encode()
        if data:
            self._unfinished = not data.endswith(b"\n")
        with suppress(OSError):
            _write(self.stderr, data)


def _size_of(stream: TextIO) -> tuple[int, int]:
    with suppress(OSError, ValueError):
        columns, lines = os.get_terminal_size(stream.fileno())
        return columns or _COLUMNS, lines or _LINES
    return _COLUMNS, _LINES


class _Stream:
    """A terminal that is written to through Python's own stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        _write(self._stream, text.encode(errors="replace"))

    def close(self) -> None:
        """Leave it open: it is not this one's."""


def _drawn_on(stream: TextIO) -> Terminal:
    """Return what draws on a terminal; where that can be, it may be left stuck in a write."""
    from capsule.cli.terminal.live_region import Descriptor

    with suppress(OSError, ValueError):
        if os.name != "nt":
            return Descriptor(stream.fileno())
    return _Stream(stream)


def _harmless(text: str) -> str:
    # Here and below: most commands write to no terminal.
    from capsule.cli.render.harmless_text import harmless

    return harmless(text)


def _harmless_json(text: str) -> str:
    from capsule.cli.render.harmless_text import harmless_json

    return harmless_json(text)


def _bare(result: Any) -> str:
    if isinstance(result, str):
        return result
    return direct_json.dumps(result, ensure_ascii=False, allow_nan=False)


def _is_terminal(stream: Any) -> bool:
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:
        return False


def _write(stream: Any, data: bytes) -> bool:
    """Write all of `data`; say whether its reader is there, who else wants nothing more."""
    if stream is None:
        return True
    try:
        binary: BinaryIO = stream.buffer
        binary.write(data)
        binary.flush()
    except OSError as error:
        # Python flushes once more at exit, and would fail on the same file again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        if error.errno not in _UNREAD:
            raise
        return False
    return True
