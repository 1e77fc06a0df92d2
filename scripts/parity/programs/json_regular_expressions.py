"""json, csv and re: text in, values out."""

import csv
import io
import json
import re

# %% dumps of floats
json.dumps([0.1, 1e16, 1e-7, -0.0, 1e400, float("nan")])

# %% dumps of large ints
json.dumps([2**64, -(10**30)])

# %% dumps of text
json.dumps(["ü", "\u2028", "\x00", '"\\/', "😀"])

# %% dumps without ASCII
json.dumps({"ü": "日本"}, ensure_ascii=False)

# %% dumps with indent and sorted keys
json.dumps({"b": [1, {"c": None}], "a": True}, indent=2, sort_keys=True)

# %% dumps with separators
json.dumps({"a": [1, 2]}, separators=(",", ":"))

# %% keys that are no text
json.dumps({1: "a", 2.5: "b", True: "c", None: "d"})

# %% a key that cannot be
json.dumps({(1, 2): 3})

# %% skipkeys
json.dumps({(1, 2): 3, "a": 1}, skipkeys=True)

# %% what is not JSON
json.dumps({1, 2})

# %% default
json.dumps({"when": complex(1, 2)}, default=str)

# %% allow_nan
json.dumps(float("inf"), allow_nan=False)

# %% a circle
box = []
box.append(box)
json.dumps(box)

# %% loads of numbers
json.loads("[1, -0, 1.0, 1e5, 1E400, 123456789012345678901234567890, 0.1]")

# %% loads of odd constants
json.loads("[NaN, Infinity, -Infinity]")

# %% loads of repeated keys
json.loads('{"a": 1, "a": 2}')

# %% loads with hooks
json.loads('{"a": 1.10}', parse_float=str, object_pairs_hook=list)

# %% loads of escapes
json.loads(r'"\u00e9\ud83d\ude00\n\/"')

# %% loads of a lone surrogate
json.loads(r'"\ud800"')

# %% loads of bytes
[json.loads('"ü"'.encode(e)) for e in ("utf-8", "utf-16", "utf-32")]

# %% error with a place
json.loads('{"a": 1,\n "b" 2}')

# %% error of extra data
json.loads("1 2")

# %% error of a control character
json.loads('"a\tb"')

# %% deep nesting
json.loads("[" * 500 + "]" * 500) == json.loads(json.dumps(json.loads("[" * 500 + "]" * 500)))

# %% nesting without end
try:
    json.loads("[" * 200_000)
except RecursionError as error:
    print(type(error).__name__)

# %% iterencode
list(json.JSONEncoder().iterencode({"a": [1]}))

# %% raw_decode
json.JSONDecoder().raw_decode('{"a": 1} rest')

# %% csv of quotes and newlines
list(csv.reader(io.StringIO('a,"b ""c""","d\ne"\r\n1,,\n')))

# %% csv writer
out = io.StringIO()
csv.writer(out).writerows([["a,b", 'say "x"', None, 1.5], ["\n", "", True, 1e20]])
out.getvalue()

# %% csv quoting kinds
out = io.StringIO()
for kind in (
    csv.QUOTE_ALL,
    csv.QUOTE_MINIMAL,
    csv.QUOTE_NONNUMERIC,
    csv.QUOTE_STRINGS,
    csv.QUOTE_NOTNULL,
):
    csv.writer(out, quoting=kind).writerow(["a b", 1, None])
out.getvalue()

# %% csv of numbers
list(csv.reader(io.StringIO('1.5,"a"\n2,"b"\n'), quoting=csv.QUOTE_NONNUMERIC))

# %% csv dialect
csv.register_dialect(
    "pipes", delimiter="|", escapechar="\\", quoting=csv.QUOTE_NONE, lineterminator=";"
)
out = io.StringIO()
csv.writer(out, "pipes").writerow(["a|b", "c"])
out.getvalue()

# %% csv sniffing
[csv.Sniffer().sniff("a;b\n1;2\n").delimiter, csv.Sniffer().has_header("name,n\nx,1\ny,2\n")]

# %% csv DictReader
list(csv.DictReader(io.StringIO("a,b\n1,2,3\n4\n"), restkey="more", restval="-"))

# %% csv DictWriter
out = io.StringIO()
csv.DictWriter(out, ["a", "b"], extrasaction="ignore").writerow({"b": 1, "c": 2})
out.getvalue()

# %% csv strict error
list(csv.reader(io.StringIO('"a"b,c\n'), strict=True))

# %% csv field limit
csv.field_size_limit()

# %% re groups
re.match(r"(?P<year>\d{4})-(?P<month>\d\d)", "2024-05-01").groupdict()

# %% re findall and overlap
[re.findall(r"(?=(\w\w))", "abcd"), re.findall(r"\d+|[a-z]+", "a12bc3")]

# %% re unicode classes
[re.findall(r"\w+", "naïve 日本語 x_1"), re.findall(r"\d", "1٢३"), re.findall(r"\w", "é", re.ASCII)]

# %% re ignore case
[re.findall("ß|ſ|k", "SSsK\u212a", re.IGNORECASE), re.match("(?i)straße", "STRASSE")]

# %% re lookbehind
[re.findall(r"(?<=\$)\d+", "$5 €6 $78"), re.sub(r"(?<!\d)(\d{3})(?!\d)", r"<\1>", "123 1234 567")]

# %% re lookbehind of unknown width
re.compile(r"(?<=a+)b")

# %% re conditional
[bool(re.fullmatch(r"(<)?\w+(?(1)>|$)", t)) for t in ("<a>", "a", "<a", "a>")]

# %% re atomic and possessive
[re.match(r"(?>a+)ab", "aaab"), re.match(r"a++b", "aaab").group()]

# %% re sub with a function
re.sub(r"\d+", lambda m: str(int(m[0]) * 2), "a1b22")

# %% re subn and template
re.subn(r"(?P<a>\w)(\w)", r"\g<2>\g<a>", "abcd", count=1)

# %% re split
[re.split(r"(,)\s*", "a, b,c"), re.split(r"\b", "ab cd"), re.split("x*", "axbc")]

# %% re verbose and multiline
re.findall(r"""(?xm) ^ \s* (\w+) \s* = # name""", "a = 1\n  b= 2")

# %% re dotall and anchors
[re.findall(r"(?s)a.b", "a\nb"), re.findall(r"(?m)^x$", "x\nx\n"), re.search(r"x\Z", "x\n")]

# %% re scanner positions
[m.span() for m in re.finditer("a*", "baac")]

# %% re error text
re.compile("(a")

# %% re error of a repeat
re.compile("*a")

# %% re escape
re.escape("a.b-c d[e]")

# %% re bytes
re.findall(rb"[\x80-\xff]+", b"a\xc3\xa9b")

# %% re named error
re.sub("(a)", r"\g<x>", "a")

# %% re repr
[repr(re.compile("a", re.I | re.M)), repr(re.search("b", "abc"))]

# %% re many alternatives
re.findall("|".join(f"w{k}" for k in range(500)), "w3 w499 w77")

# %% re long text
len(re.sub(r"(\w+) (\w+)", r"\2 \1", "ab cd " * 20_000))

# %% re backtracking
bool(re.match(r"(a|aa)+$", "a" * 25))

# %% re greedy and lazy
[re.search(r"<.+?>", "<a><b>")[0], re.search(r"<.+>", "<a><b>")[0]]

# %% re case folding of ranges
re.findall("[à-ý]", "ÀÉxý", re.I)
