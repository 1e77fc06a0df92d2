"""`capsule worker`: lines on its streams and on a socket, and commands that are handed over."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.integration.command import ENDING, REPOSITORY, Command

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

SECONDS = 20


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    command = Command(tmp_path, toolchain_home)
    # Where nobody else listens; the path of a socket has to be short.
    command.environ["CAPSULE_SOCKET"] = str(tmp_path / "s" / "w")
    command.write("hello.py", "def main(n=3):\n    print('said')\n    return 'hello ' * int(n)\n")
    return command


class Worker:
    """A worker on its own streams."""

    def __init__(self, capsule: Command) -> None:
        self.process = capsule.popen("worker", stdin=subprocess.PIPE)

    def send(self, *lines: object) -> None:
        assert self.process.stdin is not None
        for line in lines:
            data = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
            self.process.stdin.write(data)
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=SECONDS)


@pytest.fixture
def worker(capsule: Command) -> Iterator[Worker]:
    with Worker(capsule) as worker:
        yield worker


def test_lines_and_their_answers(worker: Worker, capsule: Command) -> None:
    capsule.write("spin.py", "def main():\n    while True: pass")
    (capsule.folder / "data").mkdir()
    (capsule.folder / "data" / "a").write_text("content")
    capsule.write("sub/look.py", "def main(**k): return [k, open('/in/a').read()]")
    capsule.write("sub/data/a", "another")
    worker.send(
        {"id": 1, "file": "hello.py", "args": ["2"]},
        {"id": "two", "file": "hello.py", "kwargs": {"n": 1}},
        {"id": [3], "file": "look.py", "cwd": "sub", "mounts": ["data::/in:ro"], "kwargs": {"a": None}},
        {"id": 4, "file": "spin.py", "limits": {"max_fuel": 5}},
    )  # fmt: skip
    answers = {json.dumps(answer["id"]): answer for answer in (worker.answer() for _ in range(4))}
    assert {key: answer.keys() for key, answer in answers.items()} == dict.fromkeys(
        ("1", '"two"', "[3]", "4"), {"id": 0, "output": 0}.keys()
    )
    assert answers["1"]["output"]["result"] == "hello hello "
    assert answers["1"]["output"]["execution"]["stdout"] == "said\n"
    assert answers['"two"']["output"]["result"] == "hello "
    assert answers["[3]"]["output"]["result"] == [{"a": None}, "another"]
    assert answers["4"]["output"]["error"]["error_type"] == "fuel_exhausted"


@pytest.mark.parametrize(
    ("line", "identity", "message"),
    [
        (b"\xff\xfe\n", None, "not JSON"),
        (b"{\n", None, "not JSON"),
        (b"[" * 100_000 + b"\n", None, "not JSON"),
        (b'{"id": NaN}\n', None, "NaN is not a JSON value"),
        ([1, 2], None, "a line is a JSON object"),
        ({"id": 7, "fil": "hello.py"}, 7, "there is no field 'fil'; there are id, file"),
        ({"id": 7}, 7, 'a line needs a "file"'),
        ({"id": 7, "file": 5}, 7, '"file" is a name'),
        ({"id": 7, "file": "nothing.py"}, 7, "'nothing.py' does not exist"),
        ({"id": 7, "file": "hello.py", "args": "2"}, 7, '"args" is a list'),
        ({"id": 7, "file": "hello.py", "kwargs": []}, 7, '"kwargs" is an object'),
        ({"id": 7, "file": "hello.py", "mounts": [5]}, 7, "mounts: 5 is not a mount"),
        ({"id": 7, "file": "hello.py", "mounts": ["no"]}, 7, "/no' does not exist; allowed: folders"),
        ({"id": 7, "file": "hello.py", "limits": {"ram": 1}}, 7, "limits: there is no 'ram'"),
        ({"id": 7, "file": "hello.py", "cwd": "nowhere"}, 7, "is not a folder"),
    ],
)  # fmt: skip
def test_a_bad_line_is_answered_and_the_next_one_read(
    worker: Worker, line: object, identity: object, message: str
) -> None:
    worker.send(line, b"\n", {"id": 8, "file": "hello.py"})
    answers = [worker.answer(), worker.answer()]
    bad = next(answer for answer in answers if answer["id"] != 8)
    good = next(answer for answer in answers if answer["id"] == 8)
    assert bad["id"] == identity
    assert message in bad["error"]["message"]
    assert good["output"]["success"] is True


def test_a_line_that_is_too_long_is_skipped_without_keeping_it(
    capsule: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Worker(capsule) as worker:
        host = psutil.Process(worker.process.pid)
        worker.send({"id": 1, "file": "hello.py"})
        assert worker.answer()["id"] == 1
        before = host.memory_info().rss
        for _ in range(200):
            worker.send(b"x" * (1 << 20))
        worker.send(b"\n", {"id": 2, "file": "hello.py"})
        answers = [worker.answer(), worker.answer()]
        assert {answer["id"] for answer in answers} == {None, 2}
        assert host.memory_info().rss - before < 150 << 20


@pytest.mark.parametrize("name", ["\ud800", "\u00e9", 1.5, None, {"a": [True]}, 10**30])
def test_an_id_comes_back_as_it_was(worker: Worker, name: object) -> None:
    worker.send({"id": name, "file": "hello.py"})
    assert worker.answer()["id"] == name


def test_results_of_any_size_and_many_at_once(worker: Worker, capsule: Command) -> None:
    capsule.write("big.py", "def main(n): return [n, 'x' * (n * 1_000_000)]")
    worker.send(*({"id": n, "file": "big.py", "args": [n]} for n in range(20)))
    for answer in [worker.answer() for _ in range(20)]:
        number, text = answer["output"]["result"]
        assert (number, len(text)) == (answer["id"], answer["id"] * 1_000_000)


def test_an_edited_file_is_run_as_it_is_now(worker: Worker, capsule: Command) -> None:
    for number in range(6):
        capsule.write("edited.py", f"def main(): return {number}")
        worker.send({"id": 0, "file": "edited.py"})
        assert worker.answer()["output"]["result"] == number


def test_it_ends_with_its_stdin_when_all_is_answered(capsule: Command) -> None:
    lines = "".join(json.dumps({"id": n, "file": "hello.py"}) + "\n" for n in range(10))
    done = capsule("worker", stdin=lines)
    assert done.code == 0
    assert sorted(json.loads(line)["id"] for line in done.out.splitlines()) == list(range(10))
    assert done.err == ""


def test_a_signal_ends_it_with_all_that_runs(worker: Worker, capsule: Command) -> None:
    capsule.write("sleep.py", "import time\ndef main(): time.sleep(1e9)")
    capsule.write("up.py", "def main(): return 'up'")
    worker.send({"id": 1, "file": "sleep.py"}, {"id": 2, "file": "up.py"})
    assert worker.answer()["output"]["result"] == "up"
    host = psutil.Process(worker.process.pid)
    # The first was asked for first, and need not have been started first.
    while not (sandboxes := host.children(recursive=True)):
        assert worker.process.poll() is None
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(SECONDS) == 130
    assert psutil.wait_procs(sandboxes, SECONDS)[1] == []


def test_who_takes_no_answers_ends_what_runs_for_him(capsule: Command) -> None:
    capsule.write("sleep.py", "import time\ndef main(n): time.sleep(n)")
    with Worker(capsule) as worker:
        process = worker.process
        worker.send({"id": 1, "file": "sleep.py", "args": [1e9]}, {"id": 2, "file": "hello.py"})
        assert worker.answer()["id"] == 2
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.close()
        worker.send({"id": 3, "file": "hello.py"})
        process.stdin.close()
        assert process.wait(SECONDS) == 0
        process.stdin = process.stdout = None


def test_a_signal_ends_it_when_nobody_takes_the_answers(worker: Worker, capsule: Command) -> None:
    capsule.write("big.py", "def main(): return 'x' * 3_000_000")
    worker.send(*[{"id": number, "file": "big.py"} for number in range(4)])
    assert worker.process.stdout is not None
    # The first answer has begun, and does not fit into the pipe.
    assert worker.process.stdout.read(1) == b"{"
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(SECONDS) == 130


@contextmanager
def listening(capsule: Command, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on a socket, which is ended at the end."""
    process = capsule.popen("worker", *(words or ("--listen",)))
    assert process.stderr is not None
    said = process.stderr.readline()
    assert said.startswith(b"capsule: listening at "), said + process.stderr.read()
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
        assert b"Traceback" not in err
        assert psutil.Process().children(recursive=True) == []


