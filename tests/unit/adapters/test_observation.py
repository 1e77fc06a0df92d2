"""What a model is told of a turn is bounded, and complete within that."""

from __future__ import annotations

import base64
import importlib
import struct
import sys
from concurrent.futures import Future
from typing import Any

import pytest

from capsule.adapters import missing, observation
from capsule.envelope import refusal
from capsule.errors import BusyError, CapsuleError, ToolchainError, UsageError
from capsule.sdk.envelope import Envelope
from capsule.sessions.kept_turn import Answered
from capsule.sessions.scratch_files import FileChange
from capsule.sessions.state_file import StateError
from capsule.sessions.turn import Turn


def png(width: int, height: int, size: int = 100) -> dict[str, str]:
    data = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    data += bytes(max(size - len(data), 0))
    return {"image/png": base64.b64encode(data).decode(), "text/plain": "<Figure>"}


def turn(
    stdout: str = "",
    text: str = "",
    displays: tuple[dict[str, Any], ...] = (),
    files: tuple[FileChange, ...] = (),
    error: tuple[str, str] | None = None,
) -> Turn:
    envelope = refusal("session", "task_error", "")
    envelope["execution"]["stdout"] = stdout
    envelope["result"] = {"value": None, "text": text, "displays": [*displays]}
    envelope["success"], envelope["error"] = error is None, None
    if error is not None:
        envelope["error"] = {"error_type": error[0], "message": error[1]}  # type: ignore[typeddict-item]
    assert Envelope.of(envelope)
    return Turn.of_answer(Answered(envelope, [*files], Future()))


def test_output_value_files_and_error_are_told_in_order() -> None:
    change = FileChange("a.csv", 1234, "new")
    seen = observation.observed(turn("one\n\n", "2", files=(change,)))
    assert seen == ("one\n2\n(new file a.csv, 1,234 bytes)", ())
    seen = observation.observed(turn("one\n", error=("timeout", "stopped after 5 s")))
    assert seen.text.splitlines()[:2] == ["one", "timeout: stopped after 5 s"]
    assert seen.text.endswith("nothing of it was kept. Find a faster way.")
    assert observation.observed(turn()).text == "(no output)"


def test_a_value_that_is_displayed_is_told_once() -> None:
    table = {"text/html": "<table>", "text/plain": "   a\n0  1"}
    assert observation.observed(turn(text="   a\n0  1", displays=(table,))).text == "   a\n0  1"
    other = {"text/plain": "'before'"}
    assert observation.observed(turn(text="1", displays=(other,))).text == "'before'\n1"


def test_text_is_bounded() -> None:
    text = observation.observed(turn("x" * 50_000)).text
    assert len(text) <= observation.MOST_TEXT
    assert "characters are left out here" in text
    assert len(observation.observed(turn("x" * 50_000), 500).text) <= 500
    assert len(observation.refused(UsageError("x" * 50_000)).text) <= observation.MOST_TEXT


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (png(640, 480), "(a figure of 640 x 480 points, 100 bytes)"),
        (png(4000, 4000), "(a figure of 4000 x 4000 points, 100 bytes)"),
        (png(4001, 1), "4,000 points are shown at most; make it smaller"),
        (png(1, 2**32 - 1), "4,000 points are shown at most; make it smaller"),
        (png(0, 0), "4,000 points are shown at most"),
        (png(9, 9, (3 << 20) + 1), "3,145,728 bytes are shown at most; make it smaller"),
        ({"image/png": "!"}, "(a figure that is none)"),
        ({"image/png": ""}, "is left out"),
        ({"image/png": base64.b64encode(b"GIF89a" + bytes(30)).decode()}, "is left out"),
    ],
)
def test_figures_are_bounded(figure: dict[str, str], said: str) -> None:
    seen = observation.observed(turn(displays=(figure,)))
    assert said in seen.text
    assert bool(seen.figures) == ("left out" not in seen.text and "none" not in seen.text)


def test_of_many_figures_four_are_shown() -> None:
    seen = observation.observed(turn(displays=(png(9, 9),) * 6))
    assert (len(seen.figures), seen.text.count("4 are shown of a turn")) == (4, 2)
    assert seen.figures[0].base64 == png(9, 9)["image/png"]


def test_what_a_model_can_mend_is_told_and_the_rest_is_raised() -> None:
    seen = observation.refused(BusyError("too many", hint="wait"))
    assert seen.text == "busy_error: too many\n  try: wait\nNothing was run."
    for error in (StateError("closed"), ToolchainError("missing")):
        with pytest.raises(CapsuleError, match=error.message):
            observation.refused(error)


def test_functions_of_the_host_are_described() -> None:
    tools = {"price": {"signature": "(name: str) -> int", "doc": "Return it."}}
    assert observation.described(tools).splitlines()[1] == "- price(name: str) -> int: Return it."
    assert observation.described({}) == ""


@pytest.mark.parametrize("extra", missing.REQUIREMENTS)
def test_what_is_not_installed_says_what_installs_it(
    extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = extra.replace("-", "_")
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"capsule.adapters.{name}", raising=False)
    with pytest.raises(ImportError, match=rf'try: pip install "{extra}'):
        importlib.import_module(f"capsule.adapters.{name}")
