"""Text and bytes: Unicode, encodings, wrapping, comparing, compressing, digesting."""

import base64
import binascii
import bz2
import codecs
import difflib
import gzip
import hashlib
import hmac
import html
import io
import lzma
import quopri
import string
import textwrap
import unicodedata
import uuid
import zlib

text = "The quick brown fox jumps over the lazy dog. " * 6

# %% upper, lower, title, casefold
["straße".upper(), "İ".lower(), "they're ok".title(), "ﬁß".casefold(), "ΑΣ".lower()]

# %% isdigit and kin
[("²".isdigit(), "½".isnumeric(), "٣".isdecimal(), "ª".isalpha(), "a1".isidentifier())]

# %% split and splitlines
["a\x1cb\u2028c\r\nd".splitlines(), " a  b ".split(), "a,,b".split(","), "a\x85b".split()]

# %% strip, prefix, suffix
["xxabxx".strip("x"), "abc".removeprefix("ab"), "a\u3000".strip()]

# %% partition and rsplit
["a=b=c".partition("="), "a.b.c".rsplit(".", 1), "abc".rpartition("-")]

# %% translate and maketrans
"hello".translate(str.maketrans("el", "ip", "o"))

# %% expandtabs, center, zfill
["a\tbc\td".expandtabs(4), "ab".center(5, "*"), "-42".zfill(6)]

# %% format with everything
"{0:>8} {1:^7.2f} {2:#x} {3!r:<6}|{name}".format("a", 2.5, 255, "q", name="n")

# %% f-strings
value = 12.5
f"{value=:.1f} {value!r} {'nested' + ' quotes'} {value:{'>'}{8}}"

# %% format of large ints
[f"{2**70:,}", f"{2**40:_b}", f"{-255:#010x}", f"{10**6:n}"]

# %% repr of text
[repr("it's"), repr('"'), repr("\n\x00ü\u200b\U0001f600"), ascii("ü😀")]

# %% compare and sort text
sorted(["b", "a", "B", "ä", "Z", "10", "9"])

# %% count, find, index error
["banana".count("an"), "banana".rfind("a"), "x".find("y")]

# %% encode errors
[
    "aüb".encode("ascii", e)
    for e in ("ignore", "replace", "xmlcharrefreplace", "backslashreplace", "namereplace")
]

# %% decode error text
b"a\xffb".decode("utf-8")

# %% surrogateescape
b"a\xff".decode("utf-8", "surrogateescape").encode("utf-8", "surrogateescape")

# %% codecs of the west
[
    "é€".encode(c)
    for c in ("latin-1", "cp1252", "iso8859-15", "mac-roman", "cp437", "utf-16-le", "utf-7")
    if c != "latin-1"
]

# %% codecs of the east
["日本語".encode(c) for c in ("shift_jis", "euc_jp", "iso2022_jp", "gb18030", "big5", "euc_kr")]

# %% punycode and idna
["bücher".encode("punycode"), "bücher.example".encode("idna")]

# %% rot13, hex, zlib codecs
[
    codecs.encode("abc", "rot13"),
    codecs.encode(b"abc", "hex"),
    codecs.decode(codecs.encode(b"x" * 9, "zlib"), "zlib"),
]

# %% unknown encoding
"a".encode("nothing")

# %% incremental decoder
decoder = codecs.getincrementaldecoder("utf-8")()
[decoder.decode(b"\xe2\x82"), decoder.decode(b"\xac")]

# %% byte order marks
["a".encode("utf-16"), "a".encode("utf-8-sig"), b"\xff\xfea\x00".decode("utf-16")]

# %% Unicode version
unicodedata.unidata_version

# %% names and categories
[
    unicodedata.name("é"),
    unicodedata.lookup("SNOWMAN"),
    [unicodedata.category(c) for c in "aA1 .€\n"],
]

# %% normal forms
[unicodedata.normalize(f, "é\ufb01²") for f in ("NFC", "NFD", "NFKC", "NFKD")]

# %% numeric and width
[
    unicodedata.numeric("½"),
    unicodedata.east_asian_width("日"),
    unicodedata.combining("\u0301"),
    unicodedata.bidirectional("א"),
]

# %% grapheme length
[len("👨‍👩‍👧"), len("é"), "👍🏽"[0]]

# %% wrap
textwrap.wrap(text, 40)

# %% fill, indent, dedent, shorten
[textwrap.indent("a\n\nb", "> "), textwrap.dedent("  a\n    b\n"), textwrap.shorten(text, 30)]

# %% unified diff
list(difflib.unified_diff(["a", "b", "c"], ["a", "x", "c", "d"], lineterm=""))

# %% ndiff
list(difflib.ndiff(["one", "two"], ["ore", "two", "tree"]))

# %% close matches and ratio
[
    difflib.get_close_matches("appel", ["ape", "apple", "peach"]),
    difflib.SequenceMatcher(None, "abcd", "bcde").ratio(),
]

