"""Arguments of a task on the command line: of the types that its annotations say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from capsule.artifact import read
from capsule.artifact.write import write
from capsule.snapshot.base_snapshot import SERVE
from capsule.snapshot.driver import artifact_driver
from tests.integration.command import Command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

TYPED = """
from __future__ import annotations
from typing import Optional
def main(n: int, ratio: float = 0.5, on: bool = False, items: list[int] = [],
         more: dict[str, int] | None = None, name: Optional[str] = "", plain="", *rest: int):
    return [n, ratio, on, items, more, name, plain, list(rest)]
"""


@pytest.fixture
def command(toolchain_home: Path, tmp_path: Path) -> Command:
    made = Command(tmp_path, toolchain_home)
    made.write("typed.py", TYPED)
    return made


WORDS = ("7", "2", "yes", "[1, 2]", '{"a": 1}', "null", "9", "10", "11")
VALUES = [7, 2.0, True, [1, 2], {"a": 1}, None, "9", [10, 11]]


def test_words_are_what_the_annotations_say(command: Command) -> None:
    done = command("run", "typed.py", *WORDS, "--result")
    assert json.loads(done.out) == VALUES, done.err


def test_an_artifact_says_what_its_parameters_are(command: Command) -> None:
    assert command("build", "--export", "typed.py").code == 0
    done = command("exec", "typed.wasm", *WORDS, "--result")
    assert json.loads(done.out) == VALUES, done.err
    refused = command("exec", "typed.wasm", "x")
    assert (refused.code, "argument n: 'x' is not an int" in refused.err) == (2, True)


def test_words_stay_text_for_an_artifact_of_a_capsule_that_did_not_say(command: Command) -> None:
    command.write("add.py", "def main(n: int): return n * 2")
    assert command("build", "--export", "add.py").code == 0
    made = command.folder / "add.wasm"
    parts = read.read_bytes(made.read_bytes())
    manifest = {name: value for name, value in parts.manifest.items() if name != "variables"}
    manifest["main"] = {
        name: value for name, value in manifest["main"].items() if name != "parameters"
    }
    parts = parts._replace(manifest=manifest)
    assert command("exec", "add.wasm", "4", "--result").out == "8\n"
    made.write_bytes(write(artifact_driver(SERVE, parts.pages, 0), parts))
    assert command("exec", "add.wasm", "4", "--result").out == "44\n"


def test_json_takes_values_of_all_types(command: Command) -> None:
    said = '{"n": "text", "ratio": null, "plain": [1.5]}'
    done = command("run", "typed.py", "--args", said, "--result")
    assert json.loads(done.out)[:3] == ["text", None, False]
    assert json.loads(done.out)[6] == [1.5]
    done = command("run", "typed.py", "--args", "[1, 2, true]", "--result")
    assert json.loads(done.out)[:3] == [1, 2, True]
    done = command("run", "typed.py", "--args-file", "-", "--result", stdin="[1, 2, true]")
    assert json.loads(done.out)[:3] == [1, 2, True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("x",), "argument n: 'x' is not an int; allowed: a whole number, like 3"),
        (("1", "much"), "argument ratio: 'much' is not a float; allowed: a number, like 1.5"),
        (
            ("1", "1", "on"),
            "argument on: 'on' is not a bool; allowed: true, false, 1, 0, yes or no",
        ),
        (("1", "1", "1", "{}"), "argument items: '{}' is not a list; allowed: a list in JSON"),
        (
            ("1", "1", "1", "[]", "[]"),
            "argument more: '[]' is not a dict | None; allowed: an object",
        ),
        ((*WORDS[:7], "x"), "argument rest: 'x' is not an int"),
        (("--args", "3"), "--args: it holds a number; an array (positional arguments) or an"),
        (("--args", "[1"), "--args: not JSON"),
        (("--args", "[NaN]"), "--args: not JSON: NaN is not a JSON value"),
        (("1", "--args", "[1]"), "both --args and arguments were given: '1'"),
        (("--args", "[1]", "--args-file", "-"), "both --args and --args-file were given"),
        (("--args", "[1]", "--map", "-"), "--map takes the arguments from its file"),
    ],
)
def test_what_is_no_argument_is_refused_before_anything_runs(
    command: Command, words: tuple[str, ...], said: str
) -> None:
    done = command("run", "typed.py", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    answer = json.loads(command("run", "typed.py", *words, "--json").out)
    assert answer["error"]["error_type"] == "usage_error"
