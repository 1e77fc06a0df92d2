"""Tasks that call tasks: each in its own sandbox under its own policy, whatever the caller says."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from capsule.confine.isolation_layers import IsolationLayers
from capsule.errors import PolicyError
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner import prepare, run_budget
from capsule.runner.run import run
from capsule.runner.source import read_file
from capsule.snapshot import memory_dump
from capsule.snapshot import task_snapshot as snapshots
from tests.integration.workbench import Counting

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.policy.resolve import Policy
    from capsule.process.argv import Launch
    from capsule.runner.attempt import Attempt
    from capsule.runner.observer import Which
    from capsule.snapshot.memory_dump import Bounds
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

HEAD = "from capsule import task\nimport asyncio, os\n"


def ran(bench: Workbench, source: str) -> tuple[Envelope, Counting]:
    observer = Counting()
    with Cancellation() as never:
        return run(bench.order(HEAD + source), observer, never), observer


def test_an_envelope_comes_back(bench: Workbench) -> None:
    envelope, observer = ran(
        bench,
        """
@task(compute="LOW")
def double(n, *, plus=0):
    print("doubling")
    return n * 2 + plus
@task(name="main")
def main():
    answer = double(3, plus=1)
    return [answer["success"], answer.result, answer.unwrap(), answer.execution["task_name"],
            answer["execution"]["stdout"], sorted(answer)]
""",
    )
    keys = ["error", "execution", "result", "success"]
    assert envelope["result"] == [True, 7, 7, "double", "doubling\n", keys], envelope["error"]
    assert observer.ran == ["double", "main"]


def test_failures_are_envelopes_too(bench: Workbench) -> None:
    envelope, _ = ran(
        bench,
        """
@task()
def raises(): raise ValueError("no")
@task(compute="100000")
def burns():
    while True: pass
@task(timeout="200ms")
def sleeps():
    import time
    time.sleep(10)
@task(max_retries=2)
def retries(): 1 / 0
@task(name="main")
def main():
    found = [f()["error"]["error_type"] for f in (raises, burns, sleeps)]
    again = retries()
    try:
        raises().unwrap()
    except Exception as error:
        return [*found, again["execution"]["retries"], str(error)]
""",
    )
    assert envelope["result"] == [
        "task_error", "fuel_exhausted", "timeout", 2, "task_error: ValueError: no",
    ]  # fmt: skip


def test_tasks_that_are_awaited_together_run_together(bench: Workbench) -> None:
    envelope, observer = ran(
        bench,
        """
@task()
async def sleeper(n):
    await asyncio.sleep(0.3)
    return n
@task(name="main")
async def main():
    answers = await asyncio.gather(*(sleeper(n) for n in range(6)))
    return [answer.result for answer in answers]
""",
    )
    assert envelope["result"] == [0, 1, 2, 3, 4, 5], envelope["error"]
    assert observer.most >= 3  # the caller and two of them


def test_tasks_that_threads_call_run_together(bench: Workbench) -> None:
    envelope, observer = ran(
        bench,
        """
from concurrent.futures import ThreadPoolExecutor
@task()
def double(n):
    import time
    time.sleep(0.3)
    return 2 * n
@task(name="main")
def main():
    with ThreadPoolExecutor(4) as pool:
        return [answer.result for answer in pool.map(double, range(4))]
""",
    )
    assert envelope["result"] == [0, 2, 4, 6], envelope["error"]
    assert observer.most >= 3


def test_arguments_and_results_of_every_kind_travel(bench: Workbench) -> None:
    envelope, _ = ran(
        bench,
        """
@task()
def echo(*args, **kwargs): return [args, kwargs]
@task(name="main")
def main():
    large = "x" * 5_000_000
    values = [1, 2.5, None, True, "\\u00e9", [1], {"k": []}, large]
    return echo(*values, a={"b": 1}).result == [values, {"a": {"b": 1}}]
""",
    )
    assert envelope["result"] is True


@pytest.mark.parametrize("value", ["{1, 2}", "b'x'", "float('nan')", "object()"])
def test_arguments_that_are_not_json(bench: Workbench, value: str) -> None:
    source = (
        f"@task()\ndef echo(x): return x\n@task(name='main')\ndef main(): return echo({value})\n"
    )
    envelope, observer = ran(bench, source)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "task_error"
    assert observer.ran == ["main"]


def test_each_has_its_own_policy(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("content")
    monkeypatch.setenv("KEY", "value")
    envelope, _ = ran(
        bench,
        """
