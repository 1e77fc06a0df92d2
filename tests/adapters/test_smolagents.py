"""The adapter for smolagents, with the real package and a scripted model.

The framework's own suite for executors runs too where its tests are: `CAPSULE_SMOLAGENTS_TESTS` names
the folder, which `nox -s adapters` takes from the package's sdist.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import os
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import PIL.Image
import pytest
from smolagents import ChatMessage, CodeAgent, FinalAnswerTool, LogLevel, Model, tool
from smolagents.utils import AgentError, AgentExecutionError

from capsule.adapters.smolagents import CapsuleExecutor
from tests.adapters.example_page import check_example

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = "CAPSULE_SMOLAGENTS_TESTS"


@tool
def price(fruit: str) -> float:
    """Return what it costs.

    Args:
        fruit: Its name.
    """
    return {"apple": 2.5}[fruit]


@tool
def turned(values: tuple[int, str]) -> tuple[str, int]:
    """Return it the other way round.

    Args:
        values: The values.
    """
    assert type(values) is tuple
    return values[1], values[0]


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[CapsuleExecutor]:
    with CapsuleExecutor(timeout="20s", cwd=tmp_path) as made:
        made.send_tools({"price": price, "turned": turned, "final_answer": FinalAnswerTool()})
        yield made


class Scripted(Model):
    """Runs each code in turn."""

    def __init__(self, *codes: str) -> None:
        super().__init__()
        self.codes, self.seen = list(codes), list[Any]()

    def generate(self, messages: Any, **options: Any) -> ChatMessage:
        self.seen.append(messages)
        return ChatMessage("assistant", f"<code>\n{self.codes.pop(0)}\n</code>")


def test_the_example(tmp_path: Path) -> None:
    check_example("smolagents_agent", tmp_path)


def test_state_and_output(executor: CapsuleExecutor) -> None:
    assert executor("n = 4\nprint('said')").logs == "said\n"
    found = executor("n + 1")
    assert (found.output, found.logs, found.is_final_answer) == (5, "", False)
    assert executor("{1, 2}").output == "{1, 2}"
    assert executor("n = 5").output is None
    executor.send_variables({"n": 7, "day": dt.date(2026, 1, 2), "some": {"a": (1, 2)}})
    assert executor("n, day.year, some['a'] == (1, 2)").output == [7, 2026, True]
    executor("n = 8")
    assert executor("n").output == 8


def test_tools_are_called_on_the_host(executor: CapsuleExecutor) -> None:
    assert executor("price('apple') + price(fruit='apple')").output == 5
    assert executor("turned((1, 'a'))  == ('a', 1)").output is True
    with pytest.raises(AgentExecutionError, match="KeyError: 'plum'"):
        executor("price('plum')")


def test_what_goes_wrong_is_told_and_the_state_stays(executor: CapsuleExecutor) -> None:
    executor("n = 1")
    with pytest.raises(AgentExecutionError) as raised:
        executor("print('before')\ndef f():\n    return 1 / 0\nf()")
    assert "line 3, in f" in str(raised.value)
    assert executor.state["_print_outputs"] == "before\n"
    with pytest.raises(AgentExecutionError, match=r"timeout=|compute="):
        executor("n = 2\nwhile True: pass")
    with pytest.raises(AgentExecutionError, match="has no allowed_hosts"):
        executor("import urllib.request\nurllib.request.urlopen('http://example.com')")
    assert executor("n").output == 1
    assert len(executor("print('x' * 100_000)").logs) <= 20_000


def test_final_answers(executor: CapsuleExecutor) -> None:
    found = executor("try:\n    final_answer({'a': (1, 2)})\nexcept Exception:\n    n = 0\nn = 1")
    assert (found.output, found.is_final_answer) == ({"a": (1, 2)}, True)
    with pytest.raises(AgentExecutionError, match="NameError"):
        executor("n")


def test_an_agent(tmp_path: Path) -> None:
    codes = ("n = price('apple')", "n / 0", "final_answer((n, 'apples'))")
    model = Scripted(*codes)
    with CapsuleExecutor(cwd=tmp_path) as executor:
        agent = CodeAgent([price], model, executor=executor, verbosity_level=LogLevel.OFF)
        assert agent.run("go", additional_args={"extra": [1]}) == (2.5, "apples")
        model.codes = ["final_answer([n, extra])"]
        # The same agent goes on where it was.
        assert agent.run("again", reset=False) == [2.5, [1]]
    assert any("ZeroDivisionError" in str(message) for message in model.seen[2])


def test_figures_are_shown_to_the_model(tmp_path: Path) -> None:
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    model = Scripted(plot, "final_answer(1)")
    with CapsuleExecutor(cwd=tmp_path, timeout="60s", ram="1GB") as executor:
        agent = CodeAgent(
            [],
            model,
            executor=executor,
            step_callbacks=[executor.show],
            verbosity_level=LogLevel.OFF,
        )
        agent.run("go")
        (image,) = agent.memory.steps[1].observations_images
    assert isinstance(image, PIL.Image.Image)
    assert image.size > (100, 100)
    kinds = [part["type"] for message in model.seen[1] for part in message.content]
    assert "image" in kinds


def own_suite() -> Any:
    """Load the framework's tests for executors; what they import for others need not be there."""
    folder = Path(os.environ[OWN])
    markers = types.ModuleType("own.utils.markers")
    markers.require_run_all = lambda made: made  # type: ignore[attr-defined]
    docker = types.ModuleType("docker")
    sys.modules |= {
        "own": types.ModuleType("own"),
        "own.utils": types.ModuleType("own.utils"),
        "own.utils.markers": markers,
        "docker": docker,
    }
    spec = importlib.util.spec_from_file_location(
        "own.test_remote_executors", folder / "test_remote_executors.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if os.environ.get(OWN):

    class TestOwnSuite(own_suite().CommonDockerExecutorIntegration):  # type: ignore[misc]
        """What the framework holds its own remote executors to."""

        @pytest.fixture
        def custom_executor(self, tmp_path: Path) -> Iterator[CapsuleExecutor]:
            with CapsuleExecutor(cwd=tmp_path, timeout="60s", ram="1GB") as made:
                yield made


def test_an_image_as_the_answer(tmp_path: Path) -> None:
    code = "from PIL import Image\nfinal_answer(Image.new('RGB', (10, 20), (255, 0, 0)))"
    with CapsuleExecutor(cwd=tmp_path, timeout="60s", ram="1GB") as executor:
        executor.send_tools({"final_answer": FinalAnswerTool()})
        found = executor(code)
        assert found.output.size == (10, 20)
        file = io.BytesIO()
        found.output.save(file, format="PNG")
        with pytest.raises(AgentError):
            executor("1 +")
