"""What reads and writes formats: XML, TOML, INI, mail, URLs, arguments, code."""

import argparse
import ast
import configparser
import dis
import email
import email.message
import email.policy
import email.utils
import getopt
import html.parser
import http.cookies
import io
import ipaddress
import mimetypes
import plistlib
import shlex
import tokenize
import tomllib
import urllib.parse
import xml.dom.minidom
import xml.etree.ElementTree as ET
import xml.sax.saxutils
from email import policy

# %% XML read
root = ET.fromstring("<a x='1'><b>t</b>tail<b/></a>")
[root.tag, root.attrib, [b.text for b in root.iter("b")], root[0].tail]

# %% XML written
root = ET.Element("r", {"k": 'a"<&'})
ET.SubElement(root, "c").text = "ü"
[
    ET.tostring(root),
    ET.tostring(root, encoding="unicode"),
    ET.tostring(root, encoding="utf-8", xml_declaration=True),
]

# %% XML indented
root = ET.fromstring("<a><b/><c><d/></c></a>")
ET.indent(root)
ET.tostring(root, "unicode")

# %% XML namespaces
ET.tostring(ET.fromstring('<a xmlns="u:x" xmlns:p="u:y"><p:b/></a>'), "unicode")

# %% XML paths
root = ET.fromstring("<a><b i='1'/><c><b i='2'/></c></a>")
[b.get("i") for b in root.findall(".//b[@i='2']")]

# %% XML error
ET.fromstring("<a><b></a>")

# %% XML entities
ET.fromstring("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;&#233;</a>").text

# %% XML iterparse
[(event, e.tag) for event, e in ET.iterparse(io.BytesIO(b"<a><b/></a>"), ("start", "end"))]

# %% minidom
xml.dom.minidom.parseString("<a><b>1</b></a>").toprettyxml(indent=" ")

# %% saxutils
[xml.sax.saxutils.escape("<&>"), xml.sax.saxutils.quoteattr('a"b')]

# %% canonical XML
ET.canonicalize("<a z='1' b='2'><c/></a>")


# %% HTML parser
class Seen(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, attrs))

    def handle_data(self, data):
        self.seen.append(data)


parser = Seen()
parser.feed("<p class=x>a&amp;b<br/><!-- c --></p>")
parser.seen

# %% TOML
tomllib.loads(
    "a = 1_000\nb = [1.5, inf]\nd = 2020-01-01T10:00:00Z\n[t.u]\ns = '''x\ny'''\nh = 0xff"
)

# %% TOML error
tomllib.loads("a = \n")

# %% configparser
config = configparser.ConfigParser()
config.read_string("[DEFAULT]\nbase = /x\n[a]\npath = %(base)s/y\non = yes\nn = 3\n")
[config["a"]["path"], config["a"].getboolean("on"), config.getint("a", "n"), config.sections()]

# %% configparser written
config = configparser.ConfigParser()
config["s"] = {"b": "1", "A": "two\nlines"}
out = io.StringIO()
config.write(out)
out.getvalue()

# %% configparser error
configparser.ConfigParser().read_string("a = 1\n")

# %% configparser of extended interpolation
config = configparser.ConfigParser(interpolation=configparser.ExtendedInterpolation())
config.read_string("[a]\nx = 1\n[b]\ny = ${a:x}2\n")
config["b"]["y"]

# %% mail made
message = email.message.EmailMessage()
message["Subject"] = "Grüße"
message["To"] = "Bo <bo@example.org>"
message.set_content("ü\n")
message.as_string()

# %% mail read
message = email.message_from_string(
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nX: 1\n\nbody", policy=policy.default
)
[message["subject"], message["x"], message.get_content()]

# %% mail with an attachment
message = email.message.EmailMessage()
message.set_content("text")
message.add_attachment(b"\x00\x01", maintype="application", subtype="x", filename="f.bin")
[part.get_content_type() for part in message.walk()]

# %% mail addresses and dates
[
    email.utils.parseaddr("A B <a@b.c>"),
    email.utils.format_datetime(
        email.utils.parsedate_to_datetime("Thu, 29 Feb 2024 10:00:00 +0100")
    ),
    email.utils.formatdate(0),
]

# %% urlsplit
urllib.parse.urlsplit("https://u:p@ex.org:8080/a/b;p?q=1&r=#f")

# %% urljoin
[urllib.parse.urljoin("http://a/b/c/d", t) for t in ("../x", "/y", "?z", "//h/i", "g;x=1/./y")]

