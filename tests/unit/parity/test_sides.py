"""A sandbox that a program ends: the others are asked again, and answer."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.parity import sides
from scripts.parity.execution import answer_request
from scripts.parity.program_files import read_group

GROUP = read_group("g", '"T."\nb = 1\n' + "".join(f"# %% p{n}\nb + {n}\n" for n in range(5)))


def test_a_program_that_ends_the_sandbox_costs_no_other_its_answer() -> None:
    asked: list[int] = []

    def run(_: str, request: dict[str, Any]) -> object:
        asked.append(len(request["programs"]))
        if any(key == "g/p3" for key, *_ in request["programs"]):
            raise sides.SandboxError("sandbox_crashed: it died")
        return answer_request(request)

    found = sides.inside([GROUP], run).answers
    assert [json.loads(found[one.key]) for one in GROUP.programs] == [
        *({"value": n + 1} for n in range(3)),
        {"error": "sandbox_crashed: it died"},
        {"value": 5},
    ]
    assert asked == [5, 2, 3, 1, 2, 1, 1]


def test_outside_is_another_process_with_a_clean_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    group = read_group("g", '"T."\nimport os\n# %% a\nsorted(os.environ)\n# %% b\nb"x"\n')
    found = sides.outside([group], Path(sys.executable))
    assert "LANG" not in json.loads(found.answers["g/a"])["value"]
    assert found.answers["g/b"] == '{"value": {"bytes": "78"}}'
    assert found.versions["python"] == sys.version.split()[0]


def test_a_python_outside_without_the_packages_is_told_what_it_needs() -> None:
    group = read_group("g", '"T."\nimport no_such_package\n# %% a\n1\n')
    with pytest.raises(sides.OutsideError, match="No module named 'no_such_package'; it needs"):
        sides.outside([group], Path(sys.executable))


def test_the_task_imports_what_the_heads_do_behind_the_imports_from_the_future() -> None:
    group = read_group("g", '"T."\nimport io\nimport numpy as np\n# %% a\n1\n')
    lines = [ast.unparse(node) for node in ast.parse(sides.task_source([group])).body[1:3]]
    assert lines == ["from __future__ import annotations", "import numpy as np"]