@pytest.fixture
def listener(capsule: Command) -> Iterator[subprocess.Popen[bytes]]:
    with listening(capsule) as process:
        yield process


def test_lines_on_a_socket(capsule: Command) -> None:
    path = str(capsule.folder / "sock")
    with listening(capsule, "--socket", path):
        assert Path(path).stat().st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SECONDS)
            connection.connect(path)
            connection.sendall(b'{"id": 1, "file": "hello.py"}\n\n{"id": 2}\n')
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as answers:
                found = {answer["id"]: answer for answer in map(json.loads, answers)}
        assert found[1]["output"]["success"] is True
        assert "error" in found[2]
    assert not Path(path).exists()


def test_a_program_that_goes_away_ends_what_runs_for_it(
    capsule: Command, listener: subprocess.Popen[bytes]
) -> None:
    capsule.write("sleep.py", "import time\ndef main(): time.sleep(1e9)")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(capsule.environ["CAPSULE_SOCKET"])
        connection.sendall(b'{"id": 1, "file": "sleep.py"}\n{"id": 2, "file": "hello.py"}\n')
        with connection.makefile("rb") as answers:
            assert json.loads(answers.readline())["id"] == 2
        sandboxes = psutil.Process(listener.pid).children(recursive=True)
        assert len(sandboxes) >= 1
    psutil.wait_procs(sandboxes[:1], SECONDS)
    # The worker goes on.
    assert capsule("run", "hello.py", "--result").out == "hello hello hello \n"


