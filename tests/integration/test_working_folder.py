"""The working folder of a task: private, writable, and its granted folders are in it."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, Any

import pytest

from capsule.errors import PolicyError
from capsule.process.project_view import MAX_ENTRIES
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.source import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

GRANTED = """from capsule import task
@task(compute="HIGH", allowed_files=["./data", {"path": "./given", "mode": "ro"}])
"""
IMPORTS = """
import contextlib, glob, importlib.resources, os, shutil, sys, tarfile, tempfile, zipfile
from pathlib import Path
"""


@pytest.fixture
def project(bench: Workbench) -> Path:
    for name in ("data", "given"):
        (bench.project / name).mkdir()
        (bench.project / name / "there.txt").write_text(f"in {name}")
    return bench.project


def value(bench: Workbench, body: str, head: str = GRANTED) -> Any:
    parsed = ast.parse(body)
    last = parsed.body[-1]
    assert isinstance(last, ast.Expr)
    parsed.body[-1] = ast.Return(last.value)
    lines = ast.unparse(ast.fix_missing_locations(parsed)).splitlines()
    source = IMPORTS + head + "def main():\n    " + "\n    ".join(lines) + "\n"
    envelope = bench.run(source)
    assert envelope["success"], envelope["error"]
    return envelope["result"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[os.getcwd(), sorted(os.listdir('.')), sorted(os.listdir('/'))]",
         ["/", ["data", "given"], ["data", "given"]]),
        ("open('out.csv', 'w').write('x')\nopen('/out.csv').read()", "x"),
        ("open('out.csv', 'w').close()\nsorted(glob.glob('*'))", ["data", "given", "out.csv"]),
        ("sorted((top, sorted(dirs), files) for top, dirs, files in os.walk('.'))",
         [[".", ["data", "given"], []], ["./data", [], ["there.txt"]],
          ["./given", [], ["there.txt"]]]),
        ("with contextlib.chdir('data'): here = os.getcwd(), open('there.txt').read()\nhere",
         ["/data", "in data"]),
        ("os.makedirs('/data', exist_ok=True)\nos.makedirs('given', exist_ok=True)\n"
         "os.makedirs('a/b/')\nPath('a/b/c').mkdir()\nos.path.isdir('/a/b/c')", True),
        ("os.makedirs('out/p/q')\nshutil.rmtree('out/p/')\nos.listdir('out')", []),
        ("[str(Path.home()), os.path.expanduser('~/x'), os.environ['HOME']]",
         ["/tmp", "/tmp/x", "/tmp"]),
        ("[__file__.endswith('.py'), 'def main' in open(__file__).read(),\n"
         "'def main' in Path(__file__).read_text(), os.path.exists(__file__)]", [True] * 4),
        ("(Path(__file__).parent / 'data' / 'there.txt').read_text()", "in data"),
        ("open(os.devnull, 'w').write('abc')\n[open(os.devnull).read(), open('/dev/null', 'rb').read(1)]",
         None),
        ("[os.umask(0o27), os.umask(0o22)]", [0o22, 0o27]),
        ("free = shutil.disk_usage('/')\n"
         "open('x', 'wb').write(bytes(1 << 20))\nleft = shutil.disk_usage('.')\n"
         "[free.total > 0, free.used + free.free == free.total, free.free - left.free]",
         [True, True, 1 << 20]),
        ("open('x', 'w').close()\nos.chmod('x', 0o640)\nopen('y', 'w').close()\n"
         "[oct(os.stat(name).st_mode) for name in ('x', 'y', 'data', 'given', 'given/there.txt')]",
         ["0o100640", "0o100644", "0o40755", "0o40555", "0o100444"]),
        ("open('x', 'w').close()\n"
         "with tarfile.open('t.tar', 'w') as tar: tar.add('x'); tar.add('data')\n"
         "with zipfile.ZipFile('t.zip', 'w') as made: made.write('x')\n"
         "modes = [oct(each.mode) for each in tarfile.open('t.tar')]\n"
         "[modes, oct(zipfile.ZipFile('t.zip').infolist()[0].external_attr >> 16)]",
         [["0o644", "0o755", "0o644"], "0o100644"]),
        ("with tarfile.open('t.tar', 'w') as tar: tar.add('data')\n"
         "tarfile.open('t.tar').extractall('copy', filter='data')\n"
         "[open('copy/data/there.txt').read(), oct(os.stat('copy/data').st_mode)]",
         ["in data", "0o40755"]),
        ("[os.access('data', os.W_OK), os.access('given', os.W_OK), os.access('given', os.R_OK)]",
         [True, False, True]),
        ("open('x', 'w').write('1')\nos.mkdir('sub')\n"
         "[open('sub/../x').read(), open('data/../given/there.txt').read(),\n"
         "os.listdir('sub/../data'), open('/tmp/../x').read()]",
         ["1", "in given", ["there.txt"], "1"]),
        ("open('x', 'w').write('1')\nos.rename('x', '/tmp/y')\n"
         "shutil.move('/tmp/y', 'z')\nshutil.copytree('data', 'copy')\n"
         "[open('z').read(), os.listdir('copy'), os.path.exists('x')]", ["1", ["there.txt"], False]),
        ("open('made_here.py', 'w').write('V = 5')\nimport made_here\nmade_here.V", 5),
        ("[name.endswith('.py') for name in sys.argv]", [True]),
        ("[tempfile.gettempdir(), tempfile.mkdtemp().startswith('/tmp/'),\n"
         "tempfile.NamedTemporaryFile('w').write('x')]", ["/tmp", True, 1]),
    ],
)  # fmt: skip
def test_files_are_as_outside(bench: Workbench, project: Path, body: str, expected: object) -> None:
    if "devnull" in body:
        body, expected = body.replace(".read(1)]", ".read(1).decode()]"), ["", ""]
    assert value(bench, body) == expected
    assert sorted(path.name for path in project.iterdir()) == ["data", "given"]


@pytest.mark.parametrize(
    "call",
    [
        "open('given/new', 'w')",
        "open('given/there.txt', 'a')",
        "os.remove('given/there.txt')",
        "os.mkdir('given/sub')",
        "os.rename('given/there.txt', 'taken')",
        "os.truncate('given/there.txt', 0)",
        "shutil.rmtree('given')",
        "os.chmod('given/there.txt', 0o777)",
        "os.open('given/there.txt', os.O_WRONLY)",
        "os.open('there.txt', os.O_WRONLY, dir_fd=os.open('given', os.O_RDONLY))",
        "os.open('new', os.O_CREAT, dir_fd=os.open('given', 0))",
        "open('data/../given/there.txt', 'w')",
    ],
)
def test_a_folder_that_is_only_read_stays_so(bench: Workbench, project: Path, call: str) -> None:
    body = f"try: {call}\nexcept OSError as error: raised = error\ntype(raised).__name__"
    assert value(bench, body) == "PermissionError"
    assert (project / "given" / "there.txt").read_text() == "in given"
    assert [path.name for path in (project / "given").iterdir()] == ["there.txt"]


@pytest.mark.parametrize("call", ["open(path, 'w')", "os.open(path, os.O_CREAT)", "os.mkdir(path)"])
def test_who_may_only_read_is_told_how_to_be_allowed_more(
    bench: Workbench, project: Path, call: str
) -> None:
    body = f"path = 'given/new'\ntry: {call}\nexcept OSError as error: raised = error\nstr(raised)"
    assert value(bench, body) == (
        "[Errno 2] Permission denied, as /given was granted read-only (for writing: "
        "allowed_files=['./given'], or --mount PATH::/given:rw): 'given/new'"
    )


def test_large_reads_and_writes_work_within_the_memory(bench: Workbench, project: Path) -> None:
    body = """
