"""What the table holds of an attempt, made of what was told of it, without SQLite."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.lifecycle.owner_process import Host
    from capsule.lifecycle.write_buffer import Row

# Texts of rows are cut at these lengths; the ends of the output are bounded already.
_MOST_MESSAGE, _MOST_REQUESTS = 64 << 10, 1 << 20


def values(row: Row, host: Host) -> tuple[object, ...]:
    """Return a row's values in the order of the columns: each is one that SQLite and JSON know."""
    return tuple(_values(row, host))


def _values(row: Row, host: Host) -> Iterator[object]:
    created, running, ended = row
    yield created.id
    yield created.run
    yield created.parent
    yield created.retry_of
    yield created.depth
    yield created.number
    yield plain(created.task)
    yield plain(created.file)
    yield ended.state if ended else "running" if running else "created"
    yield created.created_ns
    yield running.started_ns if running else None
    yield ended.ended_ns if ended else None
    yield ended.elapsed_ns if ended else None
    yield from host
    yield running.compute if running else created.compute
    yield created.ram
    yield running.timeout_ms if running else created.timeout_ms
    yield created.landlock
    yield int(created.seccomp)
    if ended is None:
        yield from (None,) * 11
        return
    yield ended.how
    yield ended.fuel
    yield ended.ram_used
    yield ended.duration_ms
    yield ended.error_type
    yield plain(ended.message, _MOST_MESSAGE)
    yield plain(ended.traceback, _MOST_MESSAGE)
    yield ended.truncated_bytes
    yield _requests(ended.host_requests)
    yield plain(ended.stdout)
    yield plain(ended.stderr)


def _requests(requests: str | None) -> str | None:
    if requests is None or len(requests) > _MOST_REQUESTS:
        return None
    return requests or "[]"


def plain(text: str | None, most: int | None = None) -> str | None:
    """Return a text as SQLite takes it: names of files may hold what no UTF-8 can say."""
    return None if text is None else text[:most].encode(errors="backslashreplace").decode()
