"""The envelope as programs get it."""

from __future__ import annotations

import json

import pytest

from capsule import Envelope, TaskFailedError
from capsule.envelope import refusal


def test_it_is_the_dict_that_the_command_prints() -> None:
    plain = refusal("main", "timeout", "too long")
    envelope = Envelope.of(plain)
    assert envelope == plain
    assert json.loads(json.dumps(envelope)) == plain


def test_its_keys_are_attributes() -> None:
    envelope = Envelope.of(refusal("main", "timeout", "too long"))
    assert envelope.error is not None
    assert (envelope.success, envelope.result, envelope.index) == (False, None, None)
    assert (envelope.error.error_type, envelope.error.message) == ("timeout", "too long")
    assert envelope.error.traceback is None
    assert envelope.execution.task_name == envelope["execution"]["task_name"] == "main"
    with pytest.raises(AttributeError, match="Envelope has no 'results'"):
        envelope.results  # noqa: B018 - the look-up is the test


def test_unwrap() -> None:
    failed = Envelope.of(refusal("main", "timeout", "too long"))
    with pytest.raises(TaskFailedError, match=r"^timeout: too long$") as caught:
        failed.unwrap()
    assert caught.value.envelope is failed
    done = Envelope.of({**refusal("main", "timeout", ""), "success": True, "result": [1]})
    assert done.unwrap() == [1]
