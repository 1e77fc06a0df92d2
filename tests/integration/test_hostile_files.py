"""An attacker in the sandbox who has read our source, against the walls around files.

Every attempt is made behind all walls, behind the guard alone, behind Landlock alone, and from an
artifact. It may raise or seem to work; nothing outside may change, and nothing from outside may come back.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.integration.workbench import (
    from_artifact,
    from_source,
    guard_alone,
    landlock_alone,
    system_alone,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from capsule.runner.run import Order
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

CANARY = "c4n4ry-that-nobody-may-see"

# One statement each: `ro` is a folder to read, `rw` one to write, both of the project.
ESCAPES = {
    "read above": "open('../secret').read()",
    "read above a folder": "open('ro/../../secret').read()",
    "read above the root": "open('/../secret').read()",
    "read far above": "open('rw/' + '../' * 40 + 'etc/passwd').read()",
    "read an absolute path": "open('/etc/passwd').read()",
    "read the host's path": "open(HOST + '/secret').read()",
    "read a link that leads out": "open('ro/out').read()",
    "read below a link that leads out": "open('ro/up/secret').read()",
    "read an absolute link": "open('ro/absolute').read()",
    "read a link to a link": "open('ro/twice').read()",
    "list a link that leads out": "str(os.listdir('ro/up'))",
    "stat a link that leads out": "str(os.stat('ro/up/secret'))",
    "read another folder of the project": "open('other/file').read()",
    "read the task file's folder": "open('task.py').read()",
    "read a device": "open('/dev/kmsg', 'rb').read(10)",
    "read memory": "open('/proc/self/mem', 'rb').read(10)",
    "read the environment": "open('/proc/self/environ').read()",
    "read the command line": "open('/proc/self/cmdline').read()",
    "read another process": "open('/proc/1/cmdline').read()",
    "list descriptors": "str(os.listdir('/proc/self/fd'))",
    "open the root of the host": "os.open('/', os.O_RDONLY) and open('/etc/passwd').read()",
    "open above by a descriptor": "os.open('../secret', os.O_RDONLY, dir_fd=os.open('rw', 0))",
    "open absolute by a descriptor": "os.open('/etc/passwd', 0, dir_fd=os.open('rw', 0))",
    "open other descriptors": "[os.read(n, 100) for n in range(5, 64)]",
    "a name with NUL": "open('rw/a\\0../../secret').read()",
    "a backslash": "open('rw\\\\..\\\\..\\\\secret').read()",
    "a percent code": "open('rw/%2e%2e/%2e%2e/secret').read()",
    "a wide dot": "open('rw/\\uff0e\\uff0e/\\uff0e\\uff0e/secret').read()",
    "link out and read": "(os.symlink('../../secret', 'rw/s'), open('rw/s').read())",
    "link to an absolute path and read": "(os.symlink(HOST + '/secret', 'rw/t'), open('rw/t').read())",
    "link to a folder above": "(os.symlink('..', 'rw/u'), os.listdir('rw/u/..'))",
    "link, then swap a folder": "(os.mkdir('rw/d'), os.rename('rw/d', 'rw/e'), os.symlink('../..', 'rw/d'), open('rw/d/secret').read())",
    "write a link that leads out": "open('ro/out', 'w').write('x')",
    "write above": "open('rw/../../nowhere/new', 'w').write('x')",
    "write the host's path": "open(HOST + '/new', 'w').write('x')",
    "make a folder above": "os.mkdir('rw/../../nowhere/made')",
    "delete above": "os.unlink('rw/../../secret')",
    "rename out": "os.rename('rw/file', '../stolen')",
    "rename in": "(os.rename('../secret', 'rw/secret'), open('rw/secret').read())",
    "hard link in": "(os.link('../secret', 'rw/linked'), open('rw/linked').read())",
    "hard link by a link": "(os.link('ro/out', 'rw/linked', follow_symlinks=True), open('rw/linked').read())",
    "replace the project's config": "open('rw/../capsule.toml', 'w').write('[limits]')",
}
READ_ONLY = {
    "write a file": "open('ro/file', 'w').write('x')",
    "append to a file": "open('ro/file', 'a').write('x')",
    "open for update": "open('ro/file', 'r+').write('x')",
    "make a file": "open('ro/new', 'w').write('x')",
    "make a file exclusively": "open('ro/new', 'x').write('x')",
    "make a folder": "os.mkdir('ro/made')",
    "make deep folders": "os.makedirs('ro/inner/a/b')",
    "delete a file": "os.unlink('ro/file')",
    "delete a folder": "os.rmdir('ro/empty')",
    "delete everything": "__import__('shutil').rmtree('ro')",
    "rename a file": "os.rename('ro/file', 'ro/renamed')",
    "rename over a file": "os.replace('ro/inner/file', 'ro/file')",
    "rename a file away": "os.rename('ro/file', 'rw/taken')",
    "rename a file into it": "os.rename('rw/file', 'ro/put')",
    "rename over it": "os.replace('rw/file', 'ro/file')",
    "rename a folder": "os.rename('ro/inner', 'ro/outer')",
    "hard link inside": "os.link('ro/file', 'ro/linked')",
    "hard link out, then write": "(os.link('ro/file', 'rw/linked'), open('rw/linked', 'w').write('x'))",
    "hard link out, then append": "(os.link('ro/file', 'rw/l2'), open('rw/l2', 'a').write('x'))",
    "make a link": "os.symlink('file', 'ro/link')",
    "link from the other folder": "(os.symlink('../ro/file', 'rw/l3'), open('rw/l3', 'w').write('x'))",
    "truncate by path": "os.truncate('ro/file', 0)",
    "truncate by descriptor": "os.ftruncate(os.open('ro/file', os.O_RDONLY), 0)",
    "open and truncate": "os.open('ro/file', os.O_RDONLY | os.O_TRUNC)",
    "write by a read descriptor": "os.write(os.open('ro/file', os.O_RDONLY), b'x')",
    "allocate": "os.posix_fallocate(os.open('ro/file', os.O_RDONLY), 0, 100)",
    "set times": "os.utime('ro/file', (0, 0))",
    "set times of a folder": "os.utime('ro', (0, 0))",
    "set times by descriptor": "os.utime(os.open('ro/file', os.O_RDONLY), (0, 0))",
    "set times of a link": "os.utime('ro/out', (0, 0), follow_symlinks=False)",
    "set times in C": "__import__('posix').utime('ro/file', (0, 0))",
    "set modes": "os.chmod('ro/file', 0o777)",
    "set owners": "os.chown('ro/file', 0, 0)",
    "set attributes": "os.setxattr('ro/file', 'user.x', b'x')",
    "a path with a detour": "open('rw/../ro/file', 'w').write('x')",
    "an absolute path": "open('/ro/file', 'w').write('x')",
    "through an open folder": (
        "os.write(os.open('file', os.O_WRONLY, dir_fd=os.open('ro', 0)), b'x')"
    ),
    "delete through an open folder": "os.unlink('file', dir_fd=os.open('ro', 0))",
    "with another name for it": "open('RO/FILE', 'w').write('x')",
    "with write and execute": "os.open('ro/file', os.O_RDWR)",
}
OURS = {
    "write the library": "open('/usr/local/lib/python315.zip', 'r+b').write(b'x')",
    "truncate the library": "os.truncate('/usr/local/lib/python315.zip', 10)",
    "delete the library": "os.unlink('/usr/local/lib/python315.zip')",
    "put a module beside the library": "open('/usr/local/lib/sitecustomize.py', 'w').write('x')",
    "date the library": "__import__('posix').utime('/usr/local/lib/python315.zip', (0, 0))",
    "rename the library": "os.rename('/usr/local/lib/python315.zip', '/tmp/lib.zip')",
    "replace the library by a link": "os.symlink('/tmp/x', '/usr/local/lib/link')",
    "write above the library": "open('/usr/local/lib/../record.json', 'w').write('x')",
    "read above the library": "open('/usr/local/lib/../record.json').read()",
    "read the compiled interpreter": "open('/usr/local/lib/../core.cwasm', 'rb').read(10)",
    "write the task's modules": "(open('/stdin.py', 'w').write('x'), open('/task/stdin.py').read())",
    "a link out of the temporary folder": "(os.symlink('../..', '/tmp/up'), os.listdir('/tmp/up'))",
    "rename out of the temporary folder": "(open('/tmp/x', 'w').write('x'), os.rename('/tmp/x', '/x'))",
}
ATTEMPTS = [
    *(pytest.param(code, id=f"escape: {name}") for name, code in ESCAPES.items()),
    *(pytest.param(code, id=f"read-only: {name}") for name, code in READ_ONLY.items()),
    *(pytest.param(code, id=f"ours: {name}") for name, code in OURS.items()),
]

SOURCE = """
import os
from capsule import task
HOST = {host!r}
@task(allowed_files=["./rw", {{"path": "./ro", "mode": "read-only"}}], timeout="20s")
def main():
    try:
        return "done: " + repr({code})[:2000]
    except BaseException as error:
        return "raised: " + type(error).__name__