COMMANDS = {
    "an envelope": (("run", "hello.py", "2"), b""),
    "one line": (("run", "hello.py", "2", "--json"), b""),
    "a bare result": (("run", "--result", "hello.py", "2"), b""),
    "arguments from stdin": (("run", "hello.py", "--args-file", "-"), b'{"n": 4}'),
    "arguments from a file": (("run", "hello.py", "--args-file", "args.json"), b""),
    "a source on stdin": (("run", "-", "--result"), b"def main(): return 'from stdin'"),
    "a failure": (("run", "-"), b"def main(): return 1 / 0"),
    "an error with a traceback": (("run", "--result", "-"), b"def main(): return 1 / 0"),
    "a timeout": (("run", "-", "--timeout", "300ms"), b"import time\ndef main(): time.sleep(1e9)"),
    "no such file": (("run", "nothing.py"), b""),
    "no such file, in JSON": (("run", "nothing.py", "--json"), b""),
    "an unknown option": (("run", "hello.py", "--nothing"), b""),
    "options that exclude each other": (("run", "hello.py", "--json", "--result"), b""),
    "help": (("run", "--help"), b""),
    "variables": (("run", "--result", "variable.py"), b""),
    "verbose": (("run", "-v", "--result", "hello.py"), b""),
    "output to both": (("run", "loud.py", "--result"), b""),
    "an artifact": (("exec", "hello.wasm", "2", "--result"), b""),
    "no artifact": (("exec", "hello.py"), b""),
}


def normalized(text: str) -> str:
    """Take out what is different from run to run."""
    import re

    text = re.sub(r'"(queue|duration)_ms": \d+', r'"\1_ms": 0', text)
    text = re.sub(r'"(fuel_consumed|ram_used)": \d+', r'"\1": 0', text)
    text = re.sub(r'"run_id": "[0-9a-f]+"', '"run_id": ""', text)
    text = re.sub(r"after \d+ of", "after 0 of", text)
    return re.sub(r"in \d+ ms \(fuel [\d,]+", "in 0 ms (fuel 0", text)


@pytest.fixture
def prepared(capsule: Command) -> Command:
    capsule.write("args.json", "[5]")
    capsule.write(
        "variable.py",
        "import os\nfrom capsule import task\n"
        "@task(env_variables=['GREETING'])\ndef main(): return os.environ['GREETING']",
    )
    capsule.write(
        "loud.py",
        "import sys\ndef main():\n    print('o' * 100_000)\n    print('e', file=sys.stderr)\n"
        "    return 'r' * 3_000_000",
    )
    capsule.environ["GREETING"] = "good morning"
    assert capsule("build", "--export", "hello.py").code == 0
    return capsule


def test_a_command_that_is_handed_over_is_the_same(prepared: Command) -> None:
    alone = {name: prepared(*words, stdin=data) for name, (words, data) in COMMANDS.items()}
    with listening(prepared) as worker:
        # What is run more often is run by processes that wait.
        for _ in range(3):
            for name, (words, data) in COMMANDS.items():
                done = prepared(*words, stdin=data)
                assert done.code == alone[name].code, (name, done)
                assert normalized(done.out) == normalized(alone[name].out), name
                assert normalized(done.err) == normalized(alone[name].err), name
        prepared.environ["GREETING"] = "good night"
        assert prepared("run", "--result", "variable.py").out == "good night\n"
        assert worker.poll() is None


def test_on_a_terminal_too(prepared: Command) -> None:
    words = ("run", "hello.py", "2")
    alone = prepared.on_terminal(*words)
    with listening(prepared):
        assert normalized(prepared.on_terminal(*words).out) == normalized(alone.out)


