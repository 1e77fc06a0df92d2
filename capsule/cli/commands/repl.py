"""`capsule repl`: a session at a terminal."""

from __future__ import annotations

import base64
import codeop
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from capsule.cli.render.human_units import size
from capsule.cli.render.terminal_text import clip, one_line
from capsule.cli.runtime.signals import Interrupted, cancelling
from capsule.cli.terminal.progress_bars import progress_for
from capsule.cli.terminal.run_display import observer_for
from capsule.cli.terminal.task_traceback import traceback_lines
from capsule.errors import CapsuleError
from capsule.namedtuples import NamedTuple
from capsule.process.cancel import Cancellation
from capsule.sessions import opening
from capsule.sessions.state_file import PLACES
from capsule.sessions.turn import Turn
from capsule.sessions.wider_interpreter import large_imports
from capsule.state_folder import checked_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.cli.terminal.console import Console
    from capsule.envelope import EnvelopeError
    from capsule.sessions.kept_turn import KeptState
    from capsule.sessions.session_core import SessionCore

_PROMPT, _MORE = ">>> ", "... "
# Of a turn's code, how much a list has.
_CODE = 60
# Where matplotlib keeps what it has found of fonts, in the home that code sees.
_MATPLOTLIB = ".matplotlib"
_HELP = """\
:files        the files of the working folder and of /tmp
:states       the states that can be gone back to
:back [N]     stand at state N, or at the one before
:save PATH    write the session to a file
:quit         leave, as Ctrl-D does
Ctrl-C ends a turn, and not the session."""


class Asked(NamedTuple):
    """What the command line says, as text."""

    state: str | None
    max_ram: str | None
    timeout: str | None
    imports: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    mounts: tuple[str, ...]
    secrets: tuple[str, ...] = ()


def command(console: Console, asked: Asked) -> int:
    """Read code line by line and run it, turn by turn; the exit code is 0.

    Raises `CapsuleError` when the session cannot be opened, or its file not be written.
    """
    wanted = opening.Wanted(
        imports=asked.imports,
        mounts=asked.mounts,
        secrets=asked.secrets,
        limits={"max_ram": asked.max_ram, "timeout": asked.timeout},
        options={"allowed_hosts": list(asked.allow_hosts)},
        flags=True,
        progress=progress_for(console, quiet=False),
    )
    path = None if asked.state is None else Path(asked.state).absolute()
    with Cancellation() as stop, cancelling(stop):
        if path is not None and path.exists():
            core = opening.loaded(path, wanted, stop)
        else:
            core = opening.opened(wanted, stop)
    if path is not None:
        core.label = path.name
    prompt = _Prompt(console, core, path)
    try:
        prompt.loop()
        return 0
    finally:
        prompt.close()