"""


class Seen(NamedTuple):
    """All that can be told of a file or folder from outside."""

    mode: int
    modified: int
    content: str
    links: int


def seen(top: Path) -> dict[str, Seen]:
    """Everything below `top`, but what is in the folder that may be written."""
    found = {}
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if name.startswith("project/rw"):
            continue
        status = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = Seen(status.st_mode, status.st_mtime_ns, content, status.st_nlink)
    return found


def signatures(top: Path) -> dict[str, tuple[int, ...]]:
    """What changes with everything below `top`: hashing the toolchain each time would take long."""
    return {
        str(path): (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        for path in [top, *sorted(top.rglob("*"))]
        for status in [path.lstat()]
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a secret beside it."""
    project = tmp_path / "project"
    for name in ("ro/inner", "ro/empty", "rw", "other"):
        (project / name).mkdir(parents=True)
    for name in ("ro/file", "ro/inner/file", "rw/file", "other/file"):
        (project / name).write_text("content of " + (CANARY if "other" in name else name))
    (tmp_path / "secret").write_text(CANARY)
    (project / "secret").write_text(CANARY)
    for name, target in {
        "out": "../../secret",
        "up": "../..",
        "absolute": str(tmp_path / "secret"),
        "twice": "out",
    }.items():
        (project / "ro" / name).symlink_to(target)
    (project / "task.py").write_text(f"# {CANARY}\n")
    return project


