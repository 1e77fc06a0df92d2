"""WebAssembly is broken: what a program in wasmtime's place can do behind all walls at once.

It is started as a sandbox is, by `launch.start`. wasmtime's arguments make Python and a shell run
a script of the name "run" in the working folder.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.confine import closed_calls, isolation_layers, seccomp
from capsule.process import launch as starting
from capsule.process.argv import Launch, Mount
from capsule.process.cancel import Cancellation
from tests.unit.confine.wider_calls import widen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.confine.isolation_layers import IsolationLayers

pytestmark = pytest.mark.skipif(
    isolation_layers.standing().landlock < 4 or not isolation_layers.standing().seccomp,
    reason="this kernel or processor does not give both walls",
)

PYTHON, SHELL = Path(sys.executable).resolve(), Path("/bin/sh").resolve()
CANARY = "c4n4ry-that-nobody-may-see"

# Each is an expression. HOME is the folder around all, ABOVE is the number of capsule's process.
READS = [
    "open(HOME + '/secret').read()",
    "open('ro/../../secret').read()",
    "open('ro/out').read()",
    "os.listdir(HOME)",
    "os.listdir('/')",
    "open('/etc/passwd').read()",
    "open('/proc/self/environ', 'rb').read()",
    "open(f'/proc/{ABOVE}/environ', 'rb').read()",
    "open(f'/proc/{ABOVE}/mem', 'rb').read(1)",
    "open(f'/proc/{ABOVE}/cmdline').read()",
    "os.listdir(f'/proc/{ABOVE}/fd')",
    "os.listdir('/proc')",
    "open('/dev/urandom', 'rb').read(1)",
    "os.listdir('/tmp')",
    "os.listdir(os.path.dirname(HOME))",
]
WRITES = [
    "open('ro/file', 'w')",
    "open('ro/file', 'a')",
    "open('ro/file', 'r+')",
    "open('ro/new', 'x')",
    "os.truncate('ro/file', 0)",
    "os.ftruncate(os.open('ro/file', os.O_RDONLY), 0)",
    "os.unlink('ro/file')",
    "os.rename('ro/file', 'ro/other')",
    "os.rename('ro/file', 'rw/other')",
    "os.rename('rw/file', 'ro/other')",
    "os.link('ro/file', 'rw/linked')",
    "os.link('ro/file', 'ro/linked')",
    "os.symlink('file', 'ro/link')",
    "os.mkdir('ro/folder')",
    "os.rmdir('ro/empty')",
    "open(HOME + '/new', 'x')",
    "open(HOME + '/secret', 'w')",
    "os.rename('rw/file', HOME + '/file')",
    "os.link('rw/file', HOME + '/file')",
    "os.link(HOME + '/secret', 'rw/secret')",
    "os.mkdir(HOME + '/folder')",
    "os.unlink(HOME + '/secret')",
    "(os.symlink(HOME + '/secret', 'rw/out'), open('rw/out', 'w'))",
    "open('run', 'w')",
    "open('/tmp/capsule-leak', 'x')",
    "open('/dev/shm/capsule-leak', 'x')",
    "open('/dev/null', 'w')",
    "open('/proc/self/oom_score_adj', 'w').write('0')",
    "open(f'/proc/{ABOVE}/oom_score_adj', 'w').write('0')",
    "open(os.__file__, 'r+b')",
]
CHANGES = [
    f"{call}({path!r}{rest})"
    for path in ("ro/file", "rw/file", "ro")
    for call, rest in (
        ("os.utime", ", (0, 0)"),
        ("os.chmod", ", 0o777"),
        ("os.chown", ", os.getuid(), os.getgid()"),
        ("os.setxattr", ", 'user.x', b'x'"),
    )
] + [
    "os.utime(os.open('ro/file', os.O_RDONLY), (0, 0))",
    "os.chmod(os.open('ro/file', os.O_RDONLY), 0o777)",
    "os.mkfifo('rw/fifo')",
    "os.mknod('rw/null', 0o020666, os.makedev(1, 3))",
]
NETWORK = [
    "socket.create_connection(('127.0.0.1', TCP), 2)",
    "socket.socket()",
    "socket.create_server(('127.0.0.1', 0))",
    "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP))",
    "socket.socket(socket.AF_INET6)",
    "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
    "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "socket.socket(socket.AF_VSOCK)",
    "socket.socket(socket.AF_UNIX).connect(HOME + '/stream')",
    "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', HOME + '/datagrams')",
    "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', HOME + '/datagrams')",
    "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', '\\0' + ABSTRACT)",
    "socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)",
    "socket.socketpair()[0].connect(HOME + '/stream')",
    "socket.socketpair()[0].connect('\\0' + ABSTRACT)",
    "socket.socketpair()[0].bind('rw/socket')",
    "socket.socket(socket.AF_UNIX).connect('\\0' + ABSTRACT)",
]
PROCESSES = [
    "os.kill(ABOVE, 0)",
    "os.kill(ABOVE, 9)",
    "os.kill(-1, 9)",
    "os.killpg(os.getpgid(ABOVE), 9)",
    "os.kill(1, 0)",
    "called('tgkill', ABOVE, ABOVE, 10)",
    "called('tkill', ABOVE, 10)",
    "called('rt_sigqueueinfo', ABOVE, 10, QUEUED)",
    "called('rt_tgsigqueueinfo', ABOVE, ABOVE, 10, QUEUED)",
    "os.pidfd_open(ABOVE)",
    "called('ptrace', 16, ABOVE, 0, 0)",
    "called('process_vm_readv', ABOVE, 0, 0, 0, 0, 0)",
    "resource.prlimit(ABOVE, resource.RLIMIT_CPU)",
    "resource.prlimit(ABOVE, resource.RLIMIT_CPU, (1, 1))",
    "os.setpriority(os.PRIO_PROCESS, ABOVE, 19)",
    "os.sched_setaffinity(ABOVE, os.sched_getaffinity(0))",
    "os.sched_setscheduler(ABOVE, os.SCHED_IDLE, os.sched_param(0))",
    "called('shmget', KEY, 4096, 0o600)",
    "called('msgget', KEY, 0o1600)",
    "called('semget', KEY, 1, 0o1600)",
    "called('mq_open', b'capsule-leak\\0', 0o102, 0o600, 0)",
    "called('inotify_init1', 0)",
    "called('unshare', 0x10000000)",
    "called('bpf', 0, 0, 0)",
    "called('io_uring_setup', 1, 0)",
    "called('keyctl', 0, -3, 0)",
    "os.setsid()",
    "os.chroot('ro')",
]
PROGRAMS = [
    "os.posix_spawn('/bin/ls', ['ls'], {})",
    "os.posix_spawn('/bin/sh', ['sh', '-c', 'exit'], {})",
    "os.posix_spawn('/usr/bin/env', ['env'], {})",
    "os.posix_spawn(os.path.abspath('ro/program'), ['program'], {})",
    "os.posix_spawn(os.path.abspath('rw/program'), ['program'], {})",
    "os.posix_spawn(HOME + '/program', ['program'], {})",
    "os.execv('ro/program', ['program'])",
    "(open('rw/made', 'wb').write(open('ro/program', 'rb').read()), os.execv('rw/made', ['made']))",
]
ATTEMPTS = READS + WRITES + CHANGES + NETWORK + PROCESSES + PROGRAMS

# What it must still be able to do, or the refusals would say nothing.
ALLOWED = [
    "open('ro/file').read()",
    "os.listdir('ro')",
    "open('rw/file').read()",
    "open('rw/new', 'w').write('x')",
    "os.mkdir('rw/folder')",
    "os.rename('rw/new', 'rw/folder/new')",
    "resource.getrlimit(resource.RLIMIT_NOFILE)",
]

# What is refused in other words: Landlock's own for a link that leads out of a folder, and those
# for a file that was not opened for writing.
OTHERWISE = {
    "os.link('ro/file', 'rw/linked')": "OSError(18, 'Invalid cross-device link')",
    "os.link(HOME + '/secret', 'rw/secret')": "OSError(18, 'Invalid cross-device link')",
    "os.ftruncate(os.open('ro/file', os.O_RDONLY), 0)": "OSError(22, 'Invalid argument')",
}

SCRIPT = """
import ctypes, errno, os, resource, socket, sys
HOME, ABOVE, TCP, UDP, ABSTRACT, KEY = {given!r}
NUMBERS = {numbers!r}
QUEUED = ctypes.create_string_buffer(b"\\x0a" + bytes(7) + b"\\xff" * 4 + bytes(116), 128)
libc = ctypes.CDLL(None, use_errno=True)
def called(name, *arguments):
    if libc.syscall(NUMBERS[name], *arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
for code in {codes!r}:
    try:
        said = "done: " + str(eval(code))
    except BaseException as error:
        said = "refused" if isinstance(error, PermissionError) else repr(error)
    print(said.replace("\\n", " "), flush=True)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A secret, and beside it the working folder with what the sandbox may read and write."""
    for name in ("in/ro/empty", "in/rw"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / "in/ro/out").symlink_to("../../secret")
    for name in ("in/ro/file", "in/rw/file"):
        (tmp_path / name).write_text("content")
    for name in ("program", "in/ro/program", "in/rw/program"):
        (tmp_path / name).write_bytes(Path("/bin/true").read_bytes())
        (tmp_path / name).chmod(0o755)
    widen(monkeypatch)
    monkeypatch.chdir(tmp_path / "in")
    monkeypatch.setenv("CANARY", CANARY)
    return tmp_path


def ran(program: Path, *read: Path, layers: IsolationLayers | None = None) -> str:
    """Run "run" as wasmtime would run, behind all walls or `layers`; return what it printed."""
    file = Path("run").absolute()
    mounts = [Mount(Path(name).absolute(), f"/{name}", name == "rw") for name in ("ro", "rw")]
    mounts += [Mount(path, f"/{n}", writable=False) for n, path in enumerate(read)]
    # Its own files have to be readable as the interpreter's are.
    launch = Launch(program, file, file, file, file, file, "cache=n", fuel=1, mounts=(*mounts,))
    out, said = b"", b""
    with (
        Cancellation() as never,
        starting.start(launch, layers or isolation_layers.standing(), timeout_ms=60_000) as process,
    ):
        while not (arrival := process.wait(time.monotonic() + 60, never)).ended:
            assert not arrival.timed_out
            out += arrival.stdout
            said += arrival.stderr
    assert program == SHELL or not said, said
    return out.decode()


class Listening:
    """Sockets of every kind that a sandbox could reach; `heard` says whether anything came."""

    def __init__(self, home: Path, abstract: str) -> None:
        self._stack = ExitStack()
        self.tcp = self._open(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self.udp = self._open(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        self._all = [
            self.tcp,
            self.udp,
            self._open(socket.AF_UNIX, socket.SOCK_STREAM, str(home / "stream")),
            self._open(socket.AF_UNIX, socket.SOCK_DGRAM, str(home / "datagrams")),
            self._open(socket.AF_UNIX, socket.SOCK_STREAM, f"\0{abstract}"),
        ]

    def _open(self, family: int, kind: int, address: object) -> socket.socket:
        opened = self._stack.enter_context(closing(socket.socket(family, kind)))
        opened.bind(address)  # type: ignore[arg-type]
        opened.setblocking(False)
        if kind == socket.SOCK_STREAM:
            opened.listen()
        return opened

    def heard(self) -> list[str]:
        found = []
        for each in self._all:
            try:
                found.append(
                    str(each.accept() if each.type == socket.SOCK_STREAM else each.recv(9))
                )
            except BlockingIOError:
                continue
        return found

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def listening(home: Path) -> Iterator[Listening]:
    with closing(Listening(home, f"capsule-{home.name}-{os.getpid()}")) as sockets:
        yield sockets


def seen(home: Path) -> dict[str, tuple[object, ...]]:
    """All that can be told of what may not change."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(home.rglob("*")):
        if "rw" not in path.parts and path.name != "in":
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (status.st_mode, status.st_uid, status.st_mtime_ns, content)
    return found


def unread(path: Path) -> tuple[int, ...]:
    """All that a status has but for the time of the last reading, which reading changes."""
    status = path.stat()
    return (*status[:7], status.st_mtime_ns, status.st_ctime_ns)


def test_a_python_in_place_of_wasmtime_gets_nowhere(home: Path, listening: Listening) -> None:
    column = seccomp.MACHINES[os.uname().machine].column
    numbers = {name: row[column] for name, row in closed_calls.CLOSED.items()}
    given = (
        *(str(home), os.getpid(), listening.tcp.getsockname()[1], listening.udp.getsockname()[1]),
        *(f"capsule-{home.name}-{os.getpid()}", 0x6361_7073),
    )
    codes = ALLOWED + ATTEMPTS
    script = SCRIPT.format(given=given, numbers=numbers, codes=codes)
    Path("run").write_text(script)
    before = seen(home), unread(Path("rw/file")), os.getpriority(os.PRIO_PROCESS, 0)
    said = ran(PYTHON, Path(sys.base_prefix)).splitlines()
    assert len(said) == len(codes), said[-3:]
    outcome = dict(zip(codes, said, strict=True))
    assert [code for code in ALLOWED if not outcome[code].startswith("done")] == []
    assert CANARY not in str(said)
    done = {code: text for code, text in outcome.items() if text.startswith("done")}
    assert list(done) == ALLOWED, {code: done[code] for code in done if code not in ALLOWED}
    assert listening.heard() == []
    assert (seen(home), unread(Path("rw/file")), os.getpriority(os.PRIO_PROCESS, 0)) == before
    assert not Path("/dev/shm/capsule-leak").exists()
    assert not Path("/tmp/capsule-leak").exists()
    # Another answer than a plain refusal is one that has to be thought about.
    others = {code: text for code, text in outcome.items() if not text.startswith(("done", "ref"))}
    assert others == OTHERWISE, others


def test_a_shell_in_place_of_wasmtime_gets_nowhere(home: Path, listening: Listening) -> None:
    script = f"""
read line < ro/file; echo "read: $line"
echo x > rw/new && echo "wrote"
read line < {home}/secret && echo "leak: $line"
read line < ro/out && echo "leak: $line"
read line < /etc/passwd && echo "leak: $line"
read line < /proc/$PPID/status && echo "leak: $line"
echo x > ro/new && echo "leak: wrote"
echo x >> ro/file && echo "leak: appended"
echo x > {home}/new && echo "leak: wrote outside"
echo x > /dev/shm/capsule-leak && echo "leak: shm"
kill -0 $PPID && echo "leak: a signal"
kill -9 $PPID && echo "leak: killed"
/bin/ls / && echo "leak: executed"
./ro/program && echo "leak: executed"
./rw/program && echo "leak: executed"
{PYTHON} -c '' && echo "leak: executed"
for f in {home}/*; do [ -f "$f" ] && read l < "$f" && echo "leak: $f"; done
echo end
"""
    Path("run").write_text(script)
    before = seen(home)
    assert ran(SHELL) == "read: content\nwrote\nend\n"
    assert seen(home) == before
    assert listening.heard() == []
