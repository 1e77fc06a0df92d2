"""What is read back: lists, filters, trees, and names that are cut short."""

from __future__ import annotations

import doctest
import importlib
import re
from typing import TYPE_CHECKING

import pytest

from capsule.errors import UsageError
from capsule.lifecycle import database, ids, reader, schema
from capsule.lifecycle.reader import Filters
from capsule.lifecycle.schema import Attempt
from capsule.lifecycle.write_buffer import Row
from capsule.lifecycle.writer import Writer
from tests.unit.lifecycle.conftest import REPOSITORY, created, ended, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule.lifecycle.reader import Node


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Writer]:
    kept = Writer(tmp_path / "lifecycle")
    yield kept
    kept.close()


def family(run: str) -> list[Row]:
    """A run: a task that failed once, then called another one twice, of which one failed once."""
    first = created(run, 1)
    again = created(run, 2, number=1, retry_of=first.id)
    one = created(run, 3, depth=1, parent=again.id, task="sub")
    two = created(run, 4, depth=1, parent=again.id, task="sub")
    two_again = created(run, 5, depth=1, parent=again.id, task="sub", number=1, retry_of=two.id)
    bad = ended(state="failed", error_type="task_error", message="no")
    return [
        Row(first, None, bad), Row(one, None, ended()), Row(two, None, bad),
        Row(two_again, None, ended()), Row(again, None, ended(stdout="out")),
    ]  # fmt: skip


def shape(nodes: tuple[Node, ...]) -> list[object]:
    return [[node.attempt.id.partition(".")[2], *shape(node.below)] for node in nodes]


def test_a_run_is_a_tree(tmp_path: Path, kept: Writer) -> None:
    run = ids.new_run()
    kept.write(family(run))
    found = reader.run(tmp_path, run)
    assert found.id == run
    assert shape(found.attempts) == [["1"], ["2", ["3"], ["4"], ["5"]]]
    assert found.attempts[1].attempt.stdout == "out"


def test_a_list_has_a_line_for_each_run(tmp_path: Path, kept: Writer) -> None:
    run = ids.new_run()
    kept.write(family(run))
    (summary,) = reader.runs(tmp_path)
    assert (summary.last.id, summary.last.state, summary.attempts) == (f"{run}.2", "completed", 5)
    assert summary.created_ns < summary.last.created_ns
    assert summary.last.stdout is None


def test_live_attempts_are_trees_of_what_lives(tmp_path: Path, kept: Writer) -> None:
    run = ids.new_run()
    kept.write([
        found._replace(ended=None) if found.created.id in (f"{run}.2", f"{run}.5") else found
        for found in family(run)
    ])  # fmt: skip
    lone = created(depth=2, parent="gone.1")
    kept.write([Row(lone)])
    assert shape(tuple(reader.running(tmp_path))) == [["2", ["5"]], ["1"]]


def test_filters(tmp_path: Path, kept: Writer) -> None:
    kept.write([row(), row(), Row(created(task="other"), None, ended(state="timed_out"))])
    kept.write([Row(created(created_ns=5_000), None, ended(state="timed_out"))])

    def count(**filters: object) -> int:
        return len(reader.runs(tmp_path, Filters(**filters)))  # type: ignore[arg-type]

    assert count() == 4
    assert count(limit=1) == 1
    assert count(task="main") == 3
    assert count(task="main", state="completed") == 2
    assert count(state="timed_out") == 2
    assert count(since_ns=5_001) == 3
    assert count(state="cancelled") == 0
    assert [run.created_ns for run in reader.runs(tmp_path)][-1] == 5_000


def test_a_run_is_named_by_a_beginning_that_no_other_has(tmp_path: Path, kept: Writer) -> None:
    kept.write([row("aaaaaaaaaaaaa1"), row("aaaaaaaaaaaab1"), row("zzzzzzzzzzzzzz")])
    assert reader.run(tmp_path, "z").id == "zzzzzzzzzzzzzz"
    assert reader.run(tmp_path, "aaaaaaaaaaaab").id == "aaaaaaaaaaaab1"
    assert reader.run(tmp_path, "AAAAAAAAAAAAB1.1").id == "aaaaaaaaaaaab1"
    assert reader.run(tmp_path, "latest").id == "zzzzzzzzzzzzzz"
    with pytest.raises(UsageError, match="'aa' could be aaaaaaaaaaaaa1, aaaaaaaaaaaab1") as wrong:
        reader.run(tmp_path, "aa")
    assert wrong.value.hint == "more of the 16 characters"


@pytest.mark.parametrize("which", ["x", "", ".", "%", "'; DROP TABLE attempts; --"])
def test_there_is_no_such_run(tmp_path: Path, kept: Writer, which: str) -> None:
    kept.write([row("aaaaaaaaaaaaa1")])
    with pytest.raises(UsageError, match="there is no run"):
        reader.run(tmp_path, which)
    assert len(reader.runs(tmp_path)) == 1


def test_there_is_no_run_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run is recorded yet"):
        reader.run(tmp_path, "latest")
    assert list(tmp_path.iterdir()) == []


def test_lists_are_answered_by_an_index(tmp_path: Path, kept: Writer) -> None:
    """Ten thousand attempts are no reason to wait: no question looks at every row."""
    kept.write([row() for _ in range(10)])
    assert kept._connection is not None
    asked: list[str] = []
    connect = database.open_to_read

    def watched(folder: Path) -> object:
        connection = connect(folder)
        assert connection is not None
        connection.set_trace_callback(asked.append)
        return connection

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "open_to_read", watched)
        reader.running(tmp_path)
        for filters in (
            Filters(),
            Filters(state="failed"),
            Filters(task="x"),
            Filters(None, "x", 5),
        ):
            reader.runs(tmp_path, filters)
        reader.run(tmp_path, "latest")
        reader.run(tmp_path, reader.runs(tmp_path)[0].last.run)
    plans = {
        step[3]: query
        for query in asked
        if query.startswith("SELECT")
        for step in kept._connection.execute(f"EXPLAIN QUERY PLAN {query}")
    }
    assert plans
    for step, query in plans.items():
        assert "SCAN" not in step or "USING" in step, (step, query)


def test_names_of_runs_are_in_the_order_of_time() -> None:
    # Of a thousand in an eighth of a second, two are alike once in five hundred times.
    names = [ids.new_run() for _ in range(50)]
    assert len(set(names)) == 50
    times = [name[:9] for name in names]
    assert times == sorted(times)
    assert ids.earliest(10**18) < ids.earliest(10**18 + 10**9) < ids.new_run()


def test_the_page_has_the_columns_and_its_query_runs(tmp_path: Path, kept: Writer) -> None:
    page = (REPOSITORY / "docs" / "lifecycle.md").read_text()
    table = {
        name
        for line in page.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert table == set(Attempt._fields)
    assert f"the version of the table, {len(schema.STEPS)}." in page
    kept.write([*family(ids.new_run()), row()])
    query = re.search(r"SELECT .*?;", page, re.DOTALL)
    assert query is not None
    assert kept._connection is not None
    assert kept._connection.execute(query[0]).fetchall() == [
        ("main", "completed", 2, 2), ("sub", "completed", 2, 2),
        ("main", "failed", 1, 2), ("sub", "failed", 1, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["ids", "events", "write_buffer", "recorder"])
def test_the_examples_in_docstrings(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"capsule.lifecycle.{name}"))
    assert done.attempted
    assert not done.failed
