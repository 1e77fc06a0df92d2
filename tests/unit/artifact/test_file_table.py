"""Tables of files: bombs, lies about lengths, and paths that lead elsewhere."""

from __future__ import annotations

import time
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule import wasm
from capsule.artifact.contents import PACKAGE_BOUNDS, SOURCE_BOUNDS
from capsule.artifact.errors import ArtifactError
from capsule.artifact.file_table import pack, unpack
from capsule.artifact.inflate import Inflated
from capsule.artifact.member_paths import check_path, check_together
from capsule.artifact.read import read_bytes
from tests.unit.artifact.forge import entry, forge, table

FILE = entry(b"a.py", b"pass")


def refusal(packed: bytes) -> str:
    """Return why the packed table is refused for sources; it is refused for packages alike."""
    with pytest.raises(ArtifactError) as caught:
        read_bytes(forge(sources=packed), "hello.wasm")
    assert caught.value.hint
    assert caught.value.message.startswith("hello.wasm: sources: ")
    with pytest.raises(ArtifactError, match="artifact: packages: "):
        read_bytes(forge(packages=packed))
    return caught.value.message


def peak_of(packed: bytes) -> tuple[str, int]:
    """Return why the table is refused, and how much memory it took to see that."""
    data = forge(packages=packed)
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError) as caught:
            read_bytes(data)
        return caught.value.message, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def zeros(size: int) -> bytes:
    """Return a zlib stream of zeros; that takes no memory to make."""
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)), packer.flush()])


def test_a_table_is_read() -> None:
    found = read_bytes(forge(sources=table(FILE), packages=table(FILE, entry(b"b/c.py", b""))))
    assert found.sources == {"a.py": b"pass"}
    assert found.packages == {"a.py": b"pass", "b/c.py": b""}


STREAM = zlib.compress(b"\x01" + FILE)
SIZE = wasm.uleb(len(FILE) + 1)


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (b"", "runs past the end"),
        (b"\xff\xff", "runs past the end"),
        (b"\xff" * 9, "more than 32 bits"),
        (SIZE, "what is packed is cut off"),
        (SIZE + STREAM[:-1], "what is packed is cut off"),
        (SIZE + STREAM[:5], "what is packed is cut off"),
        (SIZE + b"hello, world", "it cannot be unpacked"),
        (SIZE + STREAM[:-1] + bytes([STREAM[-1] ^ 1]), "it cannot be unpacked"),
        (SIZE + STREAM + b"x", "1 bytes follow the packed ones"),
        (SIZE + STREAM + STREAM, f"{len(STREAM)} bytes follow the packed ones"),
        (SIZE + STREAM + bytes(100_000), "100,000 bytes follow the packed ones"),
        (wasm.uleb(0) + STREAM, "runs past the end"),
        (wasm.uleb(0) + zlib.compress(b""), "runs past the end"),
        (table(FILE, size=5), "is announced where|are announced where"),
        (table(FILE, size=len(FILE)), "4 bytes are announced where 3 are left"),
        (table(FILE, size=len(FILE) + 2), "1 bytes follow the last file"),
        (table(FILE, count=2, size=len(FILE) + 2), "12 bytes are announced, and 11 are there"),
        (table(FILE, b"x" * 10), "10 bytes|left"),
        (table(FILE, count=2), "runs past the end"),
        (table(FILE, count=0), f"{len(FILE)} bytes follow the last file"),
        (table(FILE, FILE), "the path 'a.py' stands twice"),
        (table(FILE, entry(b"a.py", b"other")), "the path 'a.py' stands twice"),
        (table(count=2**32 - 1), "there are 4,294,967,295 files; at most"),
        (table(entry(b"a.py", b"", 2**32 - 1)), "'a.py' has 4,294,967,295 bytes; at most"),
        (table(entry(b"a.py", b"", 9_999_999)), "9,999,999 bytes are announced where 0 are left"),
        (table(wasm.uleb(2**32 - 1)), "a path has 4,294,967,295 bytes; at most 512"),
        (table(wasm.uleb(513) + b"a" * 513 + b"\0"), "a path has 513 bytes; at most 512"),
        (table(wasm.uleb(500) + b"a"), "500 bytes are announced where 1 are left"),
        (table(entry(b"\xff.py", b"")), "the path b'\\\\xff.py' is not UTF-8"),
        (table(entry(b"\xed\xa0\x80", b"")), "is not UTF-8"),
        (table(entry(b"../a.py", b"")), "the path '../a.py' has a part '..'"),
        (table(FILE, entry(b"a.py/b.py", b"")), "'a.py' is a file, and a folder in 'a.py/b.py'"),
    ],
)
def test_what_is_no_table_is_refused(packed: bytes, reason: str) -> None:
    message = refusal(packed)
    assert any(one.replace("\\\\", "\\") in message for one in reason.split("|")), message


