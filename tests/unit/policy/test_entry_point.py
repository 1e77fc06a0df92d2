"""The entry point: main by name, main by function, a plain main, the only task."""

from __future__ import annotations

import pytest

from capsule.errors import UsageError
from capsule.policy.entry_point import entry_task
from capsule.policy.task_declarations import read_source

IMPORT = "from capsule import task\n"


@pytest.mark.parametrize(
    ("source", "name", "function"),
    [
        ("@task\ndef main(): pass\n@task\ndef b(): pass", "main", "main"),
        ("@task(name='main')\ndef a(): pass\n@task(name='b')\ndef main(): pass", "main", "a"),
        ("@task\ndef a(): pass\n@task(name='b')\ndef main(): pass", "b", "main"),
        ("@task\ndef a(): pass\n@task\ndef b(): pass\ndef main(): pass", "main", "main"),
        ("@task\ndef a(): pass\ndef main(): pass", "main", "main"),
        ("@task\ndef a(): pass", "a", "a"),
        ("@task(name='main')\ndef a(): pass\ndef main(): pass", "main", "a"),
        ("async def main(): pass", "main", "main"),
    ],
)
def test_entry(source: str, name: str, function: str) -> None:
    entry = entry_task(read_source(IMPORT + source, "t.py"))
    assert (entry.name, entry.function) == (name, function)


def test_no_task_at_all() -> None:
    with pytest.raises(UsageError, match=r"t.py has no task and no function main") as caught:
        entry_task(read_source("x = 1", "t.py"))
    assert caught.value.hint is not None
    assert "from capsule import task" in caught.value.hint


def test_an_open_choice_lists_the_tasks() -> None:
    source = IMPORT + "".join(f"@task\ndef f{i}(): pass\n" for i in range(12))
    with pytest.raises(UsageError) as caught:
        entry_task(read_source(source, "t.py"))
    assert "t.py has 12 tasks and none is the entry point: 'f0' (line 3)" in caught.value.message
    assert caught.value.message.endswith("'f9' (line 21) and 2 more")
    assert caught.value.hint == 'name="main" in the @task of the one to run'


def test_a_name_that_is_nearly_the_entry_point_is_proposed() -> None:
    source = "from capsule import task\n@task\ndef man(): pass\n@task\ndef other(): pass\n"
    with pytest.raises(UsageError) as caught:
        entry_task(read_source(source, "t.py"))
    assert caught.value.hint == "name=\"main\" in the @task of 'man', if that is the one to run"
