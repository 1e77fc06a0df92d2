"""The worker's protocol for programs: a line of JSON asks for a run, a line of JSON answers.

docs/worker.md has all lines. Answers come as the runs end, so the id says which is which. A line
that is not understood is answered, and the next one is read.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from capsule.cli.worker.client_calls import ClientCalls
from capsule.cli.worker.descriptor_watch import watch_descriptor
from capsule.cli.worker.line_fields import (
    CONTROLS,
    MAX_LINE,
    check_names,
    kind_of,
    of_kind,
    parsed,
    secrets_of,
    size_in_memory,
    switch_of,
)
from capsule.cli.worker.offered_functions import offered
from capsule.cli.worker.outbox import Outbox
from capsule.cli.worker.output_stream import OutputStream
from capsule.cli.worker.request_register import Request, RequestRegister
from capsule.cli.worker.session_requests import SessionRequests
from capsule.cli.worker.session_table import SessionQuota, SessionTable
from capsule.cli.worker.work_queue import WorkQueue
from capsule.envelope import refusal
from capsule.errors import CapsuleError, UsageError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.policy.resolve import UNLIMITED, CallerLimits, narrowed
from capsule.pool import slots
from capsule.progress import Silent
from capsule.runner.cancellable_progress import CancellableProgress
from capsule.runner.observer import NOBODY
from capsule.runner.source import under_ceilings
from capsule.sdk.requests import call_of, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any, BinaryIO

    from capsule.cli.worker.session_requests import Work
    from capsule.lifecycle.events import Ledger
    from capsule.pool.prepared_task_cache import PreparedTaskCache
    from capsule.process.cancel import Cancellation

_SKIPPED_AT_ONCE = 1 << 20
# What takes no sandbox must not wait for those that do.
_CHORES_AT_ONCE = 8


class Terms(NamedTuple):
    """What holds for all programs that a worker answers.

    `home` is the state root, `quota` counts their sessions, `limits` is what a run may use at most,
    and `ledger` keeps a record of all.
    """

    prepared_tasks: PreparedTaskCache
    home: Path
    quota: SessionQuota
    limits: CallerLimits = UNLIMITED
    ledger: Ledger | None = None


class JsonLines:
    """Answers the lines of one program; `with` it, or call `close`.

    `working` is the folder that names of files are relative to, and whose ceilings hold.
    """

    def __init__(self, terms: Terms, working: Path, output: BinaryIO) -> None:
        self._terms, self._working = terms, working
        self._output = output
        self._outbox = Outbox(output, self.cancel)
        self._register = RequestRegister()
        self._calls = ClientCalls(self._say, self._register.note_calls)
        self._table = SessionTable(terms.quota)
        self._sessions = SessionRequests(
            self._table, self._calls, self._stream, working, terms.limits, terms.ledger
        )
        self._threads = ThreadPoolExecutor(slots.SHARED.most, "capsule-line")
        self._chores = ThreadPoolExecutor(_CHORES_AT_ONCE, "capsule-chore")
        self._runs = WorkQueue(slots.SHARED.most)
        self._stopped = False

    def follow(self, source: BinaryIO) -> None:
        """Read lines until there are no more, or nobody takes answers; wait for all answers."""
        # Whoever reads the answers may be gone, and what runs might never write one.
        with watch_descriptor(self._output.fileno(), 0, self.cancel):
            self._read(source)
            self._calls.end()
            self._register.wait_until_answered()
            self._table.close_all()
            self._outbox.finish()
            self._threads.shutdown()
            self._chores.shutdown()

    def _read(self, source: BinaryIO) -> None:
        while not self._stopped and (line := source.readline(MAX_LINE + 1)):
            if len(line) > MAX_LINE and not line.endswith(b"\n"):
                while (rest := source.readline(_SKIPPED_AT_ONCE)) and not rest.endswith(b"\n"):
                    pass
                self._refuse({}, UsageError(f"a line has more than {MAX_LINE:,} bytes"))
            elif line.strip():
                self._take(line)

    def cancel(self) -> None:
        """End everything that runs; safe from any thread."""
        self._stopped = True
        self._calls.end()
        for request in self._register.stop():
            self._register.settle(request)
            self._register.leave(request)

    def close(self) -> None:
        """End what runs, and wait until it has ended; not for who takes no answers."""
        self.cancel()
        self._register.wait_until_ended()
        self._table.close_all()
        self._outbox.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._chores.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _take(self, line: bytes) -> None:
        """Do what a line asks for at once, or have it done."""
        fields: dict[str, Any] = {}
        try:
            fields = parsed(line)
            if "cancel" in fields:
                check_names(fields, ("cancel",), "cancel")
                for request in self._register.cancel(fields["cancel"]):
                    self._register.settle(request)
                    self._answer(request, request.dropped)
            elif "return" in fields:
                self._calls.answer(fields)
            else:
                self._begin(fields, size_in_memory(line))
        except CapsuleError as error:
            self._refuse(fields, error)

    def _begin(self, fields: dict[str, Any], size: int) -> None:
        """Have a request worked on. Raises `UsageError` for one that cannot be."""
        kind = kind_of(fields)
        queue, pool, session = self._runs, self._threads, None
        if kind == "run":
            work = self._run(fields)
        elif kind == "open":
            work = self._sessions.open(fields)
        else:
            session, work = self._sessions.asked(kind, fields)
            queue, pool = session.queue, self._threads if kind == "code" else self._chores
        talks = kind != "run" or bool(fields.get("stream") or fields.get("tools"))
        request = Request(fields.get("id"), size, talks=talks, dropped=_cancelled(kind))
        self._register.admit(request)
        if session is not None and kind == "close":
            # Nothing is asked of it behind this, and this is not taken back.
            self._table.forget(session)
        else:
            request.withdraw = partial(queue.withdraw, request)
        try:
            queue.add(request, partial(self._work, request, work), pool)
        except RuntimeError:
            # All is closed in this moment.
            self._register.settle(request)
            self._register.leave(request)

    def _work(self, request: Request, work: Work) -> None:
        self._register.begin(request)
        try:
            answer = work(request)
        except CapsuleError as error:
            # What was cancelled while it was prepared says so in words of its own.
            answer = request.dropped if request.stop.cancelled else {"error": _said(error)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the next line must be answered
            failed = CapsuleError(f"the worker failed: {type(error).__name__}")
            answer = {"error": _said(failed)}
        # Before it is answered: the id is free for who has read the answer.
        self._register.settle(request)
        self._answer(request, answer)

    def _answer(self, request: Request, answer: Mapping[str, Any]) -> None:
        try:
            self._say({"id": request.identity, **answer})
        except (ValueError, RecursionError) as error:
            failed = CapsuleError(f"the answer cannot be written: {type(error).__name__}")
            self._say({"id": request.identity, "error": _said(failed)})
        finally:
            self._register.leave(request)

    def _run(self, fields: Mapping[str, Any]) -> Work:
        """Return what runs a file. Raises `UsageError` for fields that are not as they must."""
        file, cwd = fields["file"], fields.get("cwd")
        if not isinstance(file, str) or not isinstance(cwd, str | None):
            raise UsageError(f'"file" is a name, and so is "cwd": {shown(file)}, {shown(cwd)}')
        said = {name: of_kind(fields, name, list, []) for name in ("args", "mounts")}
        said |= {name: of_kind(fields, name, dict, {}) for name in ("kwargs", "limits")}
        untrusted, streams = switch_of(fields, "untrusted"), switch_of(fields, "stream")
        tools, secrets = offered(fields), secrets_of(fields)
        working = self._working if cwd is None else self._working / cwd

        def work(request: Request) -> dict[str, Any]:
            terms = self._terms
            call = call_of(**said, cwd=working, untrusted=untrusted, secrets=secrets)
            call = call._replace(limits=narrowed(call.limits, terms.limits))
            source = source_of(file, working, terms.home, request.stop)
            if cwd is not None:
                source = under_ceilings(source, self._working, terms.home)
            stream = self._stream(request) if streams else None
            output = terms.prepared_tasks.run(
                source,
                call,
                NOBODY if stream is None else stream,
                request.stop,
                CancellableProgress(Silent(), request.stop),
                functions=self._calls.functions(tools, request.identity),
            )
            left_out = 0 if stream is None else stream.left_out
            return {"output": output} | ({"left_out": left_out} if left_out else {})

        return work

    def _stream(self, request: Request) -> OutputStream:
        return OutputStream(request.identity, self._say, request.stop)

    def _refuse(self, fields: Mapping[str, Any], error: CapsuleError) -> None:
        named = next((name for name in CONTROLS if name in fields), "id")
        self._say({named: fields.get(named), "error": _said(error)})

    def _say(
        self,
        answer: Mapping[str, Any],
        stop: Cancellation | None = None,
        until: float | None = None,
    ) -> bool:
        """Have a line written, as `Outbox.put` does. Raises `ValueError` for what is not JSON."""
        try:
            data = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError:
            # Half of a pair, in an id: as it came, or nobody would know the answer by it.
            data = json.dumps(answer, allow_nan=False).encode()
        return self._outbox.put(data + b"\n", stop, until)


def _said(error: CapsuleError) -> dict[str, str]:
    return {"error_type": error.code, "message": str(error)}


def _cancelled(kind: str) -> dict[str, Any]:
    """Return the answer of a request that is cancelled before it has an answer of its own."""
    if kind not in ("run", "code"):
        return {"error": {"error_type": "cancelled", "message": "it was cancelled"}}
    said = "it was cancelled before anything of it ran"
    answer: dict[str, Any] = {"output": refusal("", "cancelled", said)}
    if kind == "code":
        answer |= {"text": "", "displays": [], "files": [], "state": None}
    return answer