def test_a_stream_that_wants_a_dictionary_is_refused() -> None:
    packer = zlib.compressobj(zdict=b"hello")
    assert "it cannot be unpacked" in refusal(b"\x05" + packer.compress(b"hello") + packer.flush())


def test_too_many_files_are_refused() -> None:
    many = [entry(b"%d" % number, b"") for number in range(5001)]
    packed = table(*many)
    with pytest.raises(ArtifactError, match="sources: there are 5,001 files; at most 5,000 may be"):
        read_bytes(forge(sources=packed))
    assert len(read_bytes(forge(packages=packed)).packages) == 5001
    with pytest.raises(ArtifactError, match="packages: there are 20,001 files; at most 20,000 may"):
        read_bytes(forge(packages=table(count=20_001)))


def test_files_that_are_too_large_together_are_refused() -> None:
    whole = bytes(10 << 20)
    files = [*(entry(b"%d" % number, whole) for number in range(6)), entry(b"6", bytes(4194305))]
    with pytest.raises(
        ArtifactError, match="with '6' the files are 67,108,865 bytes; at most 67,108,864"
    ):
        read_bytes(forge(sources=table(*files, level=0)))
    with pytest.raises(ArtifactError, match="'0' has 10,485,761 bytes; at most 10,485,760"):
        read_bytes(forge(sources=table(entry(b"0", whole + b"x"))))
    assert (
        sum(map(len, read_bytes(forge(packages=table(*files, level=0))).packages.values()))
        == (64 << 20) + 1
    )


def test_a_bomb_is_seen_by_what_it_announces() -> None:
    message, peak = peak_of(wasm.uleb(600 << 20) + zeros(8 << 20))
    assert "629,145,600 bytes are announced; at most 547,310,917 may be" in message
    assert peak < 1 << 20


@pytest.mark.parametrize("announced", [0, 1, 2, 1000, 100_000])
def test_a_bomb_never_unpacks_to_more_than_it_announces(announced: int) -> None:
    _, peak = peak_of(wasm.uleb(announced) + zeros(64 << 20))
    assert peak < 2 << 20


def test_a_bomb_behind_a_whole_table_is_not_unpacked() -> None:
    packer = zlib.compressobj(9)
    plain = b"\x01" + FILE
    stream = packer.compress(plain) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(64))
    message, peak = peak_of(wasm.uleb(len(plain)) + stream + packer.flush())
    assert "it unpacks to more than the 11 bytes announced" in message
    assert peak < 2 << 20


def test_an_announced_length_takes_no_memory() -> None:
    size = 30 << 20
    plain = wasm.uleb(1) + wasm.name("a") + wasm.uleb(size) + b"few"
    message, peak = peak_of(wasm.uleb(len(plain) - 3 + size) + zlib.compress(plain))
    assert "31,457,287 bytes are announced, and 10 are there" in message
    assert peak < 1 << 20


def test_a_bomb_is_seen_by_its_ratio() -> None:
    packed = table(entry(b"a", bytes(40 << 20)))
    message, peak = peak_of(packed)
    assert "bytes unpack to 41,943,0" in message
    assert "at most 30 times as much" in message
    assert peak < 1 << 20
    # What is honest and that regular is stored as it is.
    files = {"a": bytes(40 << 20)}
    assert unpack(memoryview(pack(files, PACKAGE_BOUNDS)), PACKAGE_BOUNDS) == files


def test_few_paths_cannot_name_many_folders() -> None:
    deep = [entry(b"%d/" % number + b"a/" * 60 + b"b", b"") for number in range(2000)]
    begin = time.monotonic()
    with pytest.raises(ArtifactError, match="files lie in 122,000 folders; at most 20,000 may be"):
        read_bytes(forge(packages=table(*deep)))
    assert time.monotonic() - begin < 5
    with pytest.raises(ArtifactError, match="files lie in 5,002 folders; at most 5,000 may be"):
        read_bytes(forge(sources=table(*deep[:82])))
    assert len(read_bytes(forge(packages=table(*deep[:300]))).packages) == 300
    # Each spelling is a folder too, where case counts.
    spelled = [f"{number:012b}".translate({48: "a", 49: "A"}) for number in range(4096)]
    with pytest.raises(ArtifactError, match="files lie in 53,248 folders"):
        check_together(
            [f"{one}/" + "b/" * 12 + one for one in spelled], folders=50_000, on_disk=True
        )