# %% quote and unquote
[
    urllib.parse.quote("a b/ü?&"),
    urllib.parse.quote_plus("a b"),
    urllib.parse.unquote("%C3%BC%zz"),
    urllib.parse.unquote_plus("a+b"),
]

# %% query strings
[urllib.parse.parse_qs("a=1&a=2&b="), urllib.parse.urlencode({"a": [1, 2], "b": "ü"}, doseq=True)]

# %% bad port
urllib.parse.urlsplit("http://h:99999").port

# %% cookies
cookie = http.cookies.SimpleCookie("a=1; b=x y")
cookie["c"] = "v"
cookie["c"]["path"] = "/"
[cookie["a"].value, cookie["c"].OutputString()]

# %% MIME types
[mimetypes.guess_type(n)[0] for n in ("a.html", "b.png", "c.json", "d.csv")]

# %% IP addresses
[
    str(ipaddress.ip_network("10.0.0.0/30")[2]),
    ipaddress.ip_address("::1").is_loopback,
    ipaddress.ip_address("8.8.8.8").is_private,
]

# %% argparse
parser = argparse.ArgumentParser(prog="p")
parser.add_argument("name")
parser.add_argument("-n", type=int, default=3)
parser.add_argument("--flag", action="store_true")
vars(parser.parse_args(["x", "-n", "5"]))

# %% argparse subcommands
parser = argparse.ArgumentParser(prog="p")
commands = parser.add_subparsers(dest="command")
commands.add_parser("go").add_argument("--fast", action=argparse.BooleanOptionalAction)
vars(parser.parse_args(["go", "--no-fast"]))

# %% argparse usage
parser = argparse.ArgumentParser(prog="p")
parser.add_argument("--n", type=int, help="a number")
parser.format_usage()

# %% argparse error ends
import contextlib

with contextlib.redirect_stderr(io.StringIO()) as out:
    try:
        argparse.ArgumentParser(prog="p").parse_args(["--x"])
    except SystemExit as end:
        found = end.code
[found, out.getvalue()]

# %% getopt
getopt.getopt(["-a", "1", "--long=x", "rest"], "a:", ["long="])

# %% shlex
[shlex.split("a 'b c' d\\ e # f"), shlex.quote("it's"), shlex.join(["a b", "c"])]

# %% plist
plistlib.loads(plistlib.dumps({"a": [1, 2.5, b"x", True]}))

# %% binary plist
len(plistlib.dumps({"a": [1, 2**40]}, fmt=plistlib.FMT_BINARY))

# %% ast and unparse
ast.unparse(ast.parse("x = [i*2 for i in (1,2) if i>1]"))

# %% literal_eval
ast.literal_eval("{'a': [1, -2.5, (None, True)], 'b': {1, 2}}")

# %% literal_eval refuses
try:
    ast.literal_eval("__import__('os')")
except ValueError as error:
    print(str(error).partition(":")[0])

# %% syntax error
try:
    compile("a = (1,\nb = 2", "f.py", "exec")
except SyntaxError as error:
    print(type(error).__name__, error.filename)

# %% tokenize
[t.string for t in tokenize.generate_tokens(io.StringIO("x = 1 + y # c\n").readline)][:6]

# %% compiled code runs
space = {}
exec(compile("def f(n):\n    return n ** 2", "f", "exec"), space)
space["f"](70_000)

# %% disassembly starts
bool(dis.Bytecode("a + 1").dis())

# %% UTF-7 and header encodings
email.header.make_header(email.header.decode_header("=?iso-8859-1?q?p=F6stal?=")).__str__()

# %% cProfile runs
import cProfile
import pstats

profile = cProfile.Profile()
profile.runcall(sum, range(10))
out = io.StringIO()
pstats.Stats(profile, stream=out).print_stats()
"function calls" in out.getvalue()

# %% timeit
import timeit

timeit.timeit("1 + 1", number=10) >= 0

# %% doctest
import doctest
import types

module = types.ModuleType("m")
module.__doc__ = ">>> 1 + 1\n2\n>>> 2 + 2\n5\n"
with contextlib.redirect_stdout(io.StringIO()):
    found = doctest.testmod(module)
found

# %% unittest
import unittest


class Sums(unittest.TestCase):
    def test_right(self):
        self.assertEqual(1 + 1, 2)

    def test_wrong(self):
        self.assertIn(1, [2])


result = unittest.TestResult()
unittest.defaultTestLoader.loadTestsFromTestCase(Sums).run(result)
[result.testsRun, len(result.failures), len(result.errors)]

# %% unittest.mock
from unittest import mock

with mock.patch("os.getcwd", return_value="/x") as patched:
    import os

    found = [os.getcwd(), patched.call_count]
found