@task(allowed_files=["./data"], env_variables=["KEY"])
def may(): return [open("data/file").read(), dict(os.environ)]
@task(name="main")
def main():
    try:
        mine = open("data/file").read()
    except OSError as error:
        mine = type(error).__name__
    return [may().result, mine, dict(os.environ)]
""",
    )
    assert envelope["result"] == [
        ["content", {"KEY": "value", "HOME": "/tmp"}],
        "FileNotFoundError",
        {"HOME": "/tmp"},
    ]


def test_a_task_that_calls_itself_ends(bench: Workbench) -> None:
    envelope, observer = ran(
        bench,
        """
@task(name="main")
def main(n=0):
    answer = main(n + 1)
    return answer.result if answer.success else [n, answer.error["error_type"]]
""",
    )
    assert envelope["result"] == [run_budget.MAX_DEPTH, "policy_error"]
    assert len(observer.ran) == run_budget.MAX_DEPTH + 1


def test_the_number_of_tasks_is_bounded(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_budget, "MAX_TASKS", 20)
    envelope, observer = ran(
        bench,
        """
@task()
async def child(depth):
    if depth < 3:
        await asyncio.gather(*(child(depth + 1) for _ in range(4)))
@task(name="main")
async def main():
    answers = await asyncio.gather(*(child(0) for _ in range(30)))
    return [a["error"]["error_type"] for a in answers if not a.success][-1]
""",
    )
    assert envelope["result"] == "policy_error", envelope["error"]
    assert len(observer.ran) <= 21


def test_full_places_at_every_depth_are_no_deadlock(bench: Workbench) -> None:
    envelope, observer = ran(
        bench,
        """
@task()
async def level(depth):
    if depth:
        answers = await asyncio.gather(*(level(depth - 1) for _ in range(3)))
        return sum(a.unwrap() for a in answers)
    return 1
@task(name="main")
async def main():
    answers = await asyncio.gather(*(level(2) for _ in range(6)))
    return sum(a.unwrap() for a in answers)
""",
    )
    assert envelope["result"] == 54, envelope["error"]
    assert len(observer.ran) == 6 * (1 + 3 + 9) + 1


def test_cancelling_the_first_ends_all(bench: Workbench) -> None:
    order = bench.order(
        HEAD
        + """
@task()
async def sleeper():
    await asyncio.sleep(60)
@task(name="main")
async def main():
    await asyncio.gather(*(sleeper() for _ in range(4)))
"""
    )
    observer = Counting()
    with Cancellation() as cancellation:
        timer = threading.Timer(1.5, cancellation.cancel)
        timer.start()
        begin = time.monotonic()
        envelope = run(order, observer, cancellation)
    assert time.monotonic() - begin < 10
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "cancelled"
    assert observer.running == 0


def test_a_timeout_ends_what_was_called(bench: Workbench) -> None:
    envelope, observer = ran(
        bench,
        """
@task()
def sleeper():
    import time
    time.sleep(60)
@task(name="main", timeout="1s")
def main(): sleeper()
""",
    )
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "timeout"
    assert envelope["execution"]["duration_ms"] < 2_000
    assert observer.running == 0


# The wire is the attacker's too.

RAW = """
import json
from capsule.shared.frames import CALL, pack_call
from capsule_guest.channel import send
from capsule_guest import calls
def ask(**fields):
    return calls.call(fields.pop("op", "task"), fields)[0]
@task(compute="20000000", allowed_files=[], env_variables=[])
def small(n=0):
    total = 0
    for _ in range(n): total += 1
    return dict(os.environ), total
@task(name="main")
def main():
    return {code}
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ask(name='small', args=[10**7], kwargs={})['envelope']['error']['error_type']",
         "fuel_exhausted"),
        ("ask(name='os.system', args=['x'], kwargs={})['envelope']['error']['error_type']",
         "policy_error"),
        ("ask(name=None, args=[], kwargs={})['envelope']['error']['error_type']", "policy_error"),
        ("ask(name=['small'], args=[], kwargs={})['envelope']['error']['error_type']",
         "policy_error"),
        ("ask(name='small' * 10000, args=[], kwargs={})['envelope']['error']['error_type']",
         "policy_error"),
        ("ask(name='small', args=[], kwargs={'__globals__': 1})['envelope']['error']['error_type']",
         "task_error"),
    ],
)  # fmt: skip
def test_what_a_call_says_changes_no_policy(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, code: str, expected: object
) -> None:
    monkeypatch.setenv("PATH_CANARY", "x")
    envelope, _ = ran(bench, RAW.replace("{code}", code))
    assert envelope["result"] == expected, envelope["error"]