@pytest.mark.parametrize("way", [from_source, guard_alone, landlock_alone, from_artifact])
@pytest.mark.parametrize("code", ATTEMPTS)
def test_an_attempt(
    bench: Workbench,
    project: Path,
    code: str,
    way: Callable[[str, Path, Workbench], Order],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    if way is landlock_alone and "utime(" in code:
        way = system_alone  # Landlock knows no times: the filter of system calls does
    order = way(SOURCE.format(host=str(project.parent), code=code), project, bench)
    library = order.inputs.base.launch.mounts[0].host.parent
    before = seen(project.parent), signatures(library)
    envelope = bench.run_order(order)
    assert (seen(project.parent), signatures(library)) == before
    assert CANARY not in str(envelope)
    assert "root:x:0" not in str(envelope)
    result = envelope["result"]
    assert result is not None, envelope["error"]
    # What changes nothing and says so is fine; a write that seems to work is not.
    assert result.startswith("raised: ") or code in HARMLESS, result


HARMLESS = {
    # What lies above a folder inside is the private working folder.
    ESCAPES["rename out"],
    ESCAPES["replace the project's config"],
    OURS["rename out of the temporary folder"],
    READ_ONLY["set times"],
    READ_ONLY["set times of a folder"],
    READ_ONLY["set times by descriptor"],
    READ_ONLY["set times of a link"],
    # The guest's C library says yes to these and asks nobody.
    READ_ONLY["set modes"],
    READ_ONLY["set owners"],
}


def test_there_are_many() -> None:
    assert len(ATTEMPTS) >= 90
