"""Temporary files, archives, paths, and what a process knows of its machine."""

import contextlib
import filecmp
import fileinput
import fnmatch
import dbm
import io
import os
import shelve
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def tree(top):
    for name in ("a.txt", "b.py", "sub/c.txt", "sub/deep/d.py"):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


# %% temporary files
with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
    file.write("x")
    file.flush()
    found = [Path(file.name).read_text(), file.name.endswith(".txt")]
found

# %% temporary file without a name
with tempfile.TemporaryFile() as file:
    file.write(b"abc")
    file.seek(0)
    found = file.read()
found

# %% spooled temporary file
with tempfile.SpooledTemporaryFile(max_size=3) as file:
    file.write(b"abcdef")
    file.seek(1)
    found = file.read()
found

# %% mkstemp
number, name = tempfile.mkstemp()
os.close(number)
found = os.path.getsize(name)
os.unlink(name)
found

# %% fileinput
with folder() as top:
    (top / "a").write_text("1\n2\n")
    with fileinput.input([str(top / "a")]) as lines:
        found = [(fileinput.lineno(), line) for line in lines]
found

# %% filecmp
with folder() as top:
    tree(top)
    shutil.copytree(top / "sub", top / "other")
    (top / "other" / "new").write_text("")
    found = filecmp.dircmp(top / "sub", top / "other").right_only
found

# %% disk_usage
with folder() as top:
    found = shutil.disk_usage(top).total > 0
found

# %% which
shutil.which("no-such-program")

# %% zip and back
out = io.BytesIO()
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("a.txt", "hello " * 20)
    archive.writestr("ü/b.txt", b"x")
with zipfile.ZipFile(out) as archive:
    found = [
        archive.namelist(),
        archive.read("a.txt")[:5],
        archive.testzip(),
        archive.getinfo("a.txt").file_size,
    ]
found

# %% zip of files keeps their modes
with folder() as top:
    tree(top)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(top / "a.txt", "a.txt")
        found = [
            archive.getinfo("a.txt").external_attr >> 16 & 0o170000,
            archive.getinfo("a.txt").create_system,
        ]
found

# %% zip methods
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as archive:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        archive.writestr(f"{method}", b"abc" * 100, method)
zipfile.ZipFile(out).read("14")[:3]

# %% a broken zip
zipfile.ZipFile(io.BytesIO(b"nothing"))

# %% zip path
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as archive:
    archive.writestr("d/a.txt", "x")
sorted(str(one.name) for one in zipfile.Path(out).joinpath("d").iterdir())

# %% tar and back
with folder() as top:
    tree(top)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.add(top / "sub", "sub")
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        archive.extractall(top / "out", filter="data")
        found = [sorted(archive.getnames()), (top / "out/sub/c.txt").read_text()]
found

# %% tar modes and owners
with folder() as top:
    tree(top)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = archive.gettarinfo(top / "a.txt", "a.txt")
        found = [info.isreg(), info.size, info.mode & 0o600]
found

# %% tar refuses what leaves
out = io.BytesIO()
with tarfile.open(fileobj=out, mode="w") as archive:
    archive.addfile(tarfile.TarInfo("../x"))
out.seek(0)
with folder() as top, tarfile.open(fileobj=out) as archive:
    try:
        archive.extractall(top, filter="data")
    except tarfile.FilterError as error:
        found = type(error).__name__
found

# %% make_archive
with folder() as top:
    tree(top)
    name = shutil.make_archive(str(top / "out"), "zip", top / "sub")
    found = sorted(zipfile.ZipFile(name).namelist())
found

# %% pure paths
p = PurePosixPath("/a/b.tar.gz")
[
    p.suffixes,
    p.stem,
    str(p.with_suffix(".zip")),
    p.relative_to("/a").parts,
    p.match("*.gz"),
    str(p / "../c"),
]

# %% Windows paths
w = PureWindowsPath("C:\\Users\\x.txt")
[w.drive, w.as_posix(), w.parts, w == PureWindowsPath("c:/users/X.TXT")]

# %% os.path functions
[
    os.path.normpath("/a/../b//c/."),
    os.path.commonpath(["/a/b", "/a/c"]),
    os.path.splitext(".bashrc"),
    os.path.join("a", "/b"),
    os.path.relpath("/a/b", "/a/c"),
]

# %% expanduser and expandvars
[os.path.expandvars("$NOTHING/x"), os.path.expanduser("~nobody-at-all/x")]

# %% fnmatch
[fnmatch.filter(["a.py", "A.PY", "b.txt"], "*.py"), fnmatch.translate("a?[!b]*")]

# %% separators
[os.sep, os.linesep, os.pathsep, os.curdir, os.devnull, os.extsep]

# %% devnull
with open(os.devnull, "w") as file:
    found = file.write("x")
found

# %% umask
before = os.umask(0o022)
os.umask(before) == 0o022

# %% environment
os.environ["PARITY"] = "ü"
found = [os.getenv("PARITY"), os.environ.get("NOTHING"), "PARITY" in os.environ]
del os.environ["PARITY"]
found

# %% cpu_count
os.cpu_count() >= 1

# %% getpid
os.getpid() > 0

# %% getuid
os.getuid() >= 0

# %% getlogin and uname
os.uname().sysname

# %% urandom
len(os.urandom(5))

# %% get_terminal_size
shutil.get_terminal_size((77, 20)).columns

# %% read-only file refuses writing
with folder() as top:
    (top / "a").write_text("x")
    with (top / "a").open() as file:
        try:
            file.write("y")
        except io.UnsupportedOperation as error:
            found = str(error)
found

# %% write to a closed file
with folder() as top:
    file = (top / "a").open("w")
    file.close()
    try:
        file.write("x")
    except ValueError as error:
        found = str(error)
found

# %% what is written is flushed at close
with folder() as top:
    file = (top / "a").open("w")
    file.write("x" * 10)
    before = (top / "a").stat().st_size
    file.close()
    found = [before, (top / "a").stat().st_size]
found

# %% names that are not ASCII
with folder() as top:
    (top / "日本 ü.txt").write_text("x")
    found = os.listdir(top)
found

# %% shelve and dbm
with folder() as top:
    with shelve.open(str(top / "s")) as shelf:
        shelf["a"] = [1, 2]
    with shelve.open(str(top / "s")) as shelf:
        found = dict(shelf)
found

# %% dbm backends
with folder() as top:
    with dbm.open(str(top / "d"), "c") as store:
        store["k"] = "v"
    found = dbm.whichdb(str(top / "d"))
found