@pytest.mark.parametrize(
    "code",
    [
        "ask(op='http.open', url='http://127.0.0.1/')",
        "ask(op='shell', command='id')",
        "ask(op='task')",
        "ask(name='small', args='x', kwargs={})",
        "ask(name='small', args=[], kwargs=[])",
        "ask(name='small', args=[], kwargs={}, compute=10**14, policy={'compute': 10**14})",
        "ask(name='small', args=[], kwargs={}, env={'PATH': 'x'}, env_variables=['PATH'])",
        "ask(name='small', args=[], kwargs={}, module='os', function='system')",
        "calls.call('task', {'name': 'small', 'args': []}, b'[[],{}]')",
    ],
)
def test_calls_that_nobody_answers_are_errors_inside(bench: Workbench, code: str) -> None:
    envelope, observer = ran(bench, RAW.replace("{code}", code))
    assert envelope["error"] is not None
    assert "CallError" in envelope["error"]["message"]
    assert observer.ran == ["main"]


@pytest.mark.parametrize(
    "payload",
    [
        "b''", "b'\\xff\\xff\\xff\\xff'", "b'\\x02\\0\\0\\0{}'", "b'\\x02\\0\\0\\0[]'",
        "pack_call(b'{', b'')", "pack_call(b'null', b'')", "pack_call(b'[' * 100000, b'')",
        "pack_call(json.dumps({'call': 'x', 'op': 'task'}).encode(), b'')",
        "pack_call(json.dumps({'call': -1, 'op': 'task'}).encode(), b'')",
        "pack_call(json.dumps({'call': 1, 'op': 5}).encode(), b'')",
        "pack_call(b'[' + b'{},' * 5000000 + b'0]', b'')",
        "bytes((16 << 20) + 1)",
    ],
)  # fmt: skip
def test_calls_that_are_none_end_the_run(bench: Workbench, payload: str) -> None:
    envelope, _ = ran(bench, RAW.replace("{code}", f"(send(CALL, {payload}), calls.take())"))
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "protocol_error", envelope["error"]


def test_a_flood_of_calls_is_bounded(bench: Workbench) -> None:
    code = "[send(CALL, pack_call(json.dumps({'call': n + 1, 'op': 'x'}).encode(), bytes(8 << 20))) for n in range(50)]"
    envelope, _ = ran(
        bench, RAW.replace("{code}", code).replace('name="main"', 'name="main", compute="HIGH"')
    )
    assert envelope["success"] or envelope["error"] is not None


def test_a_forged_reply_number_hurts_the_sandbox_alone(bench: Workbench) -> None:
    code = "(send(CALL, pack_call(json.dumps({'call': 7, 'op': 'task', 'name': 'small', 'args': [], 'kwargs': {}}).encode(), b'')) or 1, small().success)[1]"
    envelope, _ = ran(bench, RAW.replace("{code}", code))
    assert envelope["result"] is True


def test_a_task_cannot_be_called_while_a_snapshot_is_taken(bench: Workbench) -> None:
    envelope, observer = ran(
        bench,
        """
@task()
def small(): return 1
X = small().result
@task(name="main")
def main(): return X
""",
    )
    # The import is done in the run then, and in that of the task it calls, which calls it again.
    assert envelope["success"] or envelope["error"] is not None
    assert len(observer.ran) <= run_budget.MAX_DEPTH + 2


def test_tasks_of_modules_beside_have_their_policies(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "__init__.py").write_text("")
    (tmp_path / "lib" / "small.py").write_text(
        "from capsule import task\n@task(compute='1000')\ndef tiny():\n    while True: pass\n"
    )
    path = tmp_path / "entry.py"
    path.write_text("from lib.small import tiny\ndef main(): return tiny()['error']['message']\n")
    source = read_file(path, tmp_path)
    order = prepare.order(source, prepare.Call(), bench.home, Silent())
    assert 'compute="1_000"' in bench.run_order(order)["result"]


