"""Files and folders: what is written, read, listed, moved."""

import contextlib
import errno
import glob
import mmap
import os
import shutil
import stat
import tempfile
from pathlib import Path


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def tree(top):
    for name in ("a.txt", "b.py", "sub/c.txt", "sub/deep/d.py"):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


# %% write and read text
with folder() as top:
    (top / "a.txt").write_text("é\nb\r\n", newline="")
    found = [
        (top / "a.txt").read_text(),
        (top / "a.txt").read_bytes(),
        (top / "a.txt").stat().st_size,
    ]
found

# %% newlines are translated
with folder() as top:
    (top / "a").write_bytes(b"1\r\n2\r3\n")
    with (top / "a").open() as file:
        found = file.readlines()
found

# %% append and exclusive modes
with folder() as top:
    with (top / "a").open("x") as file:
        file.write("1")
    with (top / "a").open("a+") as file:
        file.write("2")
        file.seek(0)
        found = [file.read()]
    try:
        (top / "a").open("x")
    except FileExistsError as error:
        found.append(error.strerror)
found

# %% seek, tell, truncate
with folder() as top, (top / "a").open("w+b") as file:
    file.write(b"0123456789")
    file.truncate(6)
    file.seek(-2, os.SEEK_END)
    found = [file.read(), file.tell(), file.seek(100), file.write(b"x"), (top / "a").stat().st_size]
found

# %% a hole is zeros
with folder() as top:
    with (top / "a").open("wb") as file:
        file.seek(4)
        file.write(b"x")
    found = (top / "a").read_bytes()
found

# %% a missing file
with folder() as top:
    try:
        (top / "nothing").open()
    except OSError as error:
        found = [type(error).__name__, error.strerror, error.errno]
found

# %% a folder opened as a file
with folder() as top:
    try:
        top.open()
    except OSError as error:
        found = [type(error).__name__, error.strerror]
found

# %% a file used as a folder
with folder() as top:
    (top / "a").write_text("")
    try:
        (top / "a" / "b").write_text("")
    except OSError as error:
        found = [type(error).__name__, error.strerror]
found

# %% rmdir of a full folder
with folder() as top:
    tree(top)
    try:
        (top / "sub").rmdir()
    except OSError as error:
        found = error.strerror
found

# %% mkdir twice
with folder() as top:
    (top / "a").mkdir()
    try:
        (top / "a").mkdir()
    except OSError as error:
        found = type(error).__name__
found

# %% walk
with folder() as top:
    tree(top)
    found = [
        (Path(at).name if Path(at) != top else ".", sorted(dirs), sorted(files))
        for at, dirs, files in os.walk(top)
    ]
sorted(found)

# %% glob and rglob
with folder() as top:
    tree(top)
    found = [
        sorted(path.name for path in top.rglob("*.py")),
        sorted(glob.glob("**/*.txt", root_dir=top, recursive=True)),
        sorted(path.name for path in top.glob("[ab]*")),
    ]
found

# %% scandir
with folder() as top:
    tree(top)
    with os.scandir(top) as entries:
        found = sorted((entry.name, entry.is_dir(), entry.is_file()) for entry in entries)
found

# %% rename and replace
with folder() as top:
    (top / "a").write_text("1")
    (top / "b").write_text("2")
    (top / "a").replace(top / "b")
    found = [sorted(os.listdir(top)), (top / "b").read_text()]
found

# %% move into a folder
with folder() as top:
    tree(top)
    shutil.move(top / "a.txt", top / "sub")
    found = sorted(os.listdir(top / "sub"))
found

# %% copytree and rmtree
with folder() as top:
    tree(top)
    shutil.copytree(top / "sub", top / "copy", ignore=shutil.ignore_patterns("*.py"))
    shutil.rmtree(top / "sub")
    found = sorted(str(path.relative_to(top)) for path in top.rglob("*"))
found

# %% copy2 keeps the time
with folder() as top:
    (top / "a").write_text("x")
    os.utime(top / "a", (1_000_000_000, 1_000_000_000))
    shutil.copy2(top / "a", top / "b")
    found = (top / "b").stat().st_mtime
found