def test_the_worker_does_the_work(prepared: Command, listener: subprocess.Popen[bytes]) -> None:
    """The command itself starts no sandbox, so it is there while its task sleeps."""
    prepared.write("sleep.py", "import time\ndef main():\n    print('up')\n    time.sleep(1e9)")
    with prepared.popen("run", "sleep.py") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        assert psutil.Process(process.pid).children() == []
        assert psutil.Process(listener.pid).children() != []
        process.kill()


@pytest.mark.parametrize("number", ENDING)
def test_signals_are_passed_on(
    prepared: Command, listener: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    prepared.write("sleep.py", "import time\ndef main():\n    print('up')\n    time.sleep(1e9)")
    with prepared.popen("run", "sleep.py", "--json") as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline() == b"up\n"
        process.send_signal(number)
        envelope = json.loads(process.stdout.read())
        assert process.wait(SECONDS) == 130
    assert envelope["error"]["error_type"] == "cancelled"
    assert envelope["execution"]["stdout"] == "up\n"


def test_a_command_that_is_killed_ends_its_task(
    prepared: Command, listener: subprocess.Popen[bytes]
) -> None:
    prepared.write("sleep.py", "import time\ndef main():\n    print('up')\n    time.sleep(1e9)")
    with prepared.popen("run", "sleep.py") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        sandboxes = psutil.Process(listener.pid).children()
        process.kill()
    assert psutil.wait_procs(sandboxes, SECONDS)[1] == []


def test_a_worker_that_dies_in_the_middle_is_told(prepared: Command) -> None:
    prepared.write("sleep.py", "import time\ndef main():\n    print('up')\n    time.sleep(1e9)")
    worker = prepared.popen("worker", "--listen")
    assert worker.stderr is not None
    assert worker.stderr.readline().startswith(b"capsule: listening")
    with prepared.popen("run", "sleep.py") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        worker.kill()
        worker.communicate(timeout=SECONDS)
        assert process.wait(SECONDS) == 1
        assert b"the worker ended before it answered" in process.stderr.read()
    # The next one finds a socket that nobody serves, and runs by itself.
    assert prepared("run", "hello.py", "1", "--result").out == "hello \n"


@pytest.mark.parametrize("name", ["TMPDIR", "PIP_CACHE_DIR", "https_proxy", "CAPSULE_RECORD"])
def test_what_would_be_different_there_runs_here(
    prepared: Command, listener: subprocess.Popen[bytes], tmp_path: Path, name: str
) -> None:
    prepared.environ[name] = str(tmp_path)
    prepared.write("sleep.py", "import time\ndef main():\n    print('up')\n    time.sleep(1e9)")
    with prepared.popen("run", "sleep.py") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"up\n"
        assert psutil.Process(process.pid).children() != []
        process.terminate()


def test_two_workers_at_one_place(capsule: Command, listener: subprocess.Popen[bytes]) -> None:
    done = capsule("worker", "--listen")
    assert done.code == 2
    assert "a worker listens at" in done.err
    assert listener.poll() is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--socket", "a", "--listen"), "exclude each other"),
        (("--socket", "x" * 200), "cannot listen at"),
        (("--socket", "/nowhere/there/socket"), "cannot listen at"),
        (("--socket", "hello.py"), "is no socket"),
    ],
)
def test_where_nobody_can_listen(
    capsule: Command, words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "/nowhere/there/socket" in words:
        capsule.write("file", "")
        words = ("--socket", str(capsule.folder / "file" / "socket"))
    done = capsule("worker", *words)
    assert done.code == 2
    assert message in done.err
    assert (capsule.folder / "hello.py").exists()


def test_a_socket_that_others_could_have_made_is_not_used(capsule: Command) -> None:
    folder = capsule.folder / "open"
    folder.mkdir()
    folder.chmod(0o777)
    path = str(folder / "w")
    assert "can be written by others" in capsule("worker", "--socket", path).err
    capsule.environ["CAPSULE_SOCKET"] = path
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)
        server.settimeout(0.2)
        assert capsule("run", "hello.py", "1", "--result").out == "hello \n"
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("answer", [b"", b"\0", b"garbage", None])
def test_one_that_does_not_take_it_is_left(capsule: Command, answer: bytes | None) -> None:
    """Whoever listens and does not accept, in whatever way: the command runs here."""
    path = capsule.environ["CAPSULE_SOCKET"]
    (capsule.folder / "s").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)
        held: list[socket.socket] = []

        def serve() -> None:
            connection, _ = server.accept()
            held.append(connection)
            if answer is not None:
                connection.recv(1 << 16)
                connection.sendall(answer)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        assert capsule("run", "hello.py", "1", "--result").out == "hello \n"
        thread.join(SECONDS)
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    "message",
    [
        b"\0",
        b"\0\xff\xff\xff\xff",
        b"\0\x05\0\0\0abcde",
        b"\0\x10\0\0\0" + b"\0" * 16,
        b"\1hello",
        b"\xff" * 1000,
    ],
)
def test_nonsense_on_the_socket_does_no_harm(
    capsule: Command, listener: subprocess.Popen[bytes], message: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(capsule.environ["CAPSULE_SOCKET"])
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
    assert capsule("run", "hello.py", "1", "--result").out == "hello \n"
    assert listener.poll() is None


def test_more_connections_than_descriptors(prepared: Command) -> None:
    with listening(prepared) as worker, ExitStack() as owned:
        psutil.Process(worker.pid).rlimit(psutil.RLIMIT_NOFILE, (64, 64))
        for _ in range(100):
            connection = owned.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(prepared.environ["CAPSULE_SOCKET"])
        # It is not served, and runs by itself.
        assert prepared("run", "hello.py", "1", "--result").out == "hello \n"
        owned.close()
        assert worker.poll() is None
        assert prepared("run", "hello.py", "1", "--result").out == "hello \n"


@pytest.mark.parametrize("stuck", ["stdin", "stdout"])
def test_a_signal_ends_it_when_a_program_is_stuck(prepared: Command, stuck: str) -> None:
    prepared.write("big.py", "def main(): return 'x' * 3_000_000")
    reader, writer = os.pipe()
    name = "-" if stuck == "stdin" else "big.py"
    streams = {"stdin": reader} if stuck == "stdin" else {"stdout": writer}
    with listening(prepared) as worker:
        process = prepared.popen("run", name, **streams)
        if stuck == "stdout":
            assert os.read(reader, 1) == b"{"
        else:
            # What it has taken from the pipe shows that it reads.
            os.write(writer, b"def main(): pass\n")
            while select.select([reader], [], [], 0)[0]:
                threading.Event().wait(0.001)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SECONDS) == 0
        process.wait(SECONDS)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_standard_stream(prepared: Command, closed: int) -> None:
    words = [sys.executable, "-m", "capsule", "run", "hello.py", "1", "--json"]
    with listening(prepared):
        done = subprocess.run(
            ["/bin/sh", "-c", f"exec {shlex.join(words)} {closed}>&-"],
            cwd=prepared.folder,
            env=prepared.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 0


def test_an_interrupt_while_a_worker_is_asked(capsule: Command) -> None:
    path = capsule.environ["CAPSULE_SOCKET"]
    (capsule.folder / "s").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)
        with capsule.popen("run", "hello.py") as process:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(1)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out, err) == (130, b"", b"capsule: interrupted\n")