# %% opcodes
difflib.SequenceMatcher(None, "qabxcd", "abycdf").get_opcodes()

# %% Template
[string.Template("$a ${b}c $$").substitute(a=1, b=2), string.Template("$a $z").safe_substitute(a=1)]

# %% Formatter fields
list(string.Formatter().parse("a{b!r:>{w}}c"))

# %% string constants
[string.punctuation, string.whitespace, string.capwords("a  b")]

# %% html
[html.escape("<a href='x'>&"), html.unescape("&eacute;&#x1F600;&notit;&amp")]

# %% base64
[
    base64.b64encode(b"\xff\xfe?"),
    base64.urlsafe_b64encode(b"\xff\xfe?"),
    base64.b32encode(b"ab"),
    base64.b85encode(b"hello"),
]

# %% base64 errors
base64.b64decode("abc")

# %% hexlify and crc
[
    binascii.hexlify(b"abc", "-"),
    binascii.crc32(b"hello"),
    binascii.crc_hqx(b"hello", 0),
    zlib.adler32(b"hello"),
]

# %% quoted printable and uu
[quopri.encodestring("é=x".encode()), binascii.b2a_uu(b"hi there")]

# %% md5, sha1, sha256
[hashlib.new(n, b"abc").hexdigest() for n in ("md5", "sha1", "sha256")]

# %% sha3, blake, shake
[
    hashlib.sha3_256(b"a").hexdigest(),
    hashlib.blake2b(b"a", digest_size=8, key=b"k").hexdigest(),
    hashlib.shake_128(b"a").hexdigest(6),
]

# %% hashes that are there
sorted(hashlib.algorithms_guaranteed)

# %% pbkdf2
hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000).hex()

# %% scrypt
hashlib.scrypt(b"password", salt=b"salt", n=16, r=8, p=1, dklen=16).hex()

# %% hmac
[hmac.new(b"k", b"message", "sha256").hexdigest(), hmac.compare_digest("a", "a")]

# %% file_digest
hashlib.file_digest(io.BytesIO(b"abc" * 1000), "sha512").hexdigest()[:32]

# %% uuid from names
[
    uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"),
    uuid.uuid3(uuid.NAMESPACE_URL, "x"),
    uuid.UUID(int=5).hex,
]

# %% zlib content and back
zlib.decompress(zlib.compress(text.encode(), 9)).decode() == text

# %% zlib bytes
zlib.compress(b"hello hello hello")

# %% zlib levels
[len(zlib.compress(text.encode(), level)) for level in (0, 1, 6, 9)]

# %% zlib error
zlib.decompress(b"nothing")

# %% zlib in pieces
packer = zlib.compressobj(wbits=-15)
raw = packer.compress(b"abc" * 100) + packer.flush()
zlib.decompressobj(wbits=-15).decompress(raw, 10)

# %% gzip bytes
gzip.compress(b"hello", mtime=0)

# %% gzip and back
gzip.decompress(gzip.compress(text.encode())).decode() == text

# %% gzip file
out = io.BytesIO()
with gzip.GzipFile(fileobj=out, mode="wb", mtime=1) as packed:
    packed.write(b"line 1\nline 2\n")
out.seek(0)
gzip.open(out, "rt").readlines()

# %% gzip truncated
gzip.decompress(gzip.compress(b"abc" * 50)[:-5])

# %% bz2 bytes
bz2.compress(b"hello hello hello")

# %% bz2 and back
bz2.decompress(bz2.compress(text.encode())) == text.encode()

# %% lzma bytes
lzma.compress(b"hello hello hello")

# %% lzma and back
[
    lzma.decompress(lzma.compress(text.encode(), format=f)) == text.encode()
    for f in (lzma.FORMAT_XZ, lzma.FORMAT_ALONE)
]

# %% lzma checks
[lzma.is_check_supported(c) for c in (lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256)]

# %% zstd
from compression import zstd

zstd.decompress(zstd.compress(b"abc"))

# %% bytes methods
[
    b"a,b".split(b","),
    b"\x01\xff".hex(":"),
    bytes.fromhex("0a ff"),
    b"abc".translate(None, b"b"),
    b"%d|%s" % (5, b"x"),
]

# %% bytearray
box = bytearray(b"hello")
box[1:3] = b"EY"
box.extend(range(3))
[box, box.find(b"l"), box.pop()]

# %% StringIO newlines
out = io.StringIO("a\r\nb\rc\n", newline=None)
out.read()

# %% TextIOWrapper
raw = io.BytesIO()
out = io.TextIOWrapper(raw, "utf-16", newline="\r\n")
out.write("é\n")
out.flush()
raw.getvalue()

# %% BufferedReader
reader = io.BufferedReader(io.BytesIO(b"abcdef"))
[reader.peek(2)[:2], reader.read(3), reader.tell(), reader.readline()]