with open('data/large', 'wb') as file: file.write(bytearray(160 << 20))
with open('data/large', 'rb') as file: read = len(file.read())
read >> 20
"""
    assert value(bench, body) == 160


def test_what_a_task_writes_is_gone_afterwards(bench: Workbench, project: Path) -> None:
    source = "import os\ndef main():\n    open('x', 'w').close()\n    return os.listdir('/')\n"
    assert [bench.run(source)["result"] for _ in range(2)] == [["x"], ["x"]]


def test_an_import_that_writes_is_made_in_each_run(bench: Workbench) -> None:
    source = "import os\nopen('x', 'w').close()\ndef main(): return os.listdir('/')\n"
    assert [bench.run(source)["result"] for _ in range(2)] == [["x"], ["x"]]
    assert bench.recorder.plain is not None


def test_files_of_packages_beside_the_task(bench: Workbench) -> None:
    package = bench.project / "parts"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "words.txt").write_text("hello")
    (package / "deep" / "more.txt").write_text("below")
    task = bench.project / "entry.py"
    task.write_text(
        """import importlib.resources, os, pkgutil
import parts
def main():
    files = importlib.resources.files("parts")
    with open(os.path.join(os.path.dirname(parts.__file__), "words.txt")) as opened:
        text = opened.read()
    return [
        files.joinpath("words.txt").read_text(),
        (files / "deep" / "more.txt").read_text(),
        sorted(each.name for each in files.iterdir() if each.name != "__pycache__"),
        pkgutil.get_data("parts", "words.txt").decode(),
        text,
    ]
