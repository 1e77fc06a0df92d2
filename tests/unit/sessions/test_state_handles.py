"""States by handle: private, bounded in age and in all, and gone in words."""

from __future__ import annotations

import os
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from capsule.sessions.state_file import Contents, StateError
from capsule.sessions.state_handles import FOLDER, StateHandles
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, PageRun

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_000_000_000.0
STATE = Contents(
    "interpreter", "", 640 << 16, 1, (), (PageRun(STACK_TOP, bytes(PAGE)),), {"working/a": b"abc"}
)


def based(home: Path, name: str = "0" * 32) -> Any:
    """What a state is kept against: as much of a session's base as is asked for."""
    image = home / "cache" / "tasks" / name / "memory.cwasm"
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(b"an image")
    runtime = SimpleNamespace(interpreter="interpreter")
    base = SimpleNamespace(runtime=runtime, key="key")
    order = SimpleNamespace(inputs=SimpleNamespace(base=base))
    return SimpleNamespace(
        choice=SimpleNamespace(snapshot=SimpleNamespace(image=image)), order=order
    )


def age(home: Path, handle: str, seconds: float) -> None:
    os.utime(home / FOLDER / f"{handle}.state", (NOW - seconds, NOW - seconds))


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    handles, base = StateHandles(tmp_path), based(tmp_path)
    handle = handles.keep(STATE, base)
    assert re.fullmatch("[0-9a-f]{32}", handle)
    assert handles.keep(STATE, base) != handle
    path = tmp_path / FOLDER / f"{handle}.state"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    found = handles.load(handle)
    assert found.files == STATE.files
    assert handles.fitted(found, base).base == "key"


def test_another_interpreter_or_a_base_that_is_gone_is_said(tmp_path: Path) -> None:
    handles, base = StateHandles(tmp_path), based(tmp_path)
    found = handles.load(handles.keep(STATE, base))
    base.order.inputs.base.runtime.interpreter = "newer"
    with pytest.raises(StateError, match="made by the interpreter interpreter, and this is newer"):
        handles.fitted(found, base)
    base.order.inputs.base.runtime.interpreter = "interpreter"
    # Made again, it need not be the same to the last byte.
    base.choice.snapshot.image.write_bytes(b"an image made anew")
    with pytest.raises(StateError, match="made anew"):
        handles.fitted(found, base)
    with pytest.raises(StateError, match="made anew"):
        handles.fitted(found._replace(base="../../../etc/passwd 1 1"), base)


@pytest.mark.parametrize("handle", ["", "x", "../" * 10, "A" * 32, "0" * 33, "0" * 32 + "\n"])
def test_what_is_no_handle_is_no_path(tmp_path: Path, handle: str) -> None:
    with pytest.raises(StateError, match="that is no handle of a state"):
        StateHandles(tmp_path).load(handle)


def test_one_that_is_not_there_says_how_they_go(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="7 days after their last use") as raised:
        StateHandles(tmp_path).load("0" * 32)
    assert raised.value.hint is not None
    assert "begin anew" in raised.value.hint


def test_states_go_by_age_since_their_last_use(tmp_path: Path) -> None:
    base = based(tmp_path)
    handles = StateHandles(tmp_path, most_age=100, now=lambda: NOW)
    old, used, young = (handles.keep(STATE, base) for _ in range(3))
    for handle, seconds in ((old, 200), (used, 99), (young, 1)):
        age(tmp_path, handle, seconds)
    # One that is past its age is gone, whether it was deleted yet or not.
    with pytest.raises(StateError, match="it is gone"):
        handles.load(old)
    handles.load(used)
    assert (tmp_path / FOLDER / f"{used}.state").stat().st_mtime > NOW
    left = tmp_path / FOLDER / f"{'1' * 32}.new"
    left.write_bytes(b"of a writer that was killed")
    os.utime(left, (NOW - 1_000, NOW - 1_000))
    newest = handles.keep(STATE, base)
    assert {path.stem for path in (tmp_path / FOLDER).iterdir()} == {used, young, newest}


def test_the_oldest_go_where_there_are_too_many_or_too_much(tmp_path: Path) -> None:
    base = based(tmp_path)
    roomy = StateHandles(tmp_path, now=lambda: NOW)
    kept = [roomy.keep(STATE, base) for _ in range(4)]
    for place, handle in enumerate(kept):
        age(tmp_path, handle, 100 - place)
    size = (tmp_path / FOLDER / f"{kept[0]}.state").stat().st_size
    fifth = StateHandles(tmp_path, most_states=3, now=lambda: NOW).keep(STATE, base)
    assert {path.stem for path in (tmp_path / FOLDER).iterdir()} == {*kept[2:], fifth}
    narrow = StateHandles(tmp_path, most_bytes=2 * size, now=lambda: NOW)
    sixth = narrow.keep(STATE, base)
    assert sixth in {path.stem for path in (tmp_path / FOLDER).iterdir()}
    assert len([*(tmp_path / FOLDER).iterdir()]) == 2
    with pytest.raises(StateError, match="is more than"):
        StateHandles(tmp_path, most_bytes=10).keep(STATE, base)
