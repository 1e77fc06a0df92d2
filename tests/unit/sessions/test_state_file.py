"""Files with states: what was written is read, and what a stranger made of it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.sessions import saved_state, state_file
from capsule.sessions.saved_state import Saved
from capsule.sessions.state_file import Contents, StateError, encode, read
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, PageRun
from capsule.toolstore.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STATE = Contents(
    "interpreter",
    "base",
    STACK_TOP + (4 << 16),
    7,
    ("pandas",),
    [PageRun(STACK_TOP, b"a" * PAGE), PageRun(STACK_TOP + 3 * PAGE, b"b" * 2 * PAGE)],
    {"working/a.csv": b"1,2\n", "temporary/deep/x": b""},
)


LAYER = saved_state.layer_of(
    [PageRun(STACK_TOP + PAGE, b"c" * PAGE), PageRun(STACK_TOP + 5 * PAGE, bytes(range(256)) * 16)],
    STATE.memory,
)


def made(path: Path, state: Contents, *, packed: bool) -> bytes:
    """Write a state as one that is kept, or as one that travels."""
    if packed:
        saved_state.write(path, Saved(state, LAYER))
    else:
        state_file.write_whole(path, encode(state))
    return path.read_bytes()


def taken(path: Path, *, packed: bool) -> Contents:
    if not packed:
        return read(path)
    saved = saved_state.read(path)
    saved_state.check(path, saved.layer)
    return saved.state


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_written_is_read(tmp_path: Path, *, packed: bool) -> None:
    path = tmp_path / "state"
    made(path, STATE, packed=packed)
    found = taken(path, packed=packed)
    assert found == STATE._replace(pages=found.pages)
    assert list(found.pages) == list(STATE.pages)


@given(
    pages=st.integers(0, 700),
    seed=st.binary(min_size=1, max_size=4000),
)
def test_a_layer_of_any_size_comes_back(
    tmp_path_factory: pytest.TempPathFactory, pages: int, seed: bytes
) -> None:
    path = tmp_path_factory.mktemp("layer") / "state"
    body = (seed * (pages * PAGE // len(seed) + 1))[: pages * PAGE]
    runs = [PageRun(STACK_TOP, body)] if pages else []
    layer = saved_state.layer_of(runs, STACK_TOP + (1024 << 16))
    saved_state.write(path, Saved(STATE, layer))
    found = saved_state.read(path).layer
    assert found.digest == layer.digest
    assert found.pages() == runs


def changed(**values: object) -> Callable[[dict[str, Any]], None]:
    return lambda header: header.update(values)


WRONG: dict[str, Callable[[dict[str, Any]], None]] = {
    "below the stack": changed(runs=[[0, PAGE]]),
    "not a page": changed(runs=[[STACK_TOP + 1, PAGE]]),
    "behind memory": changed(runs=[[STACK_TOP + (4 << 16), PAGE]]),
    "overlapping": changed(runs=[[STACK_TOP, 2 * PAGE], [STACK_TOP + PAGE, PAGE]]),
    "negative": changed(runs=[[STACK_TOP, -PAGE]]),
    "true for a number": changed(runs=[[STACK_TOP, True]]),
    "endless": changed(runs=[[STACK_TOP, 1 << 60]]),
    "no list": changed(runs="x"),
    "memory of no size": changed(memory=5),
    "memory too large": changed(memory=1 << 40),
    "a name above": changed(files=[["working/../../x", 4]]),
    "an absolute name": changed(files=[["/etc/x", 4]]),
    "another place": changed(files=[["other/x", 4]]),
    "a NUL": changed(files=[["working/a\0b", 4]]),
    "a name twice": changed(files=[["working/a", 2], ["working/a", 2]]),
    "a name that is none": changed(files=[[5, 4]]),
    "too much of files": changed(files=[["working/a", 1 << 40]]),
    "imports that are none": changed(imports=[5]),
    "no imports": lambda header: header.pop("imports"),
    "another content": changed(sha256="0" * 64),
    "turns below none": changed(turn=-1),
    "no interpreter": changed(interpreter=5),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_wrong_is_refused_by_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], *, packed: bool
) -> None:
    path = tmp_path / "state"
    data = made(path, STATE, packed=packed)
    at = len(state_file._MAGIC)
    length = int.from_bytes(data[at : at + 4], "little")
    header = json.loads(data[at + 4 : at + 4 + length])
    change(header)
    text = json.dumps(header).encode()
    body = data[at + 4 + length :]
    path.write_bytes(data[:at] + len(text).to_bytes(4, "little") + text + body)
    with pytest.raises(StateError) as refused:
        taken(path, packed=packed)
    assert str(path) in refused.value.message


@pytest.mark.parametrize("packed", [False, True])
@given(cut=st.integers(0, 2000), flip=st.integers(0, 7), data=st.data())
def test_damage_is_refused_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    packed: bool,
    cut: int,
    flip: int,
    data: st.DataObject,
) -> None:
    path = tmp_path_factory.mktemp("damage") / "state"
    whole = bytearray(made(path, STATE, packed=packed))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << flip
    path.write_bytes(whole[: len(whole) - cut] if cut % 2 else whole)
    try:
        found = taken(path, packed=packed)
    except StateError:
        return
    # A letter of a name of the interpreter, or of a file: nothing that could reach elsewhere.
    assert all(state_file.is_inside(name) for name in found.files)
    assert sum(len(run.data) for run in found.pages) == 3 * PAGE


def test_what_is_packed_takes_no_more_memory_than_it_says(tmp_path: Path) -> None:
    zeros = STATE._replace(pages=[PageRun(STACK_TOP, bytes(16 * PAGE))], files={})
    path = tmp_path / "state"
    data = made(path, zeros, packed=True)
    for said in (b"61440", b"69632"):
        changed = data.replace(b'"runs": [[16777216, 65536]]', b'"runs": [[16777216, %s]]' % said)
        path.write_bytes(changed)
        with pytest.raises(StateError, match="not as long as it says"):
            saved_state.read(path)


LAYERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "below the stack": changed(runs=[[0, PAGE]]),
    "overlapping": changed(runs=[[STACK_TOP, 2 * PAGE], [STACK_TOP + PAGE, PAGE]]),
    "endless": changed(runs=[[STACK_TOP, 1 << 60]]),
    "more than there is": changed(runs=[[STACK_TOP, 3 * PAGE]]),
    "fewer than there are": changed(runs=[[STACK_TOP, PAGE]]),
    "no memory": changed(memory=5),
    "no hash": changed(sha256=5),
    "another hash": changed(sha256="0" * 64),
    "no runs": lambda header: header.pop("runs"),
}


@pytest.mark.parametrize("change", LAYERS.values(), ids=LAYERS)
def test_what_is_wrong_with_a_layer_is_refused_by_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    path = tmp_path / "state"
    whole = made(path, STATE, packed=True)
    begin = len(whole) - len(LAYER.data)
    length = int.from_bytes(LAYER.data[:4], "little")
    header = json.loads(LAYER.data[4 : 4 + length])
    change(header)
    layer = state_file.framed(header) + LAYER.data[4 + length :]
    old, new = (sha256(data).encode() for data in (LAYER.data, layer))
    path.write_bytes(whole[:begin].replace(old, new) + layer)
    with pytest.raises(StateError) as refused:
        taken(path, packed=True)
    assert str(path) in refused.value.message


def test_a_folder_and_a_file_that_is_gone_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(StateError, match="cannot read the state"):
            read(path)


def test_one_file_of_a_state_is_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "state"
    files = {"working/a.csv": b"1,2\n" * 500_000, "temporary/x": b"", "working/b": b"end"}
    state_file.write_whole(path, encode(STATE._replace(files=files)))
    for name, content in files.items():
        assert state_file.read_one(path, name, 1 << 22) == content
    assert state_file.read_one(path, "working/none", 10) is None
    with pytest.raises(StateError, match="2,000,000 bytes, and 10 can be read"):
        state_file.read_one(path, "working/a.csv", 10)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(StateError, match="not what its hash says"):
        state_file.read_one(path, "working/a.csv", 1 << 22)


def test_two_layers_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    made(path, STATE, packed=True)
    monkeypatch.setattr("capsule.sessions.saved_state._MOST", 4 * PAGE)
    with pytest.raises(StateError, match="MB of memory and files"):
        saved_state.read(path)