"""
    )
    order = prepare.order(read_file(task, bench.project), prepare.Call(), bench.home, Silent())
    envelope = bench.run_order(order)
    assert envelope["result"] == [
        *("hello", "below", ["__init__.py", "deep", "words.txt"], "hello", "hello"),
    ], envelope["error"]


VIEW = 'from capsule import task\n@task(allowed_files=["./", "./out"])\n'


@pytest.fixture
def whole(bench: Workbench) -> Path:
    root = bench.project
    for name in ("a.txt", ".env", "src/b.txt", "src/.hidden", ".git/config", "venv/lib/x.py",
                 "src/venv/pyvenv.cfg", "src/venv/y.py", "venv/pyvenv.cfg"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{name}!")
    (root / "out").mkdir()
    (root / "link").symlink_to("a.txt")
    return root


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


def test_the_project_can_be_seen_without_what_is_hidden(bench: Workbench, whole: Path) -> None:
    before = tree(whole)
    body = """
seen = sorted(os.path.join(top, name) for top, _, names in os.walk('.') for name in names)
open('out/made', 'w').write('kept')
open('mine', 'w').write('gone')
[seen, open('a.txt').read(), open('link').read(), sorted(os.listdir('.'))]
"""
    assert value(bench, body, VIEW) == [
        ["./a.txt", "./link", "./src/b.txt"],
        "a.txt!",
        "a.txt!",
        ["a.txt", "link", "mine", "out", "src"],
    ]
    assert tree(whole) == before | {"out/made": "kept"}


@pytest.mark.parametrize(
    "call",
    ["open('a.txt', 'w')", "os.remove('a.txt')", "open('src/new', 'w')", "os.rename('src', 'x')"],
)
def test_the_view_of_a_project_is_only_read(bench: Workbench, whole: Path, call: str) -> None:
    before = tree(whole)
    body = f"try: {call}\nexcept OSError as error: raised = error\ntype(raised).__name__"
    assert value(bench, body, VIEW) == "PermissionError"
    assert tree(whole) == before


def test_a_project_that_is_too_large_is_refused_with_what_to_do(
    bench: Workbench, whole: Path
) -> None:
    with (whole / "large").open("wb") as file:
        os.truncate(file.fileno(), 257 << 20)
    with pytest.raises(PolicyError, match="more than 256 MB or 10,000 files") as caught:
        value(bench, "1", VIEW)
    assert "./data" in str(caught.value.hint)
    assert MAX_ENTRIES == 10_000
