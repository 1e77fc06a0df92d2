"""`capsule bench`: how many runs of a task this machine does a second, and what limits it."""

from __future__ import annotations

from capsule.cli.parsing.integers import whole_number
from capsule.cli.parsing.run_options import Options
from capsule.cli.parsing.run_request import read_request
from capsule.cli.parsing.task_arguments import from_command_line
from capsule.cli.render.throughput import throughput_json, throughput_lines
from capsule.cli.runtime.exit_codes import FAILED
from capsule.cli.runtime.signals import cancelling
from capsule.cli.terminal.progress_bars import progress_for
from capsule.errors import GivenUpError, UsageError
from capsule.message_text import nearest, shown
from capsule.namedtuples import NamedTuple
from capsule.pool.prepared_task import Warmth, open_prepared_task
from capsule.pool.throughput import measure
from capsule.process.cancel import Cancellation
from capsule.processors import usable_processors
from capsule.runner.source import callable_tasks, entry_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.cli.runtime.context import Context
    from capsule.pool.prepared_task import PreparedTask
    from capsule.runner.source import Source

_SECONDS, _MOST_SECONDS = 10, 3600
_MOST_AT_ONCE = 256
_ARTIFACT = ".wasm"


class BenchOptions(NamedTuple):
    """What the command line says, as text."""

    file: str
    args: list[str]
    task: str | None = None
    args_json: str | None = None
    seconds: str | None = None
    concurrency: str | None = None
    json: bool = False
    quiet: bool = False


def command(said: BenchOptions, context: Context) -> int:
    """Measure a task, and print what came of it; the exit code says whether any run failed.

    Raises `CapsuleError` for what is wrong before a run, `GivenUpError` when a signal ends it.
    """
    console = context.console
    seconds = _within("--seconds", said.seconds, _SECONDS, _MOST_SECONDS)
    slots = _within("--concurrency", said.concurrency, usable_processors(), _MOST_AT_ONCE)
    options = Options(said.file, [], artifact=said.file.endswith(_ARTIFACT))
    request = read_request(options, context, "capsule bench")
    source = _with_task(request.source, said.task)
    task = entry_of(source)
    words = Options(said.file, said.args, args_json=said.args_json)
    given = from_command_line(words, task.parameters if said.args else (), context)
    call = request.call._replace(args=given.args, kwargs=given.kwargs)
    progress = progress_for(console, quiet=said.quiet)
    with Cancellation() as stop, cancelling(stop):

        def opened(waiting: int) -> PreparedTask:
            return open_prepared_task(
                *(source, call, request.home, progress),
                warmth=Warmth(waiting),
                cancellation=stop,
            )

        with opened(0) as cold, opened(slots) as warm:
            if not (said.quiet or said.json):
                console.err(f"capsule: measuring for {seconds} s")
            found = measure(cold, warm, call, seconds, slots, stop)
        if stop.cancelled:
            raise GivenUpError("the measurement was interrupted")
    if said.json:
        console.document(throughput_json(found, said.file, task.name))
    else:
        for line in throughput_lines(found, said.file, task.name, console.size[0]):
            console.out(line)
    return FAILED if found.failed else 0


def _with_task(source: Source, name: str | None) -> Source:
    """Return the source with the task that is meant. Raises `UsageError`."""
    if name is None:
        return source
    known = [task.name for task in callable_tasks(source)]
    if name not in known:
        raise UsageError(
            f"--task {shown(name)}: there is no such task; there are {', '.join(known) or 'none'}",
            hint=nearest(name, known),
        )
    return source._replace(task=name)


def _within(option: str, text: str | None, otherwise: int, most: int) -> int:
    if text is None:
        return otherwise
    if (number := whole_number(option, text, 1)) > most:
        raise UsageError(f"{option} {number}: {most} is the most", hint=f"{option} {most}")
    return number
