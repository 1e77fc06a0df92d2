"""Threads and waits inside: the values that they have outside, or an error that says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration import function_shapes, pooled_programs, threaded_programs

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("programs", [threaded_programs, pooled_programs, function_shapes])
def test_threads_give_what_they_give_outside(bench: Workbench, programs: Any) -> None:
    envelope = bench.run(Path(programs.__file__).read_text(encoding="utf-8"), compute=10**10)
    assert envelope["error"] is None
    assert envelope["result"] == json.loads(json.dumps(programs.main()))


ENDLESS = {
    "threading.Event().wait()": "Event.wait() would never end: the sandbox has no other threads",
    "threading.Lock().__enter__() and lock.acquire()": "Lock.acquire() would never end",
    "queue.Queue().get()": "Queue.get() would never end",
    "queue.SimpleQueue().get()": "SimpleQueue.get() would never end",
    "threading.Semaphore(0).acquire()": "Semaphore.acquire() would never end",
    "concurrent.futures.Future().result()": "Future.result() would never end",
    "select.select([], [], [])": "select() would never end",
    "asyncio.run(asyncio.Event().wait())": "nothing can wake the event loop any more",
    "waits_for_main()": "no other thread can go on ('waiter' waits for a lock)",
}


def test_a_wait_that_nothing_can_end_says_so_at_once(bench: Workbench) -> None:
    envelope = bench.run(f"""
import asyncio, concurrent.futures, queue, select, threading
lock = threading.Lock()
lock.acquire()
def waits_for_main():
    def wait():
        with lock: pass
    thread = threading.Thread(target=wait, name="waiter", daemon=True)
    thread.start()
    thread.join()
def main():
    found = []
    for code in {list(ENDLESS)!r}:
        try: found.append(repr(eval(code)))
        except RuntimeError as error: found.append(str(error))
    return found
""")
    assert envelope["error"] is None
    for said, expected in zip(envelope["result"], ENDLESS.values(), strict=True):
        assert expected in said


def test_a_thread_that_cannot_be_left_is_an_error_and_no_hang(bench: Workbench) -> None:
    """Its function waits inside a call of C, so that it can only go on when what it started ends."""
    envelope = bench.run("""
import threading
first, second = threading.Event(), threading.Event()
def one(_):
    first.set()
    second.wait()
    return 0
def work(): sorted([1], key=one)
def main():
    thread = threading.Thread(target=work)
    thread.start()
    first.wait()
    second.set()
    thread.join()
    return "joined"
""")
    # What the task comes to without that thread is no result.
    assert envelope["error"] is not None
    said = "what could end it waits for this thread to return"
    assert said in envelope["error"]["message"]
    assert said in envelope["execution"]["stderr"]


def test_threads_that_are_no_daemons_end_before_the_task(bench: Workbench) -> None:
    envelope = bench.run("""
import threading, time
from concurrent.futures import ThreadPoolExecutor
def later(seconds, word):
    time.sleep(seconds)
    print(word)
def main():
    threading.Thread(target=later, args=(0.1, "thread")).start()
    threading.Thread(target=later, args=(60, "daemon"), daemon=True).start()
    ThreadPoolExecutor().submit(later, 0.05, "pool")
    print("main")
""")
    assert envelope["error"] is None
    assert envelope["execution"]["stdout"] == "main\npool\nthread\n"


def test_a_thread_that_raises_shows_its_own_lines(bench: Workbench) -> None:
    envelope = bench.run("""
import threading
def fails():
    raise ValueError("in a thread")
def main():
    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    return thread.is_alive()
""")
    said = envelope["execution"]["stderr"]
    assert envelope["result"] is False
    assert "line 4, in fails" in said
    assert "ValueError: in a thread" in said
    assert "capsule_guest" not in said


PROCESSES = {
    "multiprocessing.Process(target=print).start()": "OSError",
    "multiprocessing.Pool(2)": "OSError",
    "multiprocessing.Queue()": "OSError",
    "concurrent.futures.ProcessPoolExecutor()": "OSError",
    "os.fork()": "AttributeError",
    "os.system('true')": "OSError",
    "os.popen('true')": "OSError",
    "os.execl('true', 'true')": "OSError",
    "os.pipe()": "OSError",
    "subprocess.run(['true'])": "OSError",
    "subprocess.check_output('true', shell=True)": "OSError",
    "asyncio.run(asyncio.create_subprocess_exec('true'))": "OSError",
}


def test_what_needs_processes_names_the_limit(bench: Workbench) -> None:
    envelope = bench.run(f"""
import asyncio, concurrent.futures, multiprocessing, os, signal, subprocess
def main():
    found = []
    for code in {[*PROCESSES, "signal.alarm(1)"]!r}:
        try: found.append(["nothing", repr(eval(code))])
        except Exception as error: found.append([type(error).__name__, str(error)])
    return found
""")
    *found, signals = envelope["result"]
    assert [kind for kind, _ in found] == [*PROCESSES.values()]
    assert all("a sandbox is one process and can start no other; " in text for _, text in found)
    assert sum("'true' cannot be started" in text for _, text in found) == 4
    assert "no signal reaches a sandbox; a task's timeout= " in signals[1]


def test_signals_and_children_are_those_of_a_process_without_others(bench: Workbench) -> None:
    envelope = bench.run("""
import os, signal
def raised(function, *args):
    try: return function(*args)
    except OSError as error: return type(error).__name__
def main():
    seen = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(int(number)))
    os.kill(os.getpid(), signal.SIGTERM)
    try: os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt: seen.append("interrupted")
    return [seen, os.kill(os.getpid(), 0), raised(os.kill, 1, 9), raised(os.waitpid, -1, 0),
            raised(os.kill, os.getpid(), signal.SIGKILL), raised(os.get_terminal_size)]
""")
    assert envelope["result"] == [
        *([15, "interrupted"], None, "ProcessLookupError", "ChildProcessError"),
        *("OSError", "OSError"),
    ], envelope["error"]
