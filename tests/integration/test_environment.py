"""Variables that a module asks for while it is imported: the same values as outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.observer import NOBODY
from capsule.runner.run import run
from capsule.runner.source import read_file
from tests.integration.workbench import from_artifact, from_source

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

HEAD = "import os\nfrom capsule import task\n"
GRANTED = "@task(env_variables=['SEEN'])\n"
LOOKUPS = {
    "os.environ['SEEN']": "one",
    "os.environ.get('SEEN')": "one",
    "os.environ.get('SEEN', 'default')": "one",
    "os.getenv('SEEN')": "one",
    "os.getenvb(b'SEEN').decode()": "one",
    "'SEEN' in os.environ": True,
    "os.environ.setdefault('SEEN', 'default')": "one",
    "dict(os.environ)": {"SEEN": "one", "HOME": "/tmp"},
    "sorted(os.environ)": ["HOME", "SEEN"],
    "len(os.environ)": 2,
    "os.environ.copy()": {"SEEN": "one", "HOME": "/tmp"},
    "[value for name, value in os.environ.items() if name == 'SEEN']": ["one"],
}


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEN", "one")


def returned(envelope: Envelope) -> Any:
    assert envelope["success"], envelope["error"]
    return envelope["result"]


@pytest.mark.parametrize(("lookup", "value"), LOOKUPS.items())
def test_an_import_sees_what_is_granted(bench: Workbench, lookup: str, value: object) -> None:
    source = f"{HEAD}X = {lookup}\n{GRANTED}def main(): return X"
    for _ in range(2):
        assert returned(bench.run(source)) == value
        assert bench.recorder.plain is not None


def test_it_says_which_variable_keeps_it_from_its_snapshot(bench: Workbench) -> None:
    bench.run(f"{HEAD}X = os.getenv('SEEN')\n{GRANTED}def main(): return X")
    assert bench.recorder.plain == "looks up the variable SEEN, which the task may see"


@pytest.mark.parametrize("lookup", [*LOOKUPS, "os.getenv('OTHER')", "os.environ.get('HOME')"])
def test_what_is_not_granted_leaves_the_snapshot(bench: Workbench, lookup: str) -> None:
    source = f"{HEAD}try: X = {lookup}\nexcept (KeyError, AttributeError): X = None\n"
    bench.run(f"{source}def main(): return 'SEEN' in os.environ")
    assert bench.recorder.plain is None
    if "SEEN" in lookup or "OTHER" in lookup:
        granted = "@task(env_variables=['ANOTHER'])\n"
        order = bench.order(f"{source}{granted}def main(): return X", no_env=True)
        bench.run_order(order)
        assert bench.recorder.plain is None


def test_the_lookup_of_a_module_beside_counts(bench: Workbench) -> None:
    (bench.project / "settings.py").write_text("import os\nKEY = os.environ.get('SEEN')\n")
    (bench.project / "job.py").write_text(
        f"{HEAD}import settings\n{GRANTED}def main(): return settings.KEY"
    )

    read = read_file(bench.project / "job.py", bench.project)
    order = prepare.order(read, prepare.Call(), bench.home, Silent())
    assert returned(bench.run_order(order)) == "one"


def test_each_task_of_a_file_sees_its_own(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECOND", "two")
    source = f"""{HEAD}FOUND = [os.environ.get('SEEN'), os.environ.get('SECOND')]
@task(env_variables=['SECOND'])
def second(): return FOUND
@task
def neither(): return FOUND
{GRANTED}def main(): return [FOUND, second().unwrap(), neither().unwrap()]
"""
    with Cancellation() as never:
        envelope = run(bench.order(source), NOBODY, never)
    assert returned(envelope) == [["one", None], [None, "two"], [None, None]]


@pytest.mark.parametrize("make", [from_source, from_artifact])
def test_an_artifact_too(bench: Workbench, tmp_path: Path, make: Any) -> None:
    source = f"{HEAD}X = os.getenv('SEEN', 'nothing')\n{GRANTED}def main(): return X"
    assert returned(bench.run_order(make(source, tmp_path, bench))) == "one"
    # Whoever runs it may see less, and what the import looked up travels.
    plain = f"{HEAD}X = os.getenv('SEEN', 'nothing')\n@task\ndef main(): return X"
    assert returned(bench.run_order(make(plain, tmp_path, bench))) == "nothing"
    assert bench.recorder.plain is None


def test_what_an_import_sets_stays_set(bench: Workbench) -> None:
    body = """
os.environ['MODE'] = 'mine'
os.environ.setdefault('LEVEL', 'default')
"""
    answer = "return [os.environ['MODE'], os.environ['LEVEL'], os.getenv('MODE')]"
    assert returned(bench.run(f"{HEAD}{body}def main(): {answer}")) == ["mine", "default", "mine"]
    assert bench.recorder.plain is None


def test_what_an_import_sets_wins_as_outside(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVEL", "host")
    source = f"""{HEAD}
os.environ['SEEN'] = 'mine'
os.environ.setdefault('LEVEL', 'default')
@task(env_variables=['SEEN', 'LEVEL'])
def main(): return [os.environ['SEEN'], os.environ['LEVEL']]
"""
    assert returned(bench.run(source)) == ["mine", "host"]


def test_an_import_that_cannot_be_frozen_sees_it_too(bench: Workbench) -> None:
    source = f"{HEAD}import time\nT, X = time.time(), os.environ.get('SEEN')\n"
    assert returned(bench.run(f"{source}{GRANTED}def main(): return X")) == "one"
    assert bench.recorder.plain is not None


def test_many_names_count_as_all(bench: Workbench) -> None:
    source = f"""{HEAD}for n in range(3_000): os.environ.get(f'N{{n}}')
X = os.environ.get('SEEN')
{GRANTED}def main(): return X
"""
    assert returned(bench.run(source)) == "one"
