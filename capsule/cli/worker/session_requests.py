"""What lines ask of sessions: opening them, turns, states and files."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

from capsule.cli.worker.line_fields import (
    check_names,
    of_kind,
    secrets_of,
    switch_of,
    text_of,
    texts_of,
)
from capsule.cli.worker.offered_functions import offered
from capsule.cli.worker.session_table import OpenSession
from capsule.errors import CapsuleError, UsageError
from capsule.message_text import shown
from capsule.policy.resolve import narrowed
from capsule.runner.observer import NOBODY
from capsule.sessions.wider_interpreter import large_imports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from capsule.cli.worker.client_calls import ClientCalls
    from capsule.cli.worker.output_stream import OutputStream
    from capsule.cli.worker.request_register import Request
    from capsule.cli.worker.session_table import SessionTable
    from capsule.lifecycle.events import Ledger
    from capsule.policy.resolve import CallerLimits

    Answer = dict[str, Any]
    Work = Callable[[Request], Answer]
    Streams = Callable[[Request], OutputStream]

# Bytes of a file that a line brings or takes: what is larger belongs into a folder of `mounts`.
MOST_FILE = 32 << 20
_LISTS = ("imports", "packages", "allowed_hosts", "env_variables")
_AMOUNTS = ("compute", "ram", "timeout")
_OPTIONS = (
    *_AMOUNTS,
    "allowed_files",
    "allowed_hosts",
    "env_variables",
    "imports",
    "packages",
    "files",
    "mounts",
    "cwd",
    "limits",
    "untrusted",
    "secrets",
)
_NOT_LOADED = ("imports", "files")


class SessionRequests:
    """Makes of the fields of a line what is to be done, in the sessions of one program.

    `streams` gives what tells of output. `working` is the folder that names of files are relative
    to, and whose ceilings hold for all sessions, as `limits` do; `ledger` keeps a record of turns.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what all sessions of a program share
        self,
        table: SessionTable,
        calls: ClientCalls,
        streams: Streams,
        working: Path,
        limits: CallerLimits,
        ledger: Ledger | None,
    ) -> None:
        self._table, self._calls, self._streams = table, calls, streams
        self._working, self._limits, self._ledger = working, limits, ledger
        self._of_session: dict[str, Callable[[OpenSession, Mapping[str, Any]], Work]] = {
            "code": self._turn,
            "fork": self._fork,
            "back": _back,
            "states": _states,
            "save": self._save,
            "read": _read,
            "write": _write,
            "close": self._close,
        }

    def open(self, fields: Mapping[str, Any]) -> Work:
        """Return what opens a session. Raises `UsageError` for fields that are not as they must."""
        said = of_kind(fields, "open", dict, {})
        check_names(said, _OPTIONS, "open")
        tools = offered(fields)
        path = text_of(fields, "load", "") if "load" in fields else None
        if path is not None:
            if not path:
                raise UsageError('"load" is the name of a file', hint='"load": "work.session"')
            if both := [name for name in _NOT_LOADED if said.get(name)]:
                raise UsageError(
                    f'"{both[0]}" does not go with "load": the file has its own',
                    hint=f'leave "{both[0]}" out',
                )
        options = self._options(said)

        def work(request: Request) -> Answer:
            from capsule.sessions import opening

            self._table.quota.take()
            try:
                wanted = opening.Wanted(**options)
                limits = narrowed(wanted.call.limits, self._limits)
                wanted.call = wanted.call._replace(limits=limits)
                if path is None:
                    core = opening.opened(wanted, request.stop)
                else:
                    core = opening.loaded(wanted.working / path, wanted, request.stop)
            except BaseException:
                self._table.quota.give_back()
                raise
            session = OpenSession(core, wanted, tools)
            self._table.add(session)
            return {"session": session.name, "state": core.settled().name}

        return work

    def asked(self, kind: str, fields: Mapping[str, Any]) -> tuple[OpenSession, Work]:
        """Return the session of a line, and what is to be done in it.

        Raises `UsageError` for fields that are not as they must, and sessions that are not there.
        """
        session = self._table.find(fields["session"])
        return session, self._of_session[kind](session, fields)

    def _options(self, said: Mapping[str, Any]) -> dict[str, Any]:
        options: dict[str, Any] = {}
        for name in _AMOUNTS:
            value = said.get(name)
            if value is not None and (not isinstance(value, str | int) or isinstance(value, bool)):
                raise UsageError(f'"{name}" is text or a number: {shown(value)}')
            options[name] = value
        lists = {name: texts_of(said, name) for name in _LISTS}
        options["allowed_hosts"] = lists["allowed_hosts"]
        options["env_variables"] = lists["env_variables"]
        options["allowed_files"] = of_kind(said, "allowed_files", list, [])
        files = of_kind(said, "files", dict, {})
        paths = [name for name, each in files.items() if isinstance(each, str)]
        if paths and self._limits.no_files:
            raise UsageError(
                f'"files": {shown(paths[0])} is a path, and this worker has --no-files',
                hint='{"text": "..."} or {"base64": "..."}',
            )
        cwd = of_kind(said, "cwd", str, None)
        return {
            "options": options,
            "imports": lists["imports"],
            "packages": lists["packages"],
            "files": {name: _content(name, each) for name, each in files.items()},
            "mounts": of_kind(said, "mounts", list, []),
            "secrets": secrets_of(said),
            "cwd": self._working if cwd is None else self._working / cwd,
            "limits": of_kind(said, "limits", dict, None),
            "untrusted": switch_of(said, "untrusted"),
            "ceilings_of": self._working,
            "ledger": self._ledger,
        }

    def _turn(self, session: OpenSession, fields: Mapping[str, Any]) -> Work:
        code = text_of(fields, "code", "")
        limits = dict(of_kind(fields, "limits", dict, {}))
        if switch_of(fields, "untrusted"):
            limits["untrusted"] = True
        streams = switch_of(fields, "stream")
        tools = session.tools if fields.get("tools") is None else offered(fields)

        def work(request: Request) -> Answer:
            from capsule.sessions import opening
            from capsule.sessions.turn import Turn

            stream = self._streams(request) if streams else None
            answered = session.core.run(
                code,
                request.stop,
                call=opening.limited(session.wanted, limits or None),
                observer=NOBODY if stream is None else stream,
                functions=self._calls.functions(tools, request.identity),
                more=lambda: large_imports(code),
            )
            turn = Turn.of_answer(answered)
            answer: Answer = {
                "output": dict(turn),
                "text": turn.text,
                "displays": turn.displays,
                "files": [file._asdict() for file in turn.files],
                "state": None,
            }
            try:
                kept = answered.kept.result()
                answer["state"] = kept.name
                if kept.fuel is not None:
                    turn.execution["fuel_consumed"] = kept.fuel
            except CapsuleError as error:
                # What the turn has answered is not lost for it.
                answer["unkept"] = {"error_type": error.code, "message": str(error)}
            if stream is not None and stream.left_out:
                answer["left_out"] = stream.left_out
            return answer

        return work

    def _fork(self, session: OpenSession, fields: Mapping[str, Any]) -> Work:
        state = of_kind(fields, "fork", str, None)
        reseed = switch_of(fields, "reseed")

        def work(_: Request) -> Answer:
            self._table.quota.take()
            try:
                core = session.core.fork(state, reseed=reseed)
            except BaseException:
                self._table.quota.give_back()
                raise
            fork = OpenSession(core, session.wanted, session.tools)
            self._table.add(fork)
            return {"session": fork.name, "state": core.settled().name}

        return work

    def _save(self, session: OpenSession, fields: Mapping[str, Any]) -> Work:
        path = _named(fields, "save")

        def work(request: Request) -> Answer:
            session.core.save(session.wanted.working / path, request.stop)
            return {"save": path}

        return work

    def _close(self, session: OpenSession, fields: Mapping[str, Any]) -> Work:
        _check_true(fields, "close")

        def work(_: Request) -> Answer:
            self._table.close(session)
            return {"close": True}

        return work


