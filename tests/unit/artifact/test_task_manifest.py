"""What a manifest says of a task comes back as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.artifact.errors import ArtifactError
from capsule.artifact.task_manifest import TaskManifest, decode, encode
from capsule.policy.declaration_types import Declarations, TaskDeclaration

PRINTABLE = st.characters(exclude_categories=["C", "Z"]) | st.just(" ")
NAMES = st.text(PRINTABLE, min_size=1, max_size=20)
IDENTIFIERS = st.sampled_from(["main", "f", "\u00e9t\u00e9", "_x1"])
TASKS = st.builds(
    TaskDeclaration,
    name=NAMES,
    function=IDENTIFIERS,
    filename=st.just("task.wasm"),
    line=st.just(0),
    is_async=st.booleans(),
    options=st.dictionaries(
        st.sampled_from(["compute", "ram", "allowed_hosts"]),
        st.sampled_from(["LOW", 5, ["a.com"]]),
    ),
)
DESCRIPTIONS = st.builds(
    TaskManifest,
    capsule=NAMES,
    interpreter=NAMES,
    runtime=NAMES,
    flavour=st.sampled_from(["core", "science"]),
    entry=IDENTIFIERS,
    imports=st.frozensets(IDENTIFIERS),
    asyncio=st.booleans(),
    files=st.none() | st.text(),
    plain=st.none() | st.text(),
    variables=st.lists(NAMES, max_size=3).map(tuple),
    declarations=st.builds(
        Declarations,
        filename=st.just("task.wasm"),
        tasks=st.lists(TASKS, max_size=3, unique_by=lambda task: task.name).map(tuple),
        plain_main=st.none() | TASKS,
        value_at=st.none(),
    ),
)


@given(DESCRIPTIONS)
def test_what_is_encoded_is_decoded_again(described: TaskManifest) -> None:
    values = json.loads(json.dumps(encode(described)))
    assert decode(values, "task.wasm") == described


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(DESCRIPTIONS, st.sampled_from([*TaskManifest._fields, "tasks", "main", "more"]), VALUES)
def test_any_other_value_is_read_or_refused(
    described: TaskManifest, key: str, value: object
) -> None:
    values = {**encode(described), key: value}
    refused = None
    found = None
    try:
        found = decode(values, "task.wasm")
    except ArtifactError as error:
        refused = str(error)
    if found is None:
        assert refused is not None
        assert refused.startswith("task.wasm: ")
    else:
        assert encode(found) == {**values, "imports": sorted(set(values["imports"]))}


@pytest.mark.parametrize("key", ["entry", "tasks", "main", "flavour", "imports"])
def test_a_missing_key_is_named(key: str) -> None:
    described = TaskManifest(
        "1", "a", "b", "core", "main", frozenset(), False, None, None, Declarations("x", (), None)
    )
    values = encode(described)
    del values[key]
    with pytest.raises(ArtifactError, match=f"manifest has no '{key}'"):
        decode(values, "task.wasm")