def test_two_tasks_of_one_name_are_refused(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("from capsule import task\n@task()\ndef twin(): pass\n")
    path = tmp_path / "entry.py"
    path.write_text(
        "import other\nfrom capsule import task\n@task()\ndef twin(): pass\ndef main(): pass\n"
    )
    with pytest.raises(PolicyError, match=r"other\.py:3: the task 'twin' has the name of one in"):
        read_file(path, tmp_path)


CHILDREN = """
@task(compute="LOW", timeout="30s")
def child(n):
    while n: n -= 1
@task(name="main", compute="LOW")
def main(times, n):
    return [child(n)["error"]["error_type"] if not a else "ok"
            for a in [0] * times]
"""


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("run_tasks = 2", ["fuel_exhausted", "fuel_exhausted", "policy_error", "policy_error"]),
        ("run_compute = 300_000_000", ["fuel_exhausted"] * 4),
        ('run_timeout = "1ms"', "policy_error"),
    ],
)
def test_limits_of_a_whole_run(
    bench: Workbench, tmp_path: Path, limit: str, expected: object
) -> None:
    (tmp_path / "capsule.toml").write_text(f"[limits]\n{limit}\n")
    order = bench.order(HEAD + CHILDREN, [4, 10**9])
    observer = Counting()
    with Cancellation() as never:
        envelope = run(order, observer, never)
    if isinstance(expected, str):
        assert envelope["error"] is not None
        assert envelope["error"]["error_type"] in {expected, "timeout"}
    else:
        assert envelope["result"] == expected, envelope["error"]


def test_the_fuel_of_a_run_is_bounded_over_all_tasks(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "capsule.toml").write_text("[limits]\nrun_compute = 300_000_000\n")
    spent: list[int] = []

    class Asking(Counting):
        def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
            super().ended(which, policy, done)
            spent.append(policy.compute if done.fuel is None else done.fuel)

    with Cancellation() as never:
        run(bench.order(HEAD + CHILDREN, [12, 10**9]), Asking(), never)
    assert len(spent) > 3
    assert sum(spent) <= 300_000_000 * 1.01


MOVED = """
@task(allowed_files=[{"path": "./wide/inner/now", "mode": "MODE"}])
def inner():
    return sorted(os.listdir("wide/inner/now"))
@task(name="main", allowed_files=["./wide"])
def main():
    os.rename("wide/inner", "wide/old")
    os.rename("wide/archive", "wide/inner")
    answer = inner()
    return [answer.success, answer.result, answer.error]
"""


@pytest.mark.parametrize("landlock", [True, False])
@pytest.mark.parametrize("mode", ["ro", "rw"])
def test_a_folder_cannot_be_swapped_for_a_link_of_the_users(
    bench: Workbench, mode: str, landlock: bool
) -> None:
    """The caller may write around the folder of the task that it calls, and moves it away."""
    outside = bench.project / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (bench.project / "wide" / "inner" / "now").mkdir(parents=True)
    (bench.project / "wide" / "archive").mkdir()
    (bench.project / "wide" / "archive" / "now").symlink_to(outside)
    order = bench.order(HEAD + MOVED.replace("MODE", mode))
    if not landlock:
        order = order._replace(layers=IsolationLayers(0))
    envelope = bench.run_order(order)
    success, result, error = envelope["result"]
    assert (success, result, error["error_type"]) == (False, None, "policy_error")
    assert "a link is in its place" in error["message"]
    assert str(bench.project) not in error["message"]
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_retry_does_not_mount_what_the_attempt_before_it_swapped(bench: Workbench) -> None:
    (bench.project / "wide" / "keep" / "inner").mkdir(parents=True)
    (bench.project / "deep").symlink_to("wide/keep/inner")
    (bench.project / "outside").mkdir()
    (bench.project / "wide" / "archive").mkdir()
    (bench.project / "wide" / "archive" / "inner").symlink_to(bench.project / "outside")
    envelope = bench.run(
        HEAD
        + """
@task(name="main", allowed_files=["./wide", "./deep"], max_retries=1)
def main():
    if os.path.exists("wide/archive"):
        os.rename("wide/keep", "wide/old")
        os.rename("wide/archive", "wide/keep")
        raise ValueError("once more")
    return os.listdir("deep")
"""
    )
    assert envelope["error"] is not None, envelope["result"]
    assert envelope["error"]["error_type"] == "policy_error"


FLOOD = """
import json, posix
from capsule.shared.frames import CALL, frame, pack_call
@task(name="main", compute="HIGH", timeout="60s")
def main():
    text = json.dumps({"call": 1, "op": "OP", "name": "no", "args": [], "kwargs": {}}).encode()
    flood = frame(CALL, pack_call(text, b"")) * 1000
    while True:
        left = memoryview(flood)
        while left:
            left = left[posix.write(1, left):]
"""


