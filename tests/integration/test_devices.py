"""What programs open in `/dev` is there by any name and number, as outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

HEAD = """import io, os, shutil, stat, subprocess
from pathlib import Path

NULL = "/dev/null"

def refused(function, *args):
    try:
        return function(*args)
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror or error}"

def by_number(path, flags):
    number = os.open(path, flags)
    try:
        return [refused(os.read, number, 3), refused(os.write, number, b"xx"), os.isatty(number),
                stat.S_ISCHR(os.fstat(number).st_mode)]
    finally:
        os.close(number)

"""


def value(bench: Workbench, expression: str) -> Any:
    envelope = bench.run(f"{HEAD}def main(): return repr({expression})")
    assert envelope["success"], envelope["error"]
    return envelope["result"]


BAD = "OSError: Bad file descriptor"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("by_number(NULL, os.O_RDWR)", [b"", 2, False, True]),
        ("by_number(NULL, os.O_RDONLY)", [b"", BAD, False, True]),
        ("by_number(NULL, os.O_WRONLY)", [BAD, 2, False, True]),
        ("by_number('/dev/zero', os.O_RDWR)", [bytes(3), 2, False, True]),
        ("by_number('/dev/full', os.O_RDWR)",
         [bytes(3), "OSError: No space left on device", False, True]),
        ("oct(os.stat(NULL).st_mode)", "0o20666"),
        ("[os.path.exists(NULL), os.path.isfile(NULL), Path(NULL).is_char_device()]",
         [True, False, True]),
        ("[os.access(NULL, os.R_OK | os.W_OK), os.access(NULL, os.X_OK)]", [True, False]),
        ("[Path(NULL).read_bytes(), Path(NULL).write_text('abc'), os.path.getsize(NULL)]",
         [b"", 3, 0]),
        ("[open(NULL, 'r+b').read(), open(NULL, 'w+').read(), open(NULL, 'a').write('x')]",
         [b"", "", 1]),
        ("[open(NULL).name, open(NULL).mode, open(NULL, 'rb').name, open(NULL).seekable()]",
         ["/dev/null", "r", "/dev/null", True]),
        ("[os.path.samefile(NULL, os.devnull), os.path.samefile(NULL, '/dev/zero')]",
         [True, False]),
        ("refused(open, NULL, 'x')", "FileExistsError: File exists"),
        ("refused(os.open, NULL, os.O_CREAT | os.O_EXCL)", "FileExistsError: File exists"),
        ("(lambda file: [os.fstat(file.fileno()).st_rdev, file.close(), file.closed])(open(NULL))",
         [0x103, None, True]),
        ("[os.stat(NULL).st_mtime_ns, os.stat(__file__).st_mtime_ns]", [0, 0]),
        ("os.path.getsize(shutil.copyfile(NULL, 'copy'))", 0),
        ("[len(open(f'/dev/{name}', 'rb').read(7)) for name in ('urandom', 'random', 'zero')]",
         [7, 7, 7]),
        ("open('/dev/urandom', 'rb').read(16) == open('/dev/urandom', 'rb').read(16)", False),
        ("[open('/dev/stdin').read(), open('/dev/fd/0').read()]", ["", ""]),
        ("[os.path.exists(f'/dev/{name}') for name in ('stdin', 'stdout', 'stderr', 'fd/1', 'x')]",
         [True, True, True, True, False]),
        ("[refused(open, '/dev/fd/77'), refused(open, '/dev/tty'), refused(os.stat, '/dev/sda')]",
         ["FileNotFoundError: No such file or directory"] * 3),
        ("subprocess.DEVNULL", -3),
    ],
)  # fmt: skip
def test_devices_are_as_outside(bench: Workbench, expression: str, expected: object) -> None:
    assert value(bench, expression) == repr(expected)


def test_what_is_written_to_the_streams_by_name_is_printed(bench: Workbench) -> None:
    envelope = bench.run("""
import os
def main():
    for path in ("/dev/stdout", "/dev/fd/1", "/dev/stderr", "/dev/fd/2"):
        with open(path, "w") as file: print(path, file=file)
    copy = os.dup(1)
    os.write(copy, b"copy\\n")
    os.close(copy)
    print("still there")
""")
    assert envelope["error"] is None
    assert envelope["execution"]["stdout"] == "/dev/stdout\n/dev/fd/1\ncopy\nstill there\n"
    assert envelope["execution"]["stderr"] == "/dev/stderr\n/dev/fd/2\n"