def test_little_is_imported_to_hand_over(capsule: Command) -> None:
    with listening(capsule):
        program = "from capsule.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", program, "run", "hello.py"],
            cwd=capsule.folder,
            env={**capsule.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        )
    assert '"success": true' in done.stdout
    imported = {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    mine = {name for name in imported if name.startswith("capsule")}
    assert mine == {"capsule", "capsule.cli", "capsule.cli.main", "capsule.cli.handover"}
    assert not imported & {"re", "json", "typing", "signal", "socket", "enum", "pathlib"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"id": 1e400, "file": "hello.py"}',
            "a line is not JSON: the number '1e400' is too large",
        ),
        ('{"id": 1, "file": "' + "x" * 100_000 + '"}', "File name too long"),
        ('{"id": 1, "file": "a\\u0000b"}', "no file can have that name"),
        ('{"id": 1, "file": "\\ud800.py"}', "no file can have that name"),
        ('{"id": 1, "file": "a\\u0000.wasm"}', "no file can have that name"),
        ('{"id": 1, "file": "hello.py", "cwd": "' + "x" * 100_000 + '"}', "is not a folder"),
    ],
    ids=["number", "long", "nul", "surrogate", "artifact", "folder"],
)
def test_every_line_is_answered(capsule: Command, line: str, said: str) -> None:
    done = capsule("worker", stdin=f"{line}\n" + '{"id": 2, "file": "none.py"}\n')
    answers = [json.loads(answer) for answer in done.out.splitlines()]
    assert len(answers) == 2
    error = next(answer["error"] for answer in answers if answer["id"] != 2)
    assert said in error["message"]
    assert error["error_type"] == "usage_error"
    assert len(error["message"]) < 1_000