@pytest.mark.parametrize("op", ["task", "nothing", "http.open"])
def test_a_flood_of_calls_ends_the_sandbox_and_not_the_host(bench: Workbench, op: str) -> None:
    envelope = bench.run(HEAD + FLOOD.replace("OP", op))
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "protocol_error"
    assert "calls unanswered" in envelope["error"]["message"]


SLOW_TO_FREEZE = """
import sys
if sys.modules["capsule_guest.streams"]._keeping:
    while True: pass
@task(compute="LOW")
def other(): return 1
@task(name="main", compute="LOW")
def main(): return [other().result for _ in range(3)]
"""


def test_an_import_that_takes_too_much_is_tried_once_in_a_run(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking a snapshot is outside of a run's bounds, so it must not happen for each sub-task."""
    taken: list[Bounds] = []
    real = memory_dump.dump_memory

    def counted(
        launch: Launch, layers: IsolationLayers, request: bytes, before: bytes, bounds: Bounds
    ) -> object:
        taken.append(bounds)
        return real(launch, layers, request, before, bounds)

    monkeypatch.setattr(memory_dump, "dump_memory", counted)
    monkeypatch.setattr(snapshots, "IMPORT_FUEL", 1_000_000_000)
    envelope, _ = ran(bench, SLOW_TO_FREEZE)
    assert envelope["result"] == [1, 1, 1], envelope["error"]
    assert len(taken) == 1


def test_run_timeout_bounds_the_import_too(bench: Workbench) -> None:
    (bench.project / "capsule.toml").write_text('[limits]\nrun_timeout = "1s"\n')
    begin = time.monotonic()
    envelope, _ = ran(bench, SLOW_TO_FREEZE)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "timeout"
    assert time.monotonic() - begin < 10


def test_arguments_that_are_too_large_are_an_error_of_the_caller(bench: Workbench) -> None:
    envelope, _ = ran(
        bench,
        """
@task
def size(text): return len(text)
@task(name="main", compute="HIGH")
def main():
    try:
        size("x" * (17 << 20))
    except Exception as error:
        return [str(error), size("x" * (15 << 20)).unwrap()]
""",
    )
    assert envelope["error"] is None
    message, size = envelope["result"]
    assert "at most 16,777,216 can be" in message
    assert size == 15 << 20


def test_a_task_that_nobody_waits_for_any_more_is_ended(bench: Workbench) -> None:
    """One that was begun, and one that waits for its place: none keeps a place or a processor."""
    begin = time.monotonic()
    envelope, observer = ran(
        bench,
        """
import time
@task(compute="HIGH")
async def endless(): time.sleep(3600)
@task(compute="LOW")
async def quick(): return 1
@task(name="main")
async def main():
    many = [asyncio.ensure_future(endless()) for _ in range(100)]
    for one in many:
        try: await asyncio.wait_for(one, 0.01)
        except TimeoutError: pass
    answers = await asyncio.gather(*(quick() for _ in range(3)))
    return [answer.result for answer in answers]
""",
    )
    assert envelope["result"] == [1, 1, 1], envelope["error"]
    assert time.monotonic() - begin < 60
    assert observer.ran.count("quick") == 3
    assert observer.running == 0


def test_an_answer_that_is_given_up_is_not_taken_for_another(bench: Workbench) -> None:
    envelope, _ = ran(
        bench,
        """
@task(compute="LOW")
async def echo(n): return n
@task(name="main")
async def main():
    results = []
    for n in range(20):
        mine = asyncio.ensure_future(echo(-n))
        await asyncio.sleep(n / 1000)
        mine.cancel()
        results.append((await echo(n)).result)
    return results
""",
    )
    assert envelope["result"] == list(range(20)), envelope["error"]


def test_retries_of_sub_tasks_count_as_sub_tasks(bench: Workbench) -> None:
    """A task that fails at once could else start a hundred times as many sandboxes."""
    (bench.project / "capsule.toml").write_text("[limits]\nrun_tasks = 5\n")
    envelope, observer = ran(
        bench,
        """
@task(compute="LOW", max_retries=100)
def failing(): raise ValueError("no")
@task(name="main", compute="LOW", max_retries=1)
def main():
    first, second = failing(), failing()
    return [first.error["message"], first.execution["retries"], second.error["error_type"]]
""",
    )
    assert envelope["result"] == ["ValueError: no", 4, "policy_error"], envelope["error"]
    assert observer.ran == ["failing"] * 5 + ["main"]