class _Prompt:
    """Reads from stdin and answers; `core` is the session."""

    def __init__(self, console: Console, core: SessionCore, path: Path | None) -> None:
        self._console, self._core, self._path = console, core, path
        self._figures = 0
        # In a pipe, stdout has answers alone.
        self._prompts = (_PROMPT, _MORE) if sys.stdin.isatty() else ("", "")
        self._colons: dict[str, Callable[[str], None]] = {
            "files": self._files,
            "states": self._states,
            "back": self._back,
            "save": self._save,
            "help": lambda _: console.out(_HELP),
        }

    def loop(self) -> None:
        """Run turns until stdin ends."""
        with _history():
            while (code := self._read()) is not None:
                if code.strip() in (":quit", ":q", "exit", "quit", "exit()", "quit()"):
                    return
                try:
                    if code.startswith(":"):
                        self._colon(code)
                    elif code.strip():
                        self._turn(code)
                except CapsuleError as error:
                    self._console.error(error)
                except (Interrupted, KeyboardInterrupt):
                    self._console.err("")

    def close(self) -> None:
        """Write the session to its file, if it has one, and end it."""
        try:
            if self._path is not None:
                self._core.save(self._path)
        finally:
            self._core.close()

    def _read(self) -> str | None:
        """Return the next piece of code that is whole, None at the end."""
        lines: list[str] = []
        while True:
            try:
                lines.append(input(self._prompts[bool(lines)]))
            except EOFError:
                return "\n".join(lines) if lines else None
            except (Interrupted, KeyboardInterrupt):
                self._console.err("")
                lines.clear()
                continue
            code = "\n".join(lines)
            if code.startswith(":") or _is_whole(code):
                return code

    def _turn(self, code: str) -> None:
        console = self._console
        with (
            Cancellation() as stop,
            cancelling(stop),
            observer_for(console, stop, verbose=False) as observer,
        ):
            answered = self._core.run(
                code, stop, observer=observer, more=lambda: large_imports(code)
            )
        turn = Turn.of_answer(answered)
        for display in turn.displays:
            self._show(display, turn.text)
        if turn.text:
            console.out(turn.text)
        error = cast("EnvelopeError | None", turn.error)
        if error is not None:
            for line in traceback_lines(error, whole=True):
                console.err(line)
        # Where it cannot be kept, that is an error of its own.
        answered.kept.result()

    def _show(self, display: dict[str, object], text: str) -> None:
        """Say what was shown; an image becomes a file."""
        said = str(display.get("text/plain", ""))
        image = display.get("image/png")
        if isinstance(image, str):
            while (path := Path(f"figure-{self._figures + 1}.png")).exists():
                self._figures += 1
            try:
                path.write_bytes(base64.b64decode(image, validate=True))
                said = f"{said} is in {path}"
            except ValueError:
                pass  # what code inside calls an image may be none
            except OSError as error:
                self._console.err(f"cannot write {path}: {error.strerror}")
            self._console.out(said)
        elif said and said != text:
            self._console.out(said)

    def _colon(self, line: str) -> None:
        name, _, rest = line[1:].strip().partition(" ")
        step = self._colons.get(name)
        if step is None:
            self._console.err(f"there is no :{name}\n{_HELP}")
        else:
            step(rest.strip())

    def _files(self, _: str) -> None:
        files = self._core.contents_of(self._core.settled()).files
        shown = {_shown(name): len(content) for name, content in files.items() if _is_own(name)}
        for name, length in shown.items():
            self._console.out(f"{size(length):>8}  {name}")
        if not shown:
            self._console.out("there are no files")

    def _states(self, _: str) -> None:
        here = self._core.settled().name
        for number, state in enumerate(self._core.states):
            mark = "*" if state.name == here else " "
            self._console.out(f"{mark} {number:>3}  {_after(state)}")

    def _back(self, said: str) -> None:
        states = self._core.states
        names = [state.name for state in states]
        here = names.index(self._core.settled().name)
        number = here - 1 if not said else int(said) if said.isdecimal() else -1
        if not 0 <= number < len(states):
            self._console.err("there is no such state; :states lists them")
            return
        self._core.back(names[number])
        self._console.err(f"at state {number}, {_after(states[number])}")

    def _save(self, said: str) -> None:
        if said:
            path = Path(said).absolute()
            self._core.save(path)
            turn = self._core.settled().turn
            self._console.err(f"saved turn {turn} to {path}, {size(path.stat().st_size)}")
        else:
            self._console.err(":save PATH")


def _after(state: KeptState) -> str:
    """Return what a state is the end of: with the first line of its last turn, where that is known.

    What is done without a turn, as a file that is put there, has the number of the turn before.
    """
    if not state.turn:
        return "before the first turn"
    last = state.history.turns[-1].code.strip() if state.history.turns else ""
    line = clip(one_line(last.partition("\n")[0]), _CODE)
    return f"after turn {state.turn}" + (f": {line}" if line else "")


def _shown(name: str) -> str:
    """Return the name of a file of a state as code writes it."""
    place, _, inside = name.partition("/")
    return inside if place == PLACES[0] else f"/tmp/{inside}"  # noqa: S108 - the sandbox's own


def _is_own(name: str) -> bool:
    """Say whether a file is the code's, and nothing that its start has laid there."""
    return not name.startswith(f"{PLACES[1]}/{_MATPLOTLIB}/")


def _is_whole(code: str) -> bool:
    """Say whether code is a turn: nothing is missing, and a block is ended by an empty line."""
    try:
        return codeop.compile_command(code, "<turn>", "single") is not None
    except (SyntaxError, ValueError, OverflowError):
        # Several statements in one paste, or newer Python than this one's: the turn says it.
        return "\n" not in code or code.endswith("\n") or not code.rpartition("\n")[2][:1].isspace()


class _history:  # noqa: N801 - a context manager
    """Keep what was typed, where there are lines to edit."""

    def __init__(self) -> None:
        self._path: Path | None = None

    def __enter__(self) -> None:
        if not sys.stdin.isatty():
            return
        with suppress(ImportError, OSError):
            import readline

            path = checked_root() / "repl_history"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            readline.read_history_file(path)
            readline.set_history_length(1_000)
            self._path = path

    def __exit__(self, *exc: object) -> None:
        if self._path is not None:
            with suppress(OSError):
                import readline

                readline.write_history_file(self._path)
