"""The adapter for DSPy, with the real package and a scripted model.

The behaviours are those that the framework's own tests hold its interpreters to.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

import dspy
import pytest
from dspy.primitives.code_interpreter import CodeExecutionError, CodeInterpreterError, FinalOutput
from dspy.utils.dummies import DummyLM

from capsule.adapters.dspy import CapsuleInterpreter
from tests.adapters.example_page import check_example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of the framework's own making: what calls its models so is its facade.
pytestmark = pytest.mark.filterwarnings("ignore:Passing OpenAI-style message:DeprecationWarning")

FIELDS = [{"name": "answer", "type": "str"}, {"name": "score", "type": "int"}]


def add(left: int, right: int) -> int:
    """Add."""
    return left + right


@pytest.fixture
def interpreter(tmp_path: Path) -> Iterator[CapsuleInterpreter]:
    with CapsuleInterpreter(tools={"add": add}, timeout="20s", cwd=tmp_path) as made:
        yield made


def scripted(rlm: Any, *codes: str) -> Any:
    """Have an RLM run these codes in turn."""
    left = iter(codes)

    class Actions(dspy.Predict):
        def forward(self, **kwargs: Any) -> Any:
            return dspy.Prediction(reasoning="", code=next(left))

        async def aforward(self, **kwargs: Any) -> Any:
            return self.forward()

    rlm.generate_action = Actions(rlm.generate_action.signature)
    return rlm


def test_the_example(tmp_path: Path) -> None:
    check_example("dspy_rlm", tmp_path)


def test_it_is_an_interpreter_and_its_class_makes_them(interpreter: CapsuleInterpreter) -> None:
    assert isinstance(interpreter, dspy.CodeInterpreter)
    rlm = dspy.RLM("question -> answer", interpreter_factory=CapsuleInterpreter)
    assert CapsuleInterpreter.execution_instructions in rlm.generate_action.signature.instructions


def test_state_output_and_values(interpreter: CapsuleInterpreter) -> None:
    assert interpreter.execute("remembered = 41") is None
    assert interpreter.execute("remembered + 1") == 42
    assert interpreter.execute("print('guest only')") == "guest only"
    assert interpreter.execute("print('both')\n{1}") == "both\n{1}"
    assert interpreter.execute("data, remembered", {"data": {"a": [1]}}) == [{"a": [1]}, 41]
    assert interpreter("data['a']") == [1]


def test_tools_and_submit(interpreter: CapsuleInterpreter) -> None:
    assert interpreter.execute("add(left=19, right=23), add(19, 23)") == [42, 42]
    assert interpreter.execute("SUBMIT(42)") == FinalOutput({"output": 42})
    interpreter.output_fields = FIELDS
    for code in ("SUBMIT(answer='yes', score=42)", "SUBMIT('yes', 42)"):
        assert interpreter.execute(code) == FinalOutput({"answer": "yes", "score": 42})
    for code in ("SUBMIT('yes')", "SUBMIT('yes', 42, 1)", "SUBMIT('yes', score=1)"):
        with pytest.raises(CodeExecutionError, match="TypeError"):
            interpreter.execute(code)
    interpreter.tools["later"] = lambda: "added"
    assert interpreter.execute("later()") == "added"
    interpreter.tools["wrong"] = _raise
    with pytest.raises(CodeExecutionError, match="ValueError: no"):
        interpreter.execute("wrong()")


def _raise() -> None:
    raise ValueError("no")


@pytest.mark.parametrize("name", ["not-valid", "class", "SUBMIT", "__builtins__"])
def test_names_that_cannot_be(interpreter: CapsuleInterpreter, name: str) -> None:
    with pytest.raises(ValueError, match="invalid names"):
        CapsuleInterpreter(tools={name: add})
    with pytest.raises(CodeInterpreterError, match="invalid names"):
        interpreter.execute("1", {name: 1})
    with pytest.raises(CodeInterpreterError, match="invalid names"):
        interpreter.execute("1", {"add": 1})
    interpreter.tools[name] = add
    with pytest.raises(ValueError, match="invalid names"):
        interpreter.execute("1")
    del interpreter.tools[name]
    assert interpreter.execute("6 * 7") == 42


def test_code_cannot_take_the_names_away(interpreter: CapsuleInterpreter) -> None:
    interpreter.execute("SUBMIT = add = None")
    assert interpreter.execute("add(19, 23)") == 42
    assert interpreter.execute("SUBMIT(42)") == FinalOutput({"output": 42})


def test_errors_and_limits_are_those_of_the_code(tmp_path: Path) -> None:
    interpreter = CapsuleInterpreter(compute="LOW", timeout="20s", cwd=tmp_path)
    with pytest.raises(SyntaxError, match="invalid syntax"):
        interpreter.execute("if")
    with pytest.raises(CodeExecutionError, match="ZeroDivisionError"):
        interpreter.execute("n = 1\n1 / 0")
    with pytest.raises(CodeExecutionError, match="fuel"):
        interpreter.execute("while True: pass")
    with pytest.raises(CodeExecutionError, match="SyntaxError"):
        interpreter.execute("compile('(', '', 'exec')")
    assert interpreter.execute("n") == 1
    with pytest.raises(CodeInterpreterError, match="JSON"):
        interpreter.execute("1", {"x": {1}})
    interpreter.shutdown()
    interpreter.shutdown()
    for use in (interpreter.start, lambda: interpreter.execute("1")):
        with pytest.raises(CodeInterpreterError, match="was shut down"):
            use()


def test_what_the_host_cannot_do_is_no_error_of_the_code() -> None:
    with pytest.raises(CodeInterpreterError, match="ram"):
        CapsuleInterpreter(ram="much").start()


def test_tools_see_the_context_of_the_caller(tmp_path: Path) -> None:
    marker: contextvars.ContextVar[str] = contextvars.ContextVar("marker", default="missing")
    marker.set("visible")

    async def read() -> str:
        return marker.get()

    tools: dict[str, Any] = {"read": read, "read_now": marker.get}
    with CapsuleInterpreter(tools=tools, cwd=tmp_path) as interpreter:
        assert interpreter.execute("read(), read_now()") == ["visible", "visible"]


@pytest.mark.parametrize("awaited", [False, True])
def test_rlm(awaited: bool) -> None:
    calls = []

    def plus(*, left: int, right: int) -> int:
        calls.append((left, right))
        return left + right

    rlm = dspy.RLM("question -> answer", tools=[plus], interpreter_factory=CapsuleInterpreter)
    scripted(rlm, "total = plus(left=19, right=23)\nprint(question)", "1 / 0", "SUBMIT(str(total))")
    result = asyncio.run(rlm.acall(question="?")) if awaited else rlm(question="?")
    assert result.answer == "42"
    assert calls == [(19, 23)]
    assert [step["output"].splitlines()[0] for step in result.trajectory[:2]] == [
        "?",
        "[Error] Traceback (most recent call last):",
    ]


def test_sub_agents_inside() -> None:
    def echo(text: str) -> str:
        """Echo."""
        return text

    rlm = dspy.RLM(
        "question -> answer", tools=[echo], interpreter_factory=CapsuleInterpreter, max_llm_calls=1
    )
    scripted(
        rlm,
        "import dspy\nsub = dspy.Predict('question -> answer')\nfound = sub(question='ping').answer",
        "try:\n    sub(question='more')\nexcept Exception as error:\n    print(error)",
        "SUBMIT(found + echo('!'))",
    )
    with dspy.context(lm=DummyLM([{"answer": "pong"}, {"answer": "no"}])):
        result = rlm(question="?")
    assert result.answer == "pong!"
    assert "LLM call limit exceeded: 1 + 1 > 1" in result.trajectory[1]["output"]


def test_program_of_thought() -> None:
    with pytest.warns(DeprecationWarning, match="RLM is the preferred replacement"):
        program = dspy.ProgramOfThought(
            "question -> answer: str", interpreter_factory=CapsuleInterpreter
        )
    script = [
        {"reasoning": "", "generated_code": "```python\nSUBMIT({'answer': str(6 * 7)})\n```"},
        {"reasoning": "", "answer": "42"},
    ]
    with dspy.context(lm=DummyLM(script)):
        assert program(question="?").answer == "42"