def _back(session: OpenSession, fields: Mapping[str, Any]) -> Work:
    state = _named(fields, "back")

    def work(request: Request) -> Answer:
        session.core.back(state, request.stop)
        return {"state": state}

    return work


def _states(session: OpenSession, fields: Mapping[str, Any]) -> Work:
    _check_true(fields, "states")

    def work(_: Request) -> Answer:
        core = session.core
        return {"states": [state.name for state in core.states], "state": core.settled().name}

    return work


def _read(session: OpenSession, fields: Mapping[str, Any]) -> Work:
    name = _named(fields, "read")

    def work(_: Request) -> Answer:
        data = session.core.read(name)
        _check_size(name, len(data))
        return {"base64": b2a_base64(data, newline=False).decode("ascii")}

    return work


def _write(session: OpenSession, fields: Mapping[str, Any]) -> Work:
    name = _named(fields, "write")
    data = _data(fields, name)

    def work(request: Request) -> Answer:
        session.core.write(name, data, request.stop)
        return {"state": session.core.settled().name}

    return work


def _content(name: str, said: object) -> str | bytes:
    if isinstance(said, str):
        return said
    if not isinstance(said, dict):
        raise UsageError(
            f'"files": {shown(name)} is a path, or an object with content: {shown(said)}',
            hint='{"text": "..."} or {"base64": "..."}',
        )
    check_names(said, ("text", "base64"), '"files"')
    return _data(said, name)


def _data(fields: Mapping[str, Any], name: str) -> bytes:
    if ("text" in fields) == ("base64" in fields):
        raise UsageError(
            f'the content of {shown(name)} is "text" or "base64"', hint='"text": "..."'
        )
    if "text" in fields:
        data = text_of(fields, "text", "").encode()
    else:
        try:
            data = a2b_base64(text_of(fields, "base64", ""), strict_mode=True)
        except ValueError as error:
            raise UsageError(f'"base64" of {shown(name)}: {error}') from None
    _check_size(name, len(data))
    return data


def _check_size(name: str, size: int) -> None:
    if size > MOST_FILE:
        raise UsageError(
            f"the file {shown(name)} has {size:,} bytes; a line brings {MOST_FILE:,} at most",
            hint="a folder of mounts",
        )


def _named(fields: Mapping[str, Any], name: str) -> str:
    value = text_of(fields, name, "")
    if not value:
        raise UsageError(f'"{name}" is a name: {shown(fields[name])}')
    return value


def _check_true(fields: Mapping[str, Any], name: str) -> None:
    if fields[name] is not True:
        raise UsageError(f'"{name}" is true: {shown(fields[name])}')