# %% utime in nanoseconds
with folder() as top:
    (top / "a").touch()
    os.utime(top / "a", ns=(0, 1_500_000_000_123_456_789))
    found = (top / "a").stat().st_mtime_ns
found

# %% chmod
with folder() as top:
    (top / "a").touch()
    (top / "a").chmod(0o600)
    found = stat.S_IMODE((top / "a").stat().st_mode)
found

# %% mode of a new file
with folder() as top:
    (top / "a").touch()
    found = stat.filemode((top / "a").stat().st_mode)[0]
found

# %% permissions of what is made
with folder() as top:
    before = os.umask(0o027)
    try:
        (top / "a").touch()
        (top / "b").mkdir()
        os.close(os.open(top / "c", os.O_CREAT | os.O_EXCL, 0o604))
        (top / "d").mkdir(mode=0o711)
        shutil.copy(top / "c", top / "e")
        with tempfile.NamedTemporaryFile(dir=top, delete=False) as file:
            os.replace(file.name, top / "f")
    finally:
        os.umask(before)
    found = [stat.filemode((top / name).stat().st_mode) for name in "abcdef"]
    with os.scandir(top) as entries:
        found.append(sorted((entry.name, oct(entry.stat().st_mode)) for entry in entries))
found

# %% an empty path
found = []
for call in (open, os.stat, os.listdir, os.mkdir, os.remove, os.chdir):
    try:
        found.append(call(""))
    except OSError as error:
        found.append([type(error).__name__, error.strerror])
[*found, os.path.exists(""), os.access("", os.F_OK)]

# %% the null device
number = os.open(os.devnull, os.O_RDWR)
found = [
    os.read(number, 1),
    os.write(number, b"abc"),
    stat.filemode(os.fstat(number).st_mode),
    os.path.exists(os.devnull),
    Path(os.devnull).is_char_device(),
    Path("/dev/zero").open("rb").read(3),
]
os.close(number)
found

# %% symlinks
with folder() as top:
    (top / "a").write_text("x")
    try:
        (top / "link").symlink_to("a")
        found = [(top / "link").is_symlink(), (top / "link").read_text(), os.readlink(top / "link")]
    except OSError as error:
        found = [type(error).__name__, error.strerror]
found

# %% hard links
with folder() as top:
    (top / "a").write_text("x")
    os.link(top / "a", top / "b")
    found = [(top / "b").read_text(), (top / "a").stat().st_nlink]
found

# %% samefile and exists
with folder() as top:
    (top / "a").touch()
    found = [
        (top / "a").samefile(top / "." / "a"),
        (top / "b").exists(),
        os.access(top / "a", os.R_OK),
    ]
found

# %% chdir and relative paths
with folder() as top:
    with contextlib.chdir(top):
        Path("here.txt").write_text("x")
        found = [os.listdir("."), Path("here.txt").exists()]
found

# %% file descriptors
with folder() as top:
    number = os.open(top / "a", os.O_RDWR | os.O_CREAT)
    os.write(number, b"abc")
    os.lseek(number, 1, os.SEEK_SET)
    found = [os.read(number, 5), os.fstat(number).st_size]
    os.close(number)
found

# %% pread and pwrite
with folder() as top:
    number = os.open(top / "a", os.O_RDWR | os.O_CREAT)
    os.pwrite(number, b"abc", 2)
    found = os.pread(number, 10, 0)
    os.close(number)
found

# %% a closed descriptor
try:
    os.read(9999, 1)
except OSError as error:
    found = [error.errno, error.strerror]
found

# %% error numbers
[errno.ENOENT, errno.EACCES, errno.EEXIST, errno.ENOTDIR]

# %% dup
with folder() as top, (top / "a").open("wb") as file:
    twin = os.dup(file.fileno())
    os.write(twin, b"x")
    os.close(twin)
    found = (top / "a").stat().st_size
found

# %% pipe
ours, theirs = os.pipe()
os.write(theirs, b"x")
os.read(ours, 1)

# %% mmap
with folder() as top:
    (top / "a").write_bytes(b"hello")
    with (top / "a").open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        found = [view[1:3], view.find(b"l")]
found

# %% mmap writes back
with folder() as top:
    (top / "a").write_bytes(b"hello")
    with (top / "a").open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[0:1] = b"J"
    found = (top / "a").read_bytes()
found