@given(st.binary(max_size=5000), st.lists(st.integers(0, 2000), max_size=9))
def test_a_stream_is_read_in_any_pieces(content: bytes, counts: list[int]) -> None:
    stream = Inflated(memoryview(zlib.compress(content)), len(content))
    found = b""
    for count in counts:
        found += stream.take(min(count, stream.left))
    found += stream.take(stream.left)
    stream.finish()
    assert found == content
    assert "0 of" in repr(stream)


@pytest.mark.parametrize("size", [(256 << 10) - 1, 256 << 10, (256 << 10) + 1, 3 << 20])
def test_sizes_around_a_whole_piece(size: int) -> None:
    stream = Inflated(memoryview(zlib.compress(bytes(size))), size)
    assert stream.take(size) == bytes(size)
    stream.finish()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused(body: bytes) -> None:
    for packed in (body, wasm.uleb(len(body)) + zlib.compress(body)):
        try:
            found = unpack(memoryview(packed), SOURCE_BOUNDS)
        except ArtifactError:
            continue
        assert all(".." not in path.split("/") for path in found)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "part ''"),
        (".", "part '.'"),
        ("..", "part '..'"),
        ("a/../b", "part '..'"),
        ("a/..", "part '..'"),
        ("./a", "part '.'"),
        ("a//b", "part ''"),
        ("a/", "part ''"),
        ("/etc/passwd", "is absolute"),
        ("/", "is absolute"),
        ("//server/share", "is absolute"),
        ("..\\a", "holds '\\\\'"),
        ("\\\\server\\share", "holds '\\\\'"),
        ("C:/a", "holds ':'"),
        ("c:a", "holds ':'"),
        ("a.py:stream", "holds ':'"),
        ("a\0.py", "holds '\\x00'"),
        ("a\n.py", "holds '\\n'"),
        ("a\x1b[2J", "holds '\\x1b'"),
        ("a\x7f", "holds '\\x7f'"),
        ("a\x9b2J", "holds '\\x9b'"),
        (".. /a", "ends in ' '"),
        ("a/...", "ends in '.'"),
        ("a./b", "ends in '.'"),
        ("a ", "ends in ' '"),
        ("x" * 256, "a part of 256 bytes; at most 255"),
        ("a/" + "\u4e16" * 86, "a part of 258 bytes; at most 255"),
        ("a/" + "b/" * 255 + "c", "has 513 bytes; at most 512"),
        ("a/" * 64 + "b", "has 65 parts; at most 64"),
    ],
)
def test_paths_that_lead_elsewhere_are_refused(path: str, reason: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        check_path(path)
    assert reason in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "path", ["a", "a/b.py", ".hidden", "..a", "a..b/c", "a b", "~", "\u00fc", "x" * 255]
)
def test_plain_paths_are_allowed(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    ("paths", "anywhere"),
    [
        (["a", "a/b"], True),
        (["a/b/c/d", "z", "a/b"], True),
        (["a", "a!", "a-b", "a/b"], True),
        (["a/b", "A/B"], False),
        (["a", "A/b"], False),
        (["stra\u00dfe", "STRASSE"], False),
        (["\u00e9.py", "e\u0301.py"], False),
        (["\u00c9.py", "e\u0301.py"], False),
    ],
)
def test_files_that_meet_are_refused(paths: list[str], anywhere: bool) -> None:
    with pytest.raises(ArtifactError, match=r"differ only in case|is a file, and a folder in"):
        check_together(paths, folders=9, on_disk=True)
    if anywhere:
        with pytest.raises(ArtifactError, match="is a file, and a folder in"):
            check_together(paths, folders=9, on_disk=False)
    else:
        check_together(paths, folders=9, on_disk=False)


@given(
    st.lists(st.lists(st.sampled_from("aAb!-~"), min_size=1, max_size=4).map("/".join), unique=True)
)
def test_a_file_is_never_a_folder(paths: list[str]) -> None:
    above = {path[:at] for path in paths for at, one in enumerate(path) if one == "/"}
    try:
        check_together(paths, folders=len(above), on_disk=False)
    except ArtifactError:
        assert above & set(paths)
    else:
        assert not above & set(paths)
        if above:
            with pytest.raises(ArtifactError, match=f"lie in {len(above)} folders"):
                check_together(paths, folders=len(above) - 1, on_disk=False)


def test_bounds_leave_room_for_paths() -> None:
    assert (SOURCE_BOUNDS.table, PACKAGE_BOUNDS.table) == (69_718_869, 547_310_917)
