"""Permissions and times of files inside are those that a program set, as outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

HEAD = """import os, shutil, stat, tarfile, tempfile, zipfile
from pathlib import Path

def mode(path):
    return oct(stat.S_IMODE(os.stat(path).st_mode))

def made(path, *args):
    os.close(os.open(path, *args))
    return mode(path)

def refused(function, *args):
    try:
        return function(*args)
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"

def main():
"""


def value(bench: Workbench, body: str, expression: str) -> Any:
    lines = [*body.splitlines(), f"return {expression}"]
    envelope = bench.run(HEAD + "\n".join(f"    {line}" for line in lines))
    assert envelope["success"], envelope["error"]
    return envelope["result"]


@pytest.mark.parametrize(
    ("mask", "file", "opened", "folder"),
    [(0o022, "0o644", "0o755", "0o755"), (0o077, "0o600", "0o700", "0o700"),
     (0o002, "0o664", "0o775", "0o775"), (0o000, "0o666", "0o777", "0o777")],
)  # fmt: skip
def test_the_mask_holds_for_all_that_is_made(
    bench: Workbench, mask: int, file: str, opened: str, folder: str
) -> None:
    body = f"""
os.umask({mask})
open("a", "w").close()
open("b", "x").close()
Path("c").write_text("")
Path("d").touch()
os.mkdir("e")
Path("f").mkdir()
os.makedirs("g/h", 0o700)
shutil.copyfile("a", "i")
"""
    expected = [file] * 5 + [folder] * 3 + ["0o700", opened, "0o600"]
    found = (
        '[*map(mode, "abcdiefg"), mode("g/h"), made("j", os.O_CREAT), mode(tempfile.mkstemp()[1])]'
    )
    assert value(bench, body, found) == expected


@pytest.mark.parametrize(
    ("body", "expression", "expected"),
    [
        ("", 'made("a", os.O_CREAT | os.O_WRONLY, 0o640)', "0o640"),
        ("", '[made("a", os.O_CREAT, 0o600), made("a", os.O_CREAT, 0o644)]', ["0o600"] * 2),
        ("os.mkdir('a', 0o711)\nPath('b').mkdir(mode=0o750)\nPath('c').touch(mode=0o600)",
         "list(map(mode, 'abc'))", ["0o711", "0o750", "0o600"]),
        ("file = tempfile.NamedTemporaryFile()", "[mode(file.name), mode(tempfile.mkdtemp())]",
         ["0o600", "0o700"]),
        ("made('a', os.O_CREAT, 0o600)\nopen('b', 'w').close()\nos.replace('a', 'b')",
         "mode('b')", "0o600"),
        ("made('a', os.O_CREAT, 0o600)\nopen('b', 'w').close()\nos.replace('b', 'a')",
         "mode('a')", "0o644"),
        ("made('a', os.O_CREAT, 0o600)\nos.remove('a')\nopen('a', 'w').close()",
         "mode('a')", "0o644"),
        ("made('a', os.O_CREAT, 0o640)\nshutil.copy('a', 'b')\nshutil.copyfile('a', 'c')",
         "[mode('b'), mode('c')]", ["0o640", "0o644"]),
        ("os.mkdir('a', 0o700)\nmade('a/b', os.O_CREAT, 0o600)\nshutil.copytree('a', 'c')",
         "[mode('c'), mode('c/b')]", ["0o700", "0o600"]),
        ("os.mkdir('a')\nmade('a/b', os.O_CREAT, 0o600)\nopen('a/c', 'w').close()\nos.mkdir('a/d')",
         "[[each.name, oct(each.stat().st_mode), each.is_dir(), each.is_symlink()]"
         " for each in sorted(os.scandir('a'), key=lambda each: each.name)]",
         [["b", "0o100600", False, False], ["c", "0o100644", False, False],
          ["d", "0o40755", True, False]]),
        ("file = open('a', 'w')\nos.fchmod(file.fileno(), 0o600)\nfirst = mode('a')\n"
         "os.chmod(file.fileno(), 0o640)", "[first, mode('a')]", ["0o600", "0o640"]),
        ("open('a', 'w').close()\nopen('b', 'w').close()\nos.chmod('b', 0o755)\nos.mkdir('c')",
         "[os.access(name, os.X_OK) for name in 'abc']", [False, True, True]),
        ("open('a', 'w', opener=lambda path, flags: os.open(path, flags, 0o600)).close()",
         "mode('a')", "0o600"),
    ],
)  # fmt: skip
def test_permissions_are_those_that_were_asked_for(
    bench: Workbench, body: str, expression: str, expected: object
) -> None:
    assert value(bench, body, expression) == expected


@pytest.mark.parametrize(
    ("body", "expression", "expected"),
    [
        ("os.utime('a', ns=(1_000_000_001, 2_000_000_003))",
         "[os.stat('a').st_atime_ns, os.stat('a').st_mtime_ns, os.stat('a').st_mtime]",
         [1_000_000_001, 2_000_000_003, 2.000000003]),
        ("os.utime('a', (1.5, 2))\nshutil.copy2('a', 'b')", "os.path.getmtime('b')", 2.0),
        ("os.utime('a', (1, 2))\nos.rename('a', 'b')", "os.stat('b')[8]", 2),
        ("os.utime('a', (1, 2))\nopen('a', 'w').write('x')", "os.stat('a').st_mtime > 1e9", True),
        ("os.utime('a', (1, 2))\nPath('a').touch()", "os.stat('a').st_mtime > 1e9", True),
        ("os.utime('a', (1, 2))\nos.remove('a')\nopen('a', 'w').close()",
         "os.stat('a').st_mtime > 1e9", True),
        ("os.utime('a', (1, 10**9))\nwith tarfile.open('t', 'w') as tar: tar.add('a')\n"
         "tarfile.open('t').extractall('out', filter='data')", "os.path.getmtime('out/a')", 1e9),
        ("", "refused(os.utime, 'missing')", "FileNotFoundError: No such file or directory"),
    ],
)  # fmt: skip
def test_times_are_those_that_were_set(
    bench: Workbench, body: str, expression: str, expected: object
) -> None:
    assert value(bench, f"open('a', 'w').close()\n{body}", expression) == expected


MISSING = "FileNotFoundError: No such file or directory"


def test_an_empty_path_names_nothing(bench: Workbench) -> None:
    calls = [
        "open, ''", "open, '', 'w'", "os.stat, ''", "os.stat, b''", "os.listdir, ''",
        "os.mkdir, ''", "os.makedirs, ''", "os.remove, ''", "os.rmdir, ''", "os.chdir, ''",
        "os.open, '', os.O_RDONLY", "os.rename, 'a', ''", "os.link, '', 'b'", "os.utime, ''",
        "os.chmod, '', 0o600",
    ]  # fmt: skip
    asked = ", ".join(f"refused({call})" for call in calls)
    found = value(bench, "", f"[[{asked}], os.path.exists(''), os.access('', 0), os.listdir()]")
    assert found == [[MISSING] * len(calls), False, False, []]


def test_what_is_made_for_reading_alone_is_read_alone(bench: Workbench) -> None:
    body = """
number = os.open("a", os.O_CREAT | os.O_EXCL)
found = [os.read(number, 1).decode(), refused(os.write, number, b"x"), os.listdir()]
os.close(number)
found.append(refused(os.open, "a", os.O_CREAT | os.O_EXCL))
open("b", "w").write("text")
source, target = os.open("b", 0), os.open("c", os.O_CREAT | os.O_WRONLY)
found.append([os.sendfile(target, source, 1, 2), open("c").read()])
"""
    assert value(bench, body, "found") == [
        *("", "OSError: Bad file descriptor", ["a"], "FileExistsError: File exists"),
        [2, "ex"],
    ]


def test_a_symbolic_link_is_refused_in_words(bench: Workbench) -> None:
    said = value(bench, "", "[refused(os.symlink, 'a', 'b'), refused(Path('c').symlink_to, 'a')]")
    assert said[0] == said[1]
    assert said[0].startswith("PermissionError: Operation not permitted, as a sandbox makes no sym")
